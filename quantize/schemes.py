"""The schemes by name: what a target's runtime wants of a quantized graph."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import onnx_ir as ir

from edgecnn.quantize.dense_rows import to_rows
from edgecnn.quantize.grid import Grid, asymmetric, symmetric
from edgecnn.quantize.placement import Placement
from edgecnn.quantize.placement_tensorrt import place_for_tensorrt
from edgecnn.quantize.placement_tflite import place_for_tflite
from edgecnn.quantize.standalone_norm import to_depthwise


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How a graph is prepared, in place, where pairs go, and what an activation's range becomes.

    `prepare` returns how many BatchNorms became convolutions.
    """

    prepare: Callable[[ir.Graph], int]
    place: Callable[[ir.Model, Collection[str], Collection[str]], Placement]
    to_grid: Callable[[float, float], Grid]


SCHEMES: Mapping[str, Scheme] = {
    "tflite": Scheme(prepare=to_depthwise, place=place_for_tflite, to_grid=asymmetric),
    "tensorrt": Scheme(prepare=to_rows, place=place_for_tensorrt, to_grid=symmetric),
}
