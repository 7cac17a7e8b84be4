"""Sums, products and concatenation."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder.recording import Recording


def _binary(operator: str, *, swapped: bool = False) -> Callable[..., None]:
    def emit(recording: Recording, result: Tensor, left: Any, right: Any, *, alpha: float = 1) -> None:
        if alpha != 1:
            raise EdgeCnnError(f"{recording.path}: {operator.lower()} with alpha={alpha}; multiply before it")
        operands = [_operand(recording, item, result) for item in (left, right)]
        recording.emit(operator, result, operands[::-1] if swapped else operands)

    return emit


def _operand(recording: Recording, item: Any, result: Tensor) -> Any:
    if isinstance(item, Tensor):
        return item
    return recording.constant("scalar", np.asarray(item, dtype=str(result.dtype).removeprefix("torch.")))


def _cat(recording: Recording, result: Tensor, tensors: Sequence[Tensor], dim: int = 0, **_: Any) -> None:
    recording.emit("Concat", result, list(tensors), {"axis": dim % result.dim()})


def _square(recording: Recording, result: Tensor, input: Tensor, exponent: Any = 2) -> None:  # noqa: A002
    if exponent != 2:
        raise EdgeCnnError(f"{recording.path}: a power of {exponent}; only squares are exported")
    recording.emit("Mul", result, [input, input])


def _sum(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    dim: Any = None,
    keepdim: bool = False,
    **_: Any,
) -> None:
    axes = range(input.dim()) if dim is None else [dim] if isinstance(dim, int) else dim
    positions = np.asarray(sorted(axis % input.dim() for axis in axes), np.int64)
    recording.emit(
        "ReduceSum", result, [input, recording.constant("axes", positions)], {"keepdims": int(keepdim)}
    )


FUNCTIONS: dict[Any, Callable[..., None]] = {
    **dict.fromkeys(
        (torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__radd__, Tensor.__iadd__), _binary("Add")
    ),
    **dict.fromkeys((torch.sub, Tensor.sub, Tensor.__sub__), _binary("Sub")),
    Tensor.__rsub__: _binary("Sub", swapped=True),
    **dict.fromkeys(
        (torch.mul, Tensor.mul, Tensor.mul_, Tensor.__mul__, Tensor.__rmul__, Tensor.__imul__), _binary("Mul")
    ),
    **dict.fromkeys((torch.div, Tensor.div, Tensor.__truediv__), _binary("Div")),
    **dict.fromkeys((torch.square, Tensor.square, torch.pow, Tensor.pow, Tensor.__pow__), _square),
    **dict.fromkeys((torch.sum, Tensor.sum), _sum),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), _cat),
}
