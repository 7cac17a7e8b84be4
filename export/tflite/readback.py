"""What is really in a .tflite file: operators, versions and types, read from its bytes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn.graph.tflite_file import TfliteGraph, read_tflite


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
    graph = read_tflite(data)
    return [
        OperatorRecord(
            name=operator.name,
            version=operator.version,
            inputs=_types(graph, operator.inputs),
            outputs=_types(graph, operator.outputs),
        )
        for operator in graph.operators
    ]


def count_operators(data: bytes) -> dict[str, int]:
    """Return how often each operator is in a .tflite file; raises what `read_operators` does."""
    return dict(sorted(Counter(operator.name for operator in read_operators(data)).items()))


def _types(graph: TfliteGraph, indices: Sequence[int]) -> tuple[str, ...]:
    return tuple(graph.tensors[index].dtype for index in indices if index >= 0)
