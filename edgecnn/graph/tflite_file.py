"""Reading a `.tflite` file: its tensors, and its operators in the order in which they run."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from edgecnn.errors import EdgeCnnError

_BITS = {
    **dict.fromkeys(("INT4", "UINT4"), 4),
    **dict.fromkeys(("INT8", "UINT8", "BOOL"), 8),
    **dict.fromkeys(("INT16", "UINT16", "FLOAT16", "BFLOAT16"), 16),
    **dict.fromkeys(("INT32", "UINT32", "FLOAT32"), 32),
    **dict.fromkeys(("INT64", "UINT64", "FLOAT64", "COMPLEX64"), 64),
    "COMPLEX128": 128,
}


@dataclass(frozen=True, kw_only=True)
class TfliteTensor:
    """One tensor.

    Attributes:
        name, shape: as in the file; images are (n, h, w, c).
        dtype: TFLite's name in small letters, such as `int8`.
        content: the bytes of a constant, not copied; None for a tensor that is computed.
        is_variable: whether it keeps its content from one run to the next.
        dynamic_axes: those whose size is decided when it runs; `shape` has a 1 there.
        scales: of a quantized tensor: one, or one for each index along `channel_axis`; real numbers are
            scale (element - zero point).
        zero_points: as many.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    content: np.ndarray | None
    is_variable: bool
    dynamic_axes: tuple[int, ...]
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    channel_axis: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes that its elements take."""
        bits = _BITS.get(self.dtype.upper())
        if bits is None:
            raise EdgeCnnError(f"tensor {self.name!r} of the .tflite file has elements of type {self.dtype}")
        return math.ceil(math.prod(self.shape) * bits / 8)

    def integers(self) -> tuple[int, ...] | None:
        """Return the elements of a constant of 32- or 64-bit integers; None for any other tensor."""
        if self.content is None or self.dtype not in ("int32", "int64"):
            return None
        return tuple(int(number) for number in self.content.view(np.dtype(self.dtype).newbyteorder("<")))


@dataclass(frozen=True, kw_only=True)
class TfliteOperator:
    """One operator: TFLite's name or the custom operator's own, and indices of tensors, -1 where absent."""

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TfliteGraph:
    """The first subgraph of a file, which is the one that runs."""

    tensors: tuple[TfliteTensor, ...]
    operators: tuple[TfliteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_tflite(data: bytes) -> TfliteGraph:
    """Read the bytes of a `.tflite` file.

    Raises:
        EdgeCnnError: `data` is no .tflite file, or a damaged one.
    """
    from ai_edge_litert import schema_py_generated as schema

    if data[4:8] != b"TFL3":
        raise EdgeCnnError("this is no .tflite file (its identifier TFL3 is missing); export it again")
    try:
        model = schema.Model.GetRootAs(data, 0)
        graph = model.Subgraphs(0)
        codes = [_code(schema, model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
        types, options = _names(schema.TensorType), _names(schema.BuiltinOptions)
        return TfliteGraph(
            tensors=tuple(
                _tensor(model, graph.Tensors(i), types, data) for i in range(graph.TensorsLength())
            ),
            operators=tuple(
                _operator(schema, codes, options, graph.Operators(i)) for i in range(graph.OperatorsLength())
            ),
            inputs=_indices(graph.InputsAsNumpy()),
            outputs=_indices(graph.OutputsAsNumpy()),
        )
    except (struct.error, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise EdgeCnnError("this .tflite file is damaged or cut off; export it again") from error


def _code(schema: ModuleType, code: Any) -> tuple[str, int]:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = _names(schema.BuiltinOperator).get(number, f"operator {number}")
    custom = code.CustomCode()
    return custom.decode() if name == "CUSTOM" and custom else name, code.Version()


def _tensor(model: Any, tensor: Any, types: Mapping[int, str], data: bytes) -> TfliteTensor:
    buffer = model.Buffers(tensor.Buffer())
    content = None
    if buffer.Offset() > 1:  # files above 2 GB hold their weights behind the tables
        content = np.frombuffer(data, np.uint8, buffer.Size(), buffer.Offset())
    elif buffer.DataLength():
        content = buffer.DataAsNumpy()
    found = tensor.Quantization()
    return TfliteTensor(
        scales=() if found is None else _numbers(found.ScaleAsNumpy()),
        zero_points=() if found is None else _indices(found.ZeroPointAsNumpy()),
        channel_axis=0 if found is None else found.QuantizedDimension(),
        name=(tensor.Name() or b"").decode(),
        shape=_indices(tensor.ShapeAsNumpy()),
        dtype=types[tensor.Type()].lower(),
        content=content,
        is_variable=tensor.IsVariable(),
        dynamic_axes=tuple(
            axis for axis, size in enumerate(_indices(tensor.ShapeSignatureAsNumpy())) if size < 0
        ),
    )


def _operator(
    schema: ModuleType, codes: list[tuple[str, int]], tables: Mapping[int, str], operator: Any
) -> TfliteOperator:
    name, version = codes[operator.OpcodeIndex()]
    return TfliteOperator(
        name=name,
        version=version,
        inputs=_indices(operator.InputsAsNumpy()),
        outputs=_indices(operator.OutputsAsNumpy()),
        options=_options(
            schema, tables.get(operator.BuiltinOptionsType(), "NONE"), operator.BuiltinOptions()
        ),
    )


def _options(schema: ModuleType, table: str, union: Any) -> dict[str, Any]:
    if table == "NONE" or union is None:
        return {}
    options = getattr(schema, table)()
    options.Init(union.Bytes, union.Pos)
    return dict(vars(getattr(schema, f"{table}T").InitFromObj(options)))


def _indices(vector: Any) -> tuple[int, ...]:
    # flatbuffers gives 0 for a vector that is absent
    return () if isinstance(vector, int) else tuple(int(number) for number in vector)


def _numbers(vector: Any) -> tuple[float, ...]:
    return () if isinstance(vector, int) else tuple(float(number) for number in vector)


def _names(enumeration: type) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}
