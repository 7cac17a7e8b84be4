import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.save import to_bytes
from edgecnn.trainable import to_graph, to_module

from .onnx_text import assert_runs, draw, floats, graph

CASES = {
    "per tensor, uint8 by default": {
        "body": "q = QuantizeLinear (x, s) y = DequantizeLinear (q, s)",
        "s": np.float32(0.011),
    },
    "per tensor, with a zero point": {
        "body": "q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)",
        "s": np.float32(0.017),
        "z": np.uint8(93),
    },
    "per tensor, int8": {
        "body": "q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)",
        "s": np.float32(0.013),
        "z": np.int8(-7),
    },
    "activations by channel": {
        "body": "q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)",
        "s": floats(0.01, 0.02, 0.03, 0.015),
        "z": np.array([3, -4, 5, 0], np.int8),
    },
    "weights by output channel": {
        "body": "q = QuantizeLinear <axis = 0> (w, s, z) d = DequantizeLinear <axis = 0> (q, s, z)"
        " y = Conv (x, d)",
        "w": draw(3, 4, 3, 3),
        "s": floats(0.01, 0.02, 0.03),
        "z": np.array([0, 0, 0], np.int8),
    },
    "weights that are integers": {
        "body": "d = DequantizeLinear <axis = 0> (w, s) y = Conv (x, d)",
        "w": (draw(3, 4, 3, 3) * 40).astype(np.int8),
        "s": floats(0.01, 0.02, 0.03),
    },
    "biases that are integers": {
        "body": "d = DequantizeLinear (b, s) y = Conv (x, w, d)",
        "w": draw(3, 4, 3, 3),
        "b": np.array([100000, -70000, 3], np.int32),
        "s": np.float32(1e-5),
    },
    "a pool between": {
        "body": "q = QuantizeLinear (x, s, z) p = MaxPool <kernel_shape = [2, 2]> (q)"
        " y = DequantizeLinear (p, s, z)",
        "s": np.float32(0.02),
        "z": np.uint8(120),
    },
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)


def fake_quantized(train_scales=False, **settings):
    case = {"s": np.float32(0.1), "z": np.int8(0), "x": (1, 5), **settings}
    model = graph("q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)", **case)
    return to_module(model, train_scales=train_scales)


@pytest.mark.parametrize(
    ("zero", "least", "most"),
    [(np.int8(0), -128, 127), (np.int8(-20), -128, 127), (np.uint8(30), 0, 255)],
    ids=["int8", "int8 with a zero point", "uint8"],
)
def test_the_gradient_goes_straight_through_inside_the_range_and_stops_outside(zero, least, most):
    steps = torch.tensor([[least - 0.6, least - 0.4, 0.3, most + 0.4, most + 0.6]]) - int(zero)
    images = (steps * 0.1).requires_grad_()
    fake_quantized(z=zero)(images).sum().backward()
    torch.testing.assert_close(images.grad, torch.tensor([[0.0, 1.0, 1.0, 1.0, 0.0]]))


def test_the_gradient_of_a_trained_scale_is_that_of_learned_step_size_quantization():
    module = fake_quantized(train_scales=True)
    ratios = np.array([[-200.0, -1.3, 0.4, 2.5, 150.0], [0.0, 0.6, 1.0, -127.7, 127.2]])
    module(torch.from_numpy(ratios * 0.1).float()).sum().backward()
    inside = (np.round(ratios) >= -128) & (np.round(ratios) <= 127)
    by_equation_3 = np.where(inside, np.round(ratios) - ratios, np.clip(ratios, -128, 127))
    gradient_scale = 1 / np.sqrt(5 * 127)  # N activations of one image, Q_p = 127
    assert module.s.grad.item() == pytest.approx(by_equation_3.sum() * gradient_scale, rel=1e-4)


def test_scales_by_channel_have_gradients_by_channel_each_of_its_own_weights():
    weights, scales = draw(3, 4, 3, 3), floats(0.01, 0.5, 0.03)
    body = "q = QuantizeLinear <axis = 0> (w, s, z) d = DequantizeLinear <axis = 0> (q, s, z) y = Conv (x, d)"
    module = to_module(
        graph(body, (1, 4, 3, 3), w=weights, s=scales, z=np.zeros(3, np.int8)), train_scales=True
    )
    images = torch.from_numpy(draw(1, 4, 3, 3, seed=1))
    module(images).sum().backward()
    ratios = weights / scales[:, None, None, None]
    inside = np.abs(ratios) < 127.5
    slopes = np.where(inside, np.round(ratios) - ratios, np.clip(np.round(ratios), -128, 127))
    expected = (slopes * images.numpy()).sum((1, 2, 3)) / np.sqrt(4 * 3 * 3 * 127)
    np.testing.assert_allclose(module.s.grad, expected, rtol=1e-3)
    np.testing.assert_allclose(module.w.grad, inside * images.numpy(), rtol=1e-5, atol=1e-6)


def test_fixed_scales_are_no_parameters():
    assert list(fake_quantized().parameters()) == []
    assert fake_quantized().state_dict() == {}


def test_equal_scales_of_a_pair_are_trained_as_one_and_written_to_both():
    body = "q = QuantizeLinear (x, s) y = DequantizeLinear (q, t)"
    model = graph(body, (1, 5), s=np.float32(0.1), t=np.float32(0.1))
    module = to_module(model, train_scales=True)
    assert [key for key, _ in module.named_parameters()] == ["s"]
    with torch.no_grad():
        module.s.fill_(0.2)
    written = to_graph(module).graph.initializers
    assert [float(written[name].const_value.numpy()) for name in "st"] == [np.float32(0.2)] * 2
    assert to_bytes(to_graph(to_module(model, train_scales=True))) == to_bytes(model)


def test_different_scales_of_a_pair_cannot_be_trained():
    body = "q = QuantizeLinear (x, s) y = DequantizeLinear (q, t)"
    model = graph(body, (1, 5), s=np.float32(0.1), t=np.float32(0.2))
    to_module(model)
    with pytest.raises(EdgeCnnError, match="have different scales"):
        to_module(model, train_scales=True)


@pytest.mark.parametrize("scale", [0.0, -0.1, float("nan")])
def test_a_scale_that_is_no_longer_positive_is_not_written(scale):
    module = fake_quantized(train_scales=True)
    with torch.no_grad():
        module.s.fill_(scale)
    with pytest.raises(EdgeCnnError, match="the scale 's' became"):
        to_graph(module)


@given(st.floats(0.001, 10), st.lists(st.floats(-100, 100), min_size=5, max_size=5), st.integers(-128, 127))
def test_inside_the_range_the_error_is_at_most_half_a_step(scale, values, zero):
    module = fake_quantized(s=np.float32(scale), z=np.int8(zero))
    images = np.float32([values]).clip((-128 - zero) * scale, (127 - zero) * scale)
    outputs = module(torch.from_numpy(images)).numpy()
    assert np.abs(outputs - images).max() <= scale * 0.501 + 1e-5 * np.abs(images).max()
