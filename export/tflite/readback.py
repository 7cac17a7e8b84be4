"""What is really in a .tflite file: operators, versions and types, read from its bytes."""

import struct
from collections import Counter
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from edgecnn.errors import EdgeCnnError


@dataclass(frozen=True, kw_only=True)
class OperatorRecord:
    """One operator of a file; types are numpy's names, without the optional inputs that are absent."""

    name: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_operators(data: bytes) -> list[OperatorRecord]:
    """Return the operators of a .tflite file in the order in which they run.

    Raises:
        EdgeCnnError: `data` is no .tflite file, or a damaged one.
    """
    from ai_edge_litert import schema_py_generated as schema

    if data[4:8] != b"TFL3":
        raise EdgeCnnError("this is no .tflite file (its identifier TFL3 is missing); export it again")
    try:
        model = schema.Model.GetRootAs(data, 0)
        graph = model.Subgraphs(0)
        return [_record(schema, model, graph, graph.Operators(i)) for i in range(graph.OperatorsLength())]
    except (struct.error, AttributeError, IndexError, TypeError, ValueError) as error:
        raise EdgeCnnError("this .tflite file is damaged or cut off; export it again") from error


def count_operators(data: bytes) -> dict[str, int]:
    """Return how often each operator is in a .tflite file; raises what `read_operators` does."""
    return dict(sorted(Counter(operator.name for operator in read_operators(data)).items()))


def _record(schema: ModuleType, model: Any, graph: Any, operator: Any) -> OperatorRecord:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    names = _names(schema.BuiltinOperator)
    return OperatorRecord(
        name=names.get(number, f"operator {number}"),
        version=code.Version(),
        inputs=_types(schema, graph, operator.InputsAsNumpy()),
        outputs=_types(schema, graph, operator.OutputsAsNumpy()),
    )


def _names(enumeration: type) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}


def _types(schema: ModuleType, graph: Any, indices: Any) -> tuple[str, ...]:
    names = _names(schema.TensorType)
    return tuple(names[graph.Tensors(int(index)).Type()].lower() for index in indices if index >= 0)
