"""Mistakes that a writer of int8 files could make, each made on purpose: the gates turn red."""

from dataclasses import replace

import numpy as np
import pytest

from edgecnn.errors import VerificationError
from edgecnn.export.fidelity import check_layers, fidelity
from edgecnn.export.tflite import check_grids, check_precisions, filters, packing, write, writer
from edgecnn.runtime.litert_runner import LitertRunner

BODY = """(float[1,3,9,9] x) => (float[1,5] y) {
  c = Conv<strides=[2,2], pads=[1,0,1,0]>(x, w, b)  r = Relu(c)  d = Conv<group=8, pads=[1,1,1,1]>(r, v, e)
  s = Add(r, d)  m = MaxPool<kernel_shape=[2,2]>(s)  p = GlobalAveragePool(m)  f = Flatten(p)
  y = Gemm<transB=1>(f, u, z) }"""


@pytest.fixture
def images():
    return np.random.default_rng(1).standard_normal((4, 3, 9, 9), np.float32)


@pytest.fixture
def model(graph, normal, images, quantize):
    weights = {"w": normal(8, 3, 3, 3), "b": normal(8), "v": normal(8, 1, 3, 3), "e": normal(8)}
    return quantize(graph(BODY, **weights, u=normal(5, 8), z=normal(5)), images)


def check(model, images, data):
    """Everything that is checked of an int8 file."""
    check_precisions(model, data)
    check_grids(model, data)
    runner = LitertRunner(data, keep_all=True)
    runner(images[:1])
    check_layers(model, runner.values())
    found = fidelity(model, LitertRunner(data), images)
    if not found.holds:
        raise VerificationError(f"{found.steps} steps")


def test_a_right_file_passes_every_gate(model, images):
    check(model, images, write(model))
    check(model, images, write(model, io="int8"))


def wrong_bias_scale(patch):
    real = filters.quantize_bias
    patch.setattr(filters, "quantize_bias", lambda bias, scale, scales: real(bias, 2 * scale, scales))


def no_bias(patch):
    real = filters.quantize_bias
    patch.setattr(filters, "quantize_bias", lambda bias, scale, scales: real(bias * 0, scale, scales))


def swapped_scales(patch):
    real = filters._int8_weights

    def swapped(graph, found, elements, scales):
        return real(graph, found, elements, np.ascontiguousarray(scales[::-1]))

    patch.setattr(filters, "_int8_weights", swapped)


def swapped_channels(patch):
    real = filters._int8_weights

    def swapped(graph, found, elements, scales):
        return real(graph, found, np.ascontiguousarray(elements[::-1]), scales)

    patch.setattr(filters, "_int8_weights", swapped)


def on_tensors(change):
    """Change the quantization of the tensor that holds `d`."""

    def patched(patch):
        real = packing._tensor

        def tensor(schema, model, found):
            if found.name == "d":
                found = replace(found, quantization=change(found.quantization))
            return real(schema, model, found)

        patch.setattr(packing, "_tensor", tensor)

    return patched


def left_in_float(patch):
    real = writer.result_of
    patch.setattr(
        writer, "result_of", lambda node, graph: None if node.outputs[0].name == "d" else real(node, graph)
    )


MISTAKES = {
    "bias scale wrong": wrong_bias_scale,
    "bias left out": no_bias,
    "scales of the channels swapped": swapped_scales,
    "channels swapped": swapped_channels,
    "scale off by 2": on_tensors(lambda found: replace(found, scale=(2 * found.scale[0],))),
    "zero point off by one": on_tensors(lambda found: replace(found, zero_point=found.zero_point + 1)),
    "float instead of int8": left_in_float,
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_turns_a_gate_red(model, images, monkeypatch, mistake):
    mistake(monkeypatch)
    with pytest.raises(VerificationError):
        check(model, images, write(model))


def test_the_layer_that_differs_is_named(model, images, monkeypatch):
    wrong_bias_scale(monkeypatch)
    runner = LitertRunner(write(model), keep_all=True)
    runner(images[:1])
    with pytest.raises(VerificationError, match=r"'\w+(\.raw)?' of the quantized file is \d+\.\d steps"):
        check_layers(model, runner.values())


def test_a_bias_between_two_steps_of_its_int32_is_no_mistake(graph):
    # s_in s_w = 1 is ten steps of the result, and a bias of 0.4 becomes 0.
    body = """(float[1,1,2,2] x) => (float[1,1,2,2] y) {
      xq = QuantizeLinear(x, one, z)  xd = DequantizeLinear(xq, one, z)
      wq = QuantizeLinear(w, one, z)  wd = DequantizeLinear(wq, one, z)
      c = Conv(xd, wd, b)  cq = QuantizeLinear(c, tenth, z)  y = DequantizeLinear(cq, tenth, z) }"""
    scales = {"one": np.float32(1), "tenth": np.float32(0.1), "z": np.int8(0)}
    model = graph(body, **scales, w=np.ones((1, 1, 1, 1), np.float32), b=np.float32([0.4]))
    runner = LitertRunner(write(model), keep_all=True)
    assert runner(np.zeros((1, 1, 2, 2), np.float32)).tolist() == [[[[0, 0], [0, 0]]]]
    check_layers(model, runner.values())
