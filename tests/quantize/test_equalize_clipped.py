import numpy as np
import pytest
from torch import nn

from edgecnn.export.parity import compare
from edgecnn.quantize.equalize_clipped import equalize_clipped
from edgecnn.runtime.onnx_runner import OnnxRunner

from .networks import chain, context, graph, pictures, spoil


def test_below_the_bound_of_a_relu6_channels_are_equalized_and_the_pictures_outputs_stay():
    model = spoil(graph(chain(nn.ReLU6)), "0", "2", np.exp2(np.linspace(0, 6, 8)))
    result = equalize_clipped(model, context=context())
    assert result.matched == 3
    images = pictures()
    assert compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-5).holds
    assert not np.array_equal(*(weight(each, "0.weight") for each in (model, result.model)))


def clipped(model):
    """What each Clip gives for the pictures."""
    clips = [node.outputs[0].name for node in model.graph if node.op_type == "Clip"]
    return OnnxRunner(model, outputs=clips).values(pictures())


def weight(model, name):
    return model.graph.initializers[name].const_value.numpy()


def test_a_channel_that_reaches_the_bound_keeps_its_scale():
    model = spoil(graph(chain(nn.ReLU6)), "0", "2", np.array([1 / 64] + [1.0] * 7))
    result = equalize_clipped(model, context=context())
    before, found = weight(model, "0.weight"), weight(result.model, "0.weight")
    np.testing.assert_allclose(found[0], before[0], rtol=1e-6)
    assert not np.allclose(found[1:], before[1:], rtol=1e-3)
    full = sum(int((values.max(axis=(0, 2, 3)) * 1.1 >= 6).sum()) for values in clipped(model).values())
    assert full >= 1
    assert f"{full} of {8 + 8 + 6} channels reach the bound" in result.note


def test_no_value_comes_within_the_margin_below_the_bound():
    result = equalize_clipped(graph(chain(nn.ReLU6)), context=context())
    found, original = clipped(result.model), clipped(graph(chain(nn.ReLU6)))
    for name, values in found.items():
        free = original[name].max(axis=(0, 2, 3)) * 1.1 < 6
        assert (values.max(axis=(0, 2, 3))[free] <= 6 / 1.1 * (1 + 1e-5)).all()


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6], ids=["ReLU", "ReLU6"])
def test_it_does_all_that_equalize_does(activation):
    result = equalize_clipped(graph(chain(activation)), context=context())
    assert result.matched == 3
    assert "left: 1 read by the graph's output" in result.note
