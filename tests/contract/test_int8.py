"""Every network of the zoo in int8: each value is where its rule wants it, and a board's runtime takes it."""

import numpy as np
import pytest

from edgecnn.calls import Call
from edgecnn.export import tensorrt
from edgecnn.graph.activations import fused_activation
from edgecnn.graph.nodes import constant, output
from edgecnn.graph.precision import precision_of
from edgecnn.quantize import Context, compress
from edgecnn.quantize.placement_tflite import RULES
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs

from .conftest import grouped, narrow, representatives

# Deep ones of the same operators as others here are left out: the graph of one takes seconds to check.
FAMILIES = [
    name for name in representatives() if name not in ("resnet164", "densenet", "googlenet_torchvision")
]
_Q, _DQ = "QuantizeLinear", "DequantizeLinear"


def quantized(name: str, scheme: str):
    network = narrow(name)
    images = sample_inputs(network.preprocessing, 2)
    call = Call("int8", {"allow_float": "LRN"})
    step = compress(network.graph, [call], context=Context(images=lambda: [images], scheme=scheme))[-1]
    return step.before, step.after, images


def grid_before(value) -> tuple[float, int]:
    """Return scale and zero point of the pair that gives a value."""
    pair = value.producer()
    return float(constant(pair.inputs[1])), int(constant(pair.inputs[2]))


def grid_behind(value) -> tuple[float, int]:
    (quantize,) = [use.node for use in value.uses()]
    assert quantize.op_type == _Q, f"{value.name} has no pair"
    return float(constant(quantize.inputs[1])), int(constant(quantize.inputs[2]))


def is_data(value) -> bool:
    return value is not None and value.producer() is not None and value.producer().op_type == _DQ


@grouped(FAMILIES)
def test_every_activation_is_where_the_rule_of_its_operator_wants_it(name):
    before, after, images = quantized(name, "tflite")
    computing = [node for node in after.graph if node.op_type not in (_Q, _DQ)]
    assert after.graph.outputs[0].producer().op_type == _DQ
    applied = {fused_activation(node) for node in computing if RULES.get(node.op_type, RULES["Relu"]).fuses}
    for node in computing:
        rule = RULES.get(node.op_type, RULES["Add"])  # an LRN, in float between pairs
        reads = [value for value in node.inputs if is_data(value)]
        if node in applied:
            assert not reads, f"a pair stands before {node.name}, which the operator before it applies"
        else:
            assert node.inputs[0] in reads, f"{node.name} reads what is not quantized"
        if rule.weighted:
            assert node.inputs[1] in reads
            assert len(node.inputs) < 3 or constant(node.inputs[2]) is not None
        if rule.fuses and fused_activation(node):
            continue
        grid = grid_behind(output(node))
        if rule.shares and node.op_type != "Clip":
            assert {grid_before(value) for value in reads} == {grid}, node.name
        if rule.fixed:
            assert grid == (rule.fixed.scale, rule.fixed.zero_point)
    assert np.isfinite(OnnxRunner(after)(images)).all()
    assert precision_of(before) == "fp32"


@grouped(FAMILIES)
def test_tensorrt_would_find_nothing_wrong(name):
    _, after, images = quantized(name, "tensorrt")
    assert tensorrt.lint(after) == []
    assert np.isfinite(OnnxRunner(after)(images)).all()
    scales = [node.inputs[2] for node in after.graph if node.op_type == _Q]
    assert scales
    assert not any(np.any(constant(zero_point)) for zero_point in scales)


@pytest.mark.parametrize("scheme", ["tflite", "tensorrt"])
@grouped(["lenet"])
def test_the_same_pictures_give_the_same_graph(name, scheme):
    from edgecnn.graph.save import to_bytes

    assert to_bytes(quantized(name, scheme)[1]) == to_bytes(quantized(name, scheme)[1])
