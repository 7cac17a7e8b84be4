"""Quantized tensors, as the kernels reckon with them.

    real = scale (q - zero_point)             weights: one scale for each output channel c, zero_point 0
    q = clip(rint(real / scale) + zero_point, -128, 127)
    bias: int32, scale s_in s_w[c], so that it adds to the sum of the products

Source: Jacob et al. 2018, arXiv:1712.05877, section 2; TFLite's 8-bit quantization specification.
"""

import math
from dataclasses import dataclass

import numpy as np

LEAST, MOST = -128, 127
_MOST_BIAS = 2.0**30  # leaves the sum of the products as much room in 32 bits


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """How int8 or int32 elements stand for reals: one scale, or one for each index along `axis`."""

    scale: tuple[float, ...]
    zero_point: int = 0
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """Whether the scale depends on the index along `axis`."""
        return len(self.scale) > 1

    def represents(self, real: float) -> int:
        """Return the int8 that stands for a number; for one scale."""
        steps = round(real / self.scale[0]) + self.zero_point if math.isfinite(real) else real
        return int(min(max(steps, LEAST), MOST))


def quantize(array: np.ndarray, quantization: Quantization) -> np.ndarray:
    """Return the int8 elements as ONNX's QuantizeLinear gives them."""
    shape = [1] * array.ndim
    if quantization.per_channel:
        shape[quantization.axis] = -1
    scaled = array / np.asarray(quantization.scale, np.float32).reshape(shape)
    scaled = np.asarray(scaled)  # of a single number, too
    np.rint(scaled, out=scaled)
    scaled += quantization.zero_point
    return np.clip(scaled, LEAST, MOST, out=scaled).astype(np.int8)


def dequantize(array: np.ndarray, quantization: Quantization) -> np.ndarray:
    """Return the float32 numbers that quantized elements stand for."""
    shape = [1] * array.ndim
    if quantization.per_channel:
        shape[quantization.axis] = -1
    scale = np.asarray(quantization.scale, np.float32).reshape(shape)
    return np.asarray((array.astype(np.float32) - np.float32(quantization.zero_point)) * scale)


def exactly(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 elements and a scale for each that stand for `numbers` without an error: q = +-127.

    What is too small for a scale of float32's normal numbers becomes 0.
    """
    scales = np.abs(numbers).astype(np.float64) / MOST
    kept = scales >= np.finfo(np.float32).tiny
    elements = np.where(kept, np.sign(numbers) * MOST, 0)
    return elements.astype(np.int8), np.where(kept, scales, 1.0).astype(np.float32)


def scale_and_bias(
    numbers: np.ndarray, bias: np.ndarray, input_scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 elements and scales of one weight a channel, with room for its bias."""
    elements, scales = exactly(numbers)
    return with_room_for_bias(elements, scales, bias, input_scale)


def with_room_for_bias(
    weights: np.ndarray, scales: np.ndarray, bias: np.ndarray, input_scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (c_out, ...) and scales (c_out,) with which every bias fits into int32.

    A channel whose weights are next to nothing beside its bias gets a larger scale. What its weights lose
    moves the output by less than 2^-22 of the bias for each tap: far below any output's own rounding.
    """
    needed = np.abs(bias.astype(np.float64)) / (_MOST_BIAS * input_scale)
    short = needed > scales
    if not short.any():
        return weights, scales
    weights, scales = weights.copy(), np.broadcast_to(scales, bias.shape).astype(np.float64)
    ratio = (scales[short] / needed[short]).reshape(-1, *[1] * (weights.ndim - 1))
    weights[short] = np.rint(weights[short] * ratio)
    scales[short] = needed[short]
    return weights, scales.astype(np.float32)


def quantize_bias(
    bias: np.ndarray, input_scale: float, scales: np.ndarray
) -> tuple[np.ndarray, Quantization]:
    """Return the int32 biases (c_out,) and their quantization."""
    products = np.float64(input_scale) * np.broadcast_to(scales, bias.shape).astype(np.float64)
    stored = np.float32(input_scale) * scales.astype(np.float32)
    return (
        np.rint(bias.astype(np.float64) / products).astype(np.int32),
        Quantization(scale=tuple(stored.ravel().tolist())),
    )
