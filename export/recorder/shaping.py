"""Flattening, reshaping, slicing and padding."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder.recording import Recording


def _flatten(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    start_dim: int = 0,
    end_dim: int = -1,
) -> None:
    if start_dim % input.dim() == 1 and end_dim % input.dim() == input.dim() - 1:
        recording.emit("Flatten", result, [input], {"axis": 1})
    else:
        _reshape(recording, result, input)


def _reshape(recording: Recording, result: Tensor, input: Tensor, *_: Any, **__: Any) -> None:  # noqa: A002
    same_batch = result.dim() == 2 and result.shape[0] == input.shape[0]
    if same_batch and input.dim() > 2:
        recording.emit("Flatten", result, [input], {"axis": 1})
        return
    shape = recording.constant("shape", np.asarray(result.shape, dtype=np.int64))
    recording.emit("Reshape", result, [input, shape])


def _slice(recording: Recording, result: Tensor, input: Tensor, index: Any) -> None:  # noqa: A002
    """`x[:, 2:5, ::2]`: slices with constant bounds, no picking of single entries."""
    items = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in items:
        at = items.index(Ellipsis)
        items[at : at + 1] = [slice(None)] * (input.dim() - len(items) + 1)
    if not all(isinstance(item, slice) for item in items):
        raise EdgeCnnError(
            f"{recording.path}: indexing by {index}; only slices such as x[:, 2:5] are exported"
        )
    bounds = [
        (axis, item.indices(size)) for axis, (item, size) in enumerate(zip(items, input.shape, strict=False))
    ]
    cut = [(axis, *each) for axis, each in bounds if each != (0, input.shape[axis], 1)]
    if not cut:
        cut = [(0, 0, input.shape[0], 1)]
    axes, starts, ends, steps = (np.asarray(column, np.int64) for column in zip(*cut, strict=True))
    names = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
    constants = [recording.constant(name, array) for name, array in names.items()]
    recording.emit("Slice", result, [input, *constants])


def _pad(
    recording: Recording,
    result: Tensor,
    input: Tensor,  # noqa: A002  torch's name
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> None:
    if mode != "constant":
        raise EdgeCnnError(f"{recording.path}: padding by {mode}; only constant padding is exported")
    # torch counts axes from the last, begin and end beside each other; ONNX all begins, then all ends.
    pairs = [(0, 0)] * (input.dim() - len(pad) // 2) + list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    pads = np.asarray([begin for begin, _ in pairs] + [end for _, end in pairs], np.int64)
    constants = [
        recording.constant("pads", pads),
        recording.constant("value", np.asarray(value or 0.0, np.float32)),
    ]
    recording.emit("Pad", result, [input, *constants], {"mode": "constant"})


FUNCTIONS: dict[Any, Callable[..., None]] = {
    **dict.fromkeys((torch.flatten, Tensor.flatten), _flatten),
    **dict.fromkeys(
        (
            torch.reshape,
            Tensor.reshape,
            Tensor.view,
            Tensor.unflatten,
            torch.squeeze,
            Tensor.squeeze,
            torch.unsqueeze,
            Tensor.unsqueeze,
        ),
        _reshape,
    ),
    Tensor.__getitem__: _slice,
    F.pad: _pad,
}
