"""Resize: nearest and bilinear, where TFLite reads the same elements.

Which element each output reads is computed both ways, as ONNX says and as TFLite does; a mode of TFLite
that agrees everywhere is taken, otherwise the node is refused.
"""

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.layout import Held
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.parameters import given
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute, constant, output, static_shape

_ATTRIBUTES = (
    "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value"
    " keep_aspect_ratio_policy mode nearest_mode"
)

# (alignCorners, halfPixelCenters)
_MODES = ((False, False), (False, True), (True, False))

_ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda where: np.ceil(where - 0.5),
    "round_prefer_ceil": lambda where: np.floor(where + 0.5),
}


@lowers("Resize", attributes=_ATTRIBUTES)
def lower_resize(node: ir.Node, graph: Lowering) -> None:
    """Write RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR."""
    image = graph.image(node)
    mode = attribute(node, "mode", "nearest")
    _check(node, mode)
    out = static_shape(output(node))
    scales = _scales(node, image, out)
    for align, half in _MODES:
        if all(
            _agree(node, mode, image.shape[axis], out[axis], scales[axis], align=align, half=half)
            for axis in (2, 3)
        ):
            break
    else:
        coordinates = attribute(node, "coordinate_transformation_mode", "half_pixel")
        why = f"TFLite reads other elements than {mode}, {coordinates} from {image.shape[2:]} to {out[2:]}"
        raise refuse(node, why, "use asymmetric with floor, half_pixel or align_corners")
    code = "RESIZE_NEAREST_NEIGHBOR" if mode == "nearest" else "RESIZE_BILINEAR"
    inputs = (image.index, graph.shape_constant(out[2:]))
    graph.produce(code, inputs, output(node), alignCorners=align, halfPixelCenters=half)


def _check(node: ir.Node, mode: str) -> None:
    if mode not in ("nearest", "linear"):
        raise refuse(node, f"TFLite has no mode={mode}", "use nearest or linear")
    if attribute(node, "antialias", 0):
        raise refuse(node, "TFLite has no antialias", "use antialias=0")
    if attribute(node, "axes", None) is not None:
        raise refuse(node, "its axes are given apart", "give sizes or scales for all four axes")
    if attribute(node, "keep_aspect_ratio_policy", "stretch") != "stretch":
        raise refuse(node, "it keeps the aspect ratio", "use keep_aspect_ratio_policy=stretch")


def _scales(node: ir.Node, image: Held, out: Sequence[int]) -> list[float]:
    """Return out / in for the four axes as ONNX reckons with them: `scales`, or the ratio of sizes."""
    for value in node.inputs[1:]:
        if value is not None and constant(value) is None:
            raise refuse(node, f"its input {value.name!r} is computed", "fold constants first")
    if out[:2] != image.shape[:2]:
        raise refuse(node, f"it makes {tuple(out)} of {image.shape}", "resize height and width only")
    scales = constant(given(node, 2))
    if scales is None or not scales.size:
        return [after / before for before, after in zip(image.shape, out, strict=True)]
    return [float(scale) for scale in scales]


def _agree(node: ir.Node, mode: str, size: int, out: int, scale: float, *, align: bool, half: bool) -> bool:
    """Say whether TFLite reads along one axis what ONNX asks for."""
    wanted = _onnx_positions(node, size, out, scale)
    got = _tflite_positions(size, out, align=align, half=half, nearest=mode == "nearest")
    if mode == "nearest":
        rounding = attribute(node, "nearest_mode", "round_prefer_floor")
        if rounding not in _ROUNDINGS:
            raise refuse(node, f"nearest_mode={rounding} is unknown", "use floor")
        return np.array_equal(np.clip(_ROUNDINGS[rounding](wanted), 0, size - 1), got)
    return bool(np.abs(np.clip(wanted, 0, size - 1) - np.clip(got, 0, size - 1)).max() <= 1e-6 * size)


def _onnx_positions(node: ir.Node, size: int, out: int, scale: float) -> np.ndarray:
    """Return where each output lies in the input, in ONNX's formula for the coordinate mode."""
    mode = attribute(node, "coordinate_transformation_mode", "half_pixel")
    at = np.arange(out, dtype=np.float64)
    if mode == "asymmetric":
        return at / scale
    if mode == "align_corners":
        return at * ((size - 1) / (out - 1) if out > 1 else 0)
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and out > 1):
        return (at + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return at * 0
    raise refuse(node, f"TFLite has no coordinates {mode}", "use half_pixel, asymmetric or align_corners")


def _tflite_positions(size: int, out: int, *, align: bool, half: bool, nearest: bool) -> np.ndarray:
    """Return where TFLite's kernels look, in their float32 arithmetic; for nearest, the element itself."""
    step = np.float32((size - 1) / (out - 1) if align and out > 1 else size / out)
    at = np.arange(out, dtype=np.float32)
    if not nearest:
        return np.asarray((at + np.float32(0.5)) * step - np.float32(0.5) if half else at * step)
    where = (at + np.float32(0.5 if half else 0)) * step
    element = np.floor(where + np.float32(0.5)) if align else np.floor(where)
    return np.asarray(np.clip(element, 0, size - 1))
