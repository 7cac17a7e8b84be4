"""What a .tflite file holds, before it becomes bytes: tensors, operators, signature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecnn.export.tflite.layout import Held
from edgecnn.export.tflite.quantization import Quantization

Options = dict[str, Any]  # the fields of an operator's options table


@dataclass(kw_only=True)
class Tensor:
    """One tensor; `data` holds a constant's elements in the order of `shape` (any strides, any grouping)."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data: np.ndarray | None = None
    quantization: Quantization | None = None


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator: TFLite's name, tensor indices, version, and the fields of its options table."""

    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    version: int
    options: Options


@dataclass(frozen=True, kw_only=True)
class Program:
    """A graph of TFLite operators.

    `inputs` and `outputs` map the signature's names to tensors, `held` every ONNX value that is in the file
    to its tensor and layout. `notes` says it to the file's readers, for the values that are not simply "the
    tensor of the same name, NHWC where 4-D": see `edgecnn.runtime.litert_runner`.
    """

    tensors: Sequence[Tensor]
    operators: Sequence[Operator]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    held: Mapping[str, Held]
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A TFLite operator as this writer uses it: its options table, and its lowest sufficient version.

    `version` is for float32, `int8` for an int8 result, `hybrid` for float32 with int8 weights where the
    operator has such a kernel.
    """

    options: str | None = None
    version: int = 1
    int8: int = 2
    hybrid: int | None = None


KINDS = {
    "ABS": Kind("AbsOptions"),
    "ADD": Kind("AddOptions"),
    "AVERAGE_POOL_2D": Kind("Pool2DOptions"),
    "CONCATENATION": Kind("ConcatenationOptions"),
    "CONV_2D": Kind("Conv2DOptions", int8=3, hybrid=5),
    "DEPTH_TO_SPACE": Kind("DepthToSpaceOptions", int8=1),
    "DEPTHWISE_CONV_2D": Kind("DepthwiseConv2DOptions", int8=3),
    "DEQUANTIZE": Kind("DequantizeOptions"),
    "DIV": Kind("DivOptions"),
    "ELU": Kind(int8=1),
    "EXP": Kind("ExpOptions"),
    "FULLY_CONNECTED": Kind("FullyConnectedOptions", int8=4, hybrid=3),
    "HARD_SWISH": Kind("HardSwishOptions", int8=1),
    "LEAKY_RELU": Kind("LeakyReluOptions"),
    "LOCAL_RESPONSE_NORMALIZATION": Kind("LocalResponseNormalizationOptions"),
    "LOGISTIC": Kind(),
    "LOG_SOFTMAX": Kind("LogSoftmaxOptions"),
    "MAXIMUM": Kind("MaximumMinimumOptions"),
    "MAX_POOL_2D": Kind("Pool2DOptions"),
    "MEAN": Kind("ReducerOptions"),
    "MINIMUM": Kind("MaximumMinimumOptions"),
    "MIRROR_PAD": Kind("MirrorPadOptions"),
    "MUL": Kind("MulOptions"),
    "NEG": Kind("NegOptions"),
    "PAD": Kind("PadOptions"),
    "PADV2": Kind("PadV2Options"),
    "PRELU": Kind(int8=1),
    "QUANTIZE": Kind("QuantizeOptions", int8=1),
    "REDUCE_MAX": Kind("ReducerOptions"),
    "RELU": Kind(),
    "RELU6": Kind(),
    "RELU_N1_TO_1": Kind(),
    "RESHAPE": Kind("ReshapeOptions", int8=1),
    "RESIZE_BILINEAR": Kind("ResizeBilinearOptions", 3, 3),
    "RESIZE_NEAREST_NEIGHBOR": Kind("ResizeNearestNeighborOptions", 3, 3),
    "SLICE": Kind("SliceOptions"),
    "SOFTMAX": Kind("SoftmaxOptions"),
    "SPACE_TO_DEPTH": Kind("SpaceToDepthOptions"),
    "SQRT": Kind(),
    "STRIDED_SLICE": Kind("StridedSliceOptions"),
    "SUB": Kind("SubOptions"),
    "SUM": Kind("ReducerOptions"),
    "TANH": Kind(),
    "TRANSPOSE_CONV": Kind("TransposeConvOptions", 3, 3),
}

# Values of the schema's enumerations, which are frozen by its compatibility promise.
SAME, VALID = 0, 1
FUSED = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
REFLECT = 0
