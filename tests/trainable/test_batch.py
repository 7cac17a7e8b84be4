"""A graph of one image runs on any number of them, or is refused where that would mix or lose them."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.trainable import to_module

from .onnx_text import draw, floats, graph, ints

REFUSED = {
    "reduces along axis 0, the axis of the images": {"body": "y = ReduceMean <axes = [0, 1]> (x)"},
    "reduces along axis 0, the axis": {"body": "y = ReduceMax (x)"},
    "normalizes along axis 0": {"body": "y = Softmax <axis = 0> (x)"},
    "joins along axis 0": {"body": "y = Concat <axis = 0> (x, x)"},
    "splits along axis 0": {"body": "y, z = Split <axis = 0> (x, s)", "s": ints(1, 0)},
    "gathers along axis 0": {"body": "y = Gather <axis = 0> (x, k)", "k": ints(0)},
    "chooses along axis 0": {"body": "k = ArgMax <axis = 0> (x) y = Cast <to = 1> (k)"},
    "picks some of the images": {"body": "y = Slice (x, s, e, s)", "s": ints(0), "e": ints(0)},
    "drops axis 0": {"body": "y = Squeeze (x, axes)", "axes": ints(0)},
    "name the axes to drop": {"body": "m = GlobalAveragePool (x) y = Squeeze (m)"},
    "pads along axis 0": {"body": "y = Pad (x, p)", "p": ints(1, 0, 0, 0, 0, 0, 0, 0)},
    "resizes axis 0": {"body": 'y = Resize (x, "", s)', "s": floats(2, 1, 1, 1)},
    "repeats the images 3 times": {"body": "y = Expand (x, s)", "s": ints(3, 4, 6, 6)},
    "repeats the images 2 times": {"body": "y = Tile (x, r)", "r": ints(2, 1, 1, 1)},
    "leaves no axis for the images": {"body": "y = Reshape (x, s)", "s": ints(4, 36)},
    "has the images along axis 1": {"body": "y = Transpose <perm = [1, 0, 2, 3]> (x)"},
    "reads images along axis 3": {"body": "t = Transpose (x) y = Conv (t, w)", "w": draw(2, 6, 1, 1)},
    "another axis of the other": {"body": "t = Transpose (x) y = Add (x, t)", "x": (1, 1, 1, 1)},
    "5 constant entries along the axis of the images": {"body": "y = Mul (x, b)", "b": draw(5, 1, 1, 1)},
    "would sum over the images": {
        "body": "t = Transpose (x) y = MatMul (w, x)",
        "w": draw(2, 1),
        "x": (1, 3),
    },
    "every image by every other": {"body": "t = Transpose (x) y = MatMul (x, t)", "x": (1, 3)},
    "two inputs that differ from image to image": {"body": "y = Gemm <transB = 1> (x, x)", "x": (1, 3)},
    "differs from image to image where": {"body": "y = Conv (w, x)", "w": draw(1, 4, 6, 6)},
    "may count the images": {"body": "h = Shape (x) c = Cast <to = 1> (h) y = Mul (x, c)", "x": (1, 4, 6, 4)},
    "computes its setting 'r', which must be constant": {
        "body": "r = Cast <to = 7> (w) y = Tile (x, r)",
        "w": floats(1, 1, 2, 2),
    },
}


@pytest.mark.parametrize(("reason", "case"), REFUSED.items(), ids=REFUSED)
def test_what_would_mix_or_lose_images_is_refused_with_its_node(reason, case):
    with pytest.raises(EdgeCnnError, match=reason):
        to_module(graph(**case))


def test_a_graph_of_two_images_runs_on_three():
    case = {
        "body": "r = Reshape (x, s) y = Add (r, b)",
        "s": ints(2, -1),
        "b": draw(1, 16),
        "x": (2, 4, 2, 2),
    }
    images = draw(6, 4, 2, 2, seed=1)
    outputs = to_module(graph(**case))(torch.from_numpy(images[:3])).detach().numpy()
    np.testing.assert_array_equal(outputs, OnnxRunner(graph(**case))(images)[:3])


@given(st.lists(st.sampled_from([(1, 24), (1, 4, 6), (1, 2, 3, 4), (1, 24, 1), (1, 1, 24)]), max_size=4))
def test_any_chain_of_reshapes_that_keep_the_batch_keeps_every_image_s_entries(shapes):
    names = ["x", *(f"v{number}" for number in range(len(shapes)))]
    lines = [f"{b} = Reshape ({a}, s{b})" for a, b in pairwise(names)]
    constants = {f"s{name}": ints(*shape) for name, shape in zip(names[1:], shapes, strict=True)}
    body = " ".join([*lines, f"y = Relu ({names[-1]})"])
    images = np.abs(draw(5, 4, 6))
    outputs = to_module(graph(body, (1, 4, 6), **constants))(torch.from_numpy(images))
    np.testing.assert_array_equal(outputs.numpy().reshape(5, 24), images.reshape(5, 24))


@pytest.mark.parametrize("shape", [(2, 4, 6, 5), (2, 3, 6, 6), (4, 6, 6), (0, 4, 6, 6)])
def test_images_of_another_size_are_refused_before_anything_runs(shape):
    module = to_module(graph("y = Relu (x)"))
    with pytest.raises(EdgeCnnError, match="takes images of shape n x 4 x 6 x 6"):
        module(torch.zeros(shape))


def test_inputs_of_different_batches_are_refused():
    model = graph("y = Relu (x)")
    with pytest.raises(EdgeCnnError, match="takes 1 inputs, not 2"):
        to_module(model)(torch.zeros(1, 4, 6, 6), torch.zeros(1, 4, 6, 6))
