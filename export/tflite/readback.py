"""What is really in a .tflite file: operators, versions, types and quantization, read from its bytes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor, read_tflite

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
_FLOATS = ("float32", "float16")


@dataclass(frozen=True, kw_only=True)
class OperatorRecord:
    """One operator of a file; types are numpy's names, without the optional inputs that are absent."""

    name: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TensorRecord:
    """An input or output of a file: its name, type, and for int8 one scale and zero point."""

    name: str
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, kw_only=True)
class ReadBack:
    """A file as its bytes say.

    Attributes:
        operators: in the order in which they run.
        precisions: of what each tensor's operator computes, by the tensor's name: `int8`, `float32`, or
            `dynamic` for int8 weights in a float32 operator; conversions are left out.
        transposed: how many TRANSPOSE there are.
        rescaled: how many QUANTIZE lie inside: of int8 to another scale, or behind a float32 operator.
        islands: the names of the float32 operators that lie between int8 ones.
        inputs, outputs: of the file.
    """

    operators: tuple[OperatorRecord, ...]
    precisions: dict[str, str]
    transposed: int
    rescaled: int
    islands: tuple[str, ...]
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]


def read_operators(data: bytes) -> list[OperatorRecord]:
    """Return the operators of a .tflite file in the order in which they run.

    Raises:
        EdgeCnnError: `data` is no .tflite file, or a damaged one.
    """
    graph = read_tflite(data)
    return [_record(graph, operator) for operator in graph.operators]


def count_operators(data: bytes) -> dict[str, int]:
    """Return how often each operator is in a .tflite file; raises what `read_operators` does."""
    return dict(sorted(Counter(operator.name for operator in read_operators(data)).items()))


def read_back(data: bytes) -> ReadBack:
    """Return what is in a .tflite file; raises what `read_operators` does."""
    graph = read_tflite(data)
    computing = [operator for operator in graph.operators if operator.name not in CONVERSIONS]
    precisions = {graph.tensors[each.outputs[0]].name: _precision(graph, each) for each in computing}
    quantized = any(tensor.dtype == "int8" and tensor.content is None for tensor in graph.tensors)
    islands = [each.name for each in computing if quantized and _precision(graph, each) != "int8"]
    return ReadBack(
        operators=tuple(_record(graph, operator) for operator in graph.operators),
        precisions=precisions,
        transposed=sum(operator.name == "TRANSPOSE" for operator in graph.operators),
        rescaled=sum(_rescales(graph, operator) for operator in graph.operators),
        islands=tuple(islands),
        inputs=tuple(_end(graph.tensors[index]) for index in graph.inputs),
        outputs=tuple(_end(graph.tensors[index]) for index in graph.outputs),
    )


def _record(graph: TfliteGraph, operator: TfliteOperator) -> OperatorRecord:
    return OperatorRecord(
        name=operator.name,
        version=operator.version,
        inputs=_types(graph, operator.inputs),
        outputs=_types(graph, operator.outputs),
    )


def _types(graph: TfliteGraph, indices: Sequence[int]) -> tuple[str, ...]:
    return tuple(graph.tensors[index].dtype for index in indices if index >= 0)


def _precision(graph: TfliteGraph, operator: TfliteOperator) -> str:
    """Return int8 only where everything that is computed is: inputs as well as results."""
    touched = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
    computed = {tensor.dtype for tensor in touched if tensor.content is None}
    if not computed & set(_FLOATS):
        return "int8" if computed == {"int8"} else "/".join(sorted(computed))
    weights = {tensor.dtype for tensor in touched if tensor.content is not None}
    return "dynamic" if "int8" in weights else "float32"


def _rescales(graph: TfliteGraph, operator: TfliteOperator) -> bool:
    return operator.name == "QUANTIZE" and operator.inputs[0] not in graph.inputs


def _end(tensor: TfliteTensor) -> TensorRecord:
    return TensorRecord(
        name=tensor.name,
        dtype=tensor.dtype,
        scale=tensor.scales[0] if tensor.scales else None,
        zero_point=tensor.zero_points[0] if tensor.zero_points else None,
    )
