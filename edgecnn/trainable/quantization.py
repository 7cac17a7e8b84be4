"""QuantizeLinear and DequantizeLinear as fake quantization, with a straight-through gradient.

    q = clip(round(x / s) + z, lo, hi)            y = (q − z) s
    ∂y/∂x = 1 where lo ≤ round(x / s) + z ≤ hi, else 0
    ∂y/∂s = round(x / s) − x / s there, lo − z or hi − z outside;   times g = 1 / √(N hi)

The integers are held as floats. N is how many weights, or activations of one image, share a scale. Sources:
Bengio et al. 2013, arXiv:1308.3432; Esser et al. 2020, arXiv:1902.08153, §2 (learned step size quantization).
"""

import math
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor

from edgecnn.trainable.batch import first_input
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site

_RANGES = {
    ir.DataType.INT8: (-128, 127),
    ir.DataType.UINT8: (0, 255),
    ir.DataType.INT32: (-(2**31), 2**31 - 1),  # of dequantized biases alone
}


class _Quantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, zero: Any, bounds: tuple[int, int], g: float) -> Any:
        ratio = x / scale
        q = _shifted(ratio.round(), zero)
        clipped = q.clamp(*bounds)
        ctx.save_for_backward(clipped == q, scale, ratio if ctx.needs_input_grad[1] else None)
        ctx.g = g
        return clipped

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inside, scale, ratio = ctx.saved_tensors
        through = gradient * inside / scale
        of_scale = None if ratio is None else (through * -ratio).sum_to_size(scale.shape) * ctx.g
        return through, of_scale, None, None, None


class _Dequantize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, scale: Tensor, zero: Any, g: float) -> Any:
        steps = _shifted(q.to(scale.dtype), -zero)
        ctx.save_for_backward(scale, steps if ctx.needs_input_grad[1] else None)
        ctx.g = g
        return steps * scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        scale, steps = ctx.saved_tensors
        of_scale = None if steps is None else (gradient * steps).sum_to_size(scale.shape) * ctx.g
        return gradient * scale, of_scale, None, None


def _shifted(q: Tensor, by: Any) -> Tensor:
    """Add a zero point, or points; mostly there is none."""
    return q if isinstance(by, int) and by == 0 else q + by


def _along(site: Site) -> list[int] | None:
    """Return the shape that sets scales along their axis; None for one scale."""
    scales = math.prod(site.shape(1))
    if scales == 1:
        return None
    axis = site.axis(site.attribute("axis", 1))
    if site.shape(1) != (site.shape(0)[axis],) or axis == site.batch(0):
        raise site.refuse(f"has scales of shape {site.shape(1)} for axis {axis} of {site.shape(0)}")
    return [-1 if each == axis else 1 for each in range(site.rank(0))]


def _bounds(site: Site, dtype: ir.DataType | None) -> tuple[int, int]:
    if dtype not in _RANGES:
        raise site.refuse(
            f"has integers of type {dtype.name if dtype else None}; int8 and uint8 are supported"
        )
    return _RANGES[dtype]


def _zero(site: Site) -> Any:
    """Read the zero point: a number, or an array that becomes an argument."""
    points = site.setting(2)
    if points is None:
        return 0
    if len(set(points.ravel().tolist())) == 1:
        return int(points.flat[0])
    shape = _along(site)
    if shape is None:
        raise site.refuse("has several zero points for one scale")
    site.tables.append(points.astype(np.float32).reshape(shape))
    return None


def _gradient_scale(site: Site, high: int) -> float:
    entries = math.prod(site.shape(0)) // (site.graph_batch if site.batched() else 1)
    return 1 / math.sqrt(max(entries // math.prod(site.shape(1)), 1) * high)


@runs("QuantizeLinear", batch=first_input, attributes="axis")
def _quantize(site: Site) -> Function:
    zero, along = _zero(site), _along(site)
    bounds = _bounds(site, site.value(2).dtype if site.has(2) else ir.DataType.UINT8)
    g = _gradient_scale(site, bounds[1])

    def function(x: Tensor, scale: Tensor, points: Tensor | None = None) -> Any:
        scale = scale.reshape(along) if along else scale
        return _Quantize.apply(x, scale, zero if points is None else points, bounds, g)  # type: ignore[no-untyped-call]

    return function


@runs("DequantizeLinear", batch=first_input, attributes="axis")
def _dequantize(site: Site) -> Function:
    zero, along = _zero(site), _along(site)
    g = _gradient_scale(site, _bounds(site, site.value(0).dtype)[1])

    def function(q: Tensor, scale: Tensor, points: Tensor | None = None) -> Any:
        scale = scale.reshape(along) if along else scale
        return _Dequantize.apply(q, scale, zero if points is None else points, g)  # type: ignore[no-untyped-call]

    return function
