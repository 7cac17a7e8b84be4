"""What cannot be run is refused before anything runs; what nothing reads any more is let go."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record
from edgecnn.trainable import to_module

from .onnx_text import draw, graph, ints

REFUSED = {
    "gathers entries 0 to 4 of 4": {"body": "y = Gather <axis = 1> (x, k)", "k": ints(0, 4)},
    "reads 3 channels of an input of 4": {"body": "y = Conv (x, w)", "w": draw(4, 3, 3, 3)},
    "reads 6 channels of an input of 4": {"body": "y = ConvTranspose (x, w)", "w": draw(6, 3, 3, 3)},
    "weights of shape (3,) for an input of 4 channels": {
        "body": "y = BatchNormalization (x, s, s, s, s)",
        "s": draw(3),
    },
    "the graph is not valid ONNX": {"body": "y = Conv (x)"},
    "GridSample node 'g': the operator GridSample cannot be trained": {
        "body": "g = GridSample (x, w) y = Relu (g)",
        "w": draw(1, 6, 6, 2),
        "opset": 16,
    },
    "has mode=nearer; allowed: constant, reflect, edge": {
        "body": 'y = Pad <mode = "nearer"> (x, p)',
        "p": ints(0, 0, 0, 0, 0, 0, 0, 0),
    },
    "MaxPool node 'y' has a second output that is used": {
        "body": "y, k = MaxPool <kernel_shape = [2, 2]> (x) c = Cast <to = 1> (k) z = Add (y, c)"
    },
    "has the attribute 'antialias'": {
        "body": 'y = Resize <antialias = 1, mode = "linear"> (x, "", "", s)',
        "s": ints(1, 4, 3, 3),
        "opset": 13,
    },
    "casts to STRING": {"body": "s = Cast <to = 8> (x) y = Cast <to = 1> (s)"},
    "training_mode=1": {
        "body": "y, m, v = BatchNormalization <training_mode = 1> (x, s, s, s, s)",
        "s": draw(4),
        "opset": 15,
    },
    "the graph is of opset 12": {"body": "y = Relu (x)", "opset": 12},
    "the graph is of opset 18": {"body": "y = Relu (x)", "opset": 18},
}


@pytest.mark.parametrize(("reason", "case"), REFUSED.items(), ids=REFUSED)
def test_an_unknown_operator_or_attribute_is_an_error_that_names_the_node(reason, case):
    model = _unchecked(**case)
    with pytest.raises(EdgeCnnError, match=re.escape(reason)):
        to_module(model)


def _unchecked(**case):
    """Build a graph whose shapes onnx cannot infer, as it is not valid everywhere."""
    try:
        return graph(**case)
    except EdgeCnnError:
        return graph(**case, inferred=False)


def test_a_node_of_another_domain_is_refused():
    model = graph("y = Relu (x)")
    model.graph[0].domain = "com.example"
    with pytest.raises(EdgeCnnError, match="com.example.Relu node 'y' is of domain 'com.example'"):
        to_module(model)


def test_a_graph_without_weights_is_refused():
    model = record(nn.Conv2d(3, 4, 3, device="meta"), (1, 3, 8, 8))
    with pytest.raises(EdgeCnnError, match="'weight' has no content; open the network with its weights"):
        to_module(model)


def test_a_value_is_freed_after_its_last_reader():
    model = graph("a = Relu (x) b = Sigmoid (a) c = Tanh (b) y = Add (c, b)")
    steps = to_module(model)._plan.steps
    relu, sigmoid, tanh, add = (step.writes[0] for step in steps)
    assert [set(step.frees) for step in steps] == [{0}, {relu}, set(), {sigmoid, tanh}]
    assert to_module(model)._plan.outputs == (add,)


@pytest.mark.parametrize("activation", ["Relu (c)", "Clip (c, l, h)"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["read once", "read twice"])
def test_an_activation_overwrites_only_what_nothing_else_reads(activation, elsewhere):
    bounds = {"l": np.float32(0), "h": np.float32(6)} if "Clip" in activation else {}
    last = "y = Add (r, c)" if elsewhere else "y = Identity (r)"
    model = graph(f"c = Conv (x, w) r = {activation} {last}", w=draw(4, 4, 1, 1), **bounds)
    step = to_module(model)._plan.steps[1]
    tensor = torch.tensor([-1.0, 2.0])
    step.function(tensor)
    assert (tensor.tolist() == [0.0, 2.0]) is not elsewhere


def test_several_outputs_come_as_a_tuple_an_initializer_among_them():
    model = graph("y = Conv (x, w)", w=draw(2, 4, 3, 3))
    model.graph.outputs.append(model.graph.initializers["w"])
    module = to_module(model)
    outputs, weight = module(torch.rand(2, 4, 6, 6))
    assert outputs.shape == (2, 2, 4, 4)
    assert weight is module.w
