import numpy as np
import pytest
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.export.parity import compare
from edgecnn.quantize.absorb_bias import absorb_bias
from edgecnn.runtime.onnx_runner import OnnxRunner

from .networks import context, graph, pictures

LIFT = 50.0  # no value of these layers comes near it: the whole constant can go


def lifted(module, name="0", lift=LIFT):
    """The graph of a network one of whose layers has biases larger than anything else it adds up."""
    model = graph(module)
    value = model.graph.initializers[f"{name}.bias"]
    tensor = type(value.const_value)((value.const_value.numpy() + lift).astype(np.float32), name=value.name)
    value.const_value = tensor
    return model


def bias(model, name):
    return model.graph.initializers[name].const_value.numpy()


def last(*layers):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


PAIRS = {
    "Relu": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3)),
    "no bias behind": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3, bias=False)),
    "stride": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3, stride=2)),
    "depthwise": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6)),
    "groups": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, groups=2)),
    "first with padding": last(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 1)),
    "MaxPool": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2, padding=1), nn.Conv2d(6, 4, 3)),
    "AveragePool": last(nn.Conv2d(3, 6, 3), nn.AvgPool2d(2), nn.Conv2d(6, 4, 3)),
    "Flatten": nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 5)),
    "GlobalAveragePool": nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)
    ),
}


@pytest.mark.parametrize("module", PAIRS.values(), ids=PAIRS)
def test_a_constant_part_goes_into_the_next_bias_and_the_output_stays(module):
    model = lifted(module)
    result = absorb_bias(model, context=context(), deviations=8.0)
    assert result.matched == 1
    assert "6 channels between 1 pairs" in result.note
    assert "6 of them exactly" in result.note
    images = pictures()
    assert compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-4).holds
    assert (bias(result.model, "0.bias") < bias(model, "0.bias") - LIFT / 2).all()


LEFT = {
    "zero padding": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1)),
    "transposed": last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.ConvTranspose2d(6, 4, 3)),
}


@pytest.mark.parametrize("module", LEFT.values(), ids=LEFT)
def test_a_layer_whose_border_has_fewer_taps_is_left_alone(module):
    model = lifted(module)
    result = absorb_bias(model, context=context())
    assert result.matched == 0
    assert "left: 1 pairs before a layer that pads" in result.note
    np.testing.assert_array_equal(bias(result.model, "0.bias"), bias(model, "0.bias"))


def test_a_pool_that_averages_padding_stops_it():
    module = last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AvgPool2d(3, 1, padding=1), nn.Conv2d(6, 4, 1))
    assert absorb_bias(lifted(module), context=context()).matched == 0


def test_a_channel_that_reaches_the_bound_of_a_relu6_is_left_alone():
    module = last(nn.Conv2d(3, 6, 3), nn.ReLU6(), nn.Conv2d(6, 4, 3))
    assert absorb_bias(lifted(module), context=context()).matched == 0


def test_below_that_bound_it_is_moved():
    module = last(nn.Conv2d(3, 6, 1), nn.ReLU6(), nn.Conv2d(6, 4, 3))
    model = lifted(module, lift=0)
    for name, factor, shift in (("0.weight", 0.3, 0), ("0.bias", 0, 3)):
        value = model.graph.initializers[name]
        array = (value.const_value.numpy() * factor + shift).astype(np.float32)
        value.const_value = type(value.const_value)(array, name=name)
    result = absorb_bias(model, context=context(), deviations=6.0)
    assert result.matched == 1
    images = pictures()
    assert compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-4).holds


def test_what_is_moved_is_the_mean_less_three_deviations():
    model = lifted(last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3)))
    name = next(node.outputs[0].name for node in model.graph if node.name == "0")
    values = OnnxRunner(model, outputs=[name]).values(pictures())[name].astype(np.float64)
    expected = values.mean((0, 2, 3)) - 3 * values.std((0, 2, 3))
    result = absorb_bias(model, context=context())
    np.testing.assert_allclose(bias(model, "0.bias") - bias(result.model, "0.bias"), expected, rtol=1e-5)


def test_values_below_the_constant_are_raised_to_it_and_the_note_does_not_call_that_exact():
    model = lifted(last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3)), lift=3)
    result = absorb_bias(model, context=context(), deviations=0.0)
    assert "; 0 of them exactly" in result.note
    images = pictures()
    assert not compare("", OnnxRunner(model)(images), OnnxRunner(result.model)(images), 1e-3).holds


def test_activations_around_zero_have_nothing_to_move():
    result = absorb_bias(graph(last(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3))), context=context())
    assert (result.matched, result.note) == (0, "no channel has a constant part to move")


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_a_number_of_deviations_that_means_nothing_is_refused(value):
    from edgecnn.quantize import PASSES

    with pytest.raises(EdgeCnnError, match="deviations"):
        PASSES["absorb_bias"].check_settings({"deviations": value})
