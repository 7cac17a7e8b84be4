"""Reading weights: safetensors, PyTorch checkpoints without code, run folders."""

import pickle
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn.errors import EdgeCnnError, nearest

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS_FILE = "weights.safetensors"

_SHOWN = 3
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys under which training scripts keep the weights
_PARALLEL = "module."  # torch's DataParallel puts it before every name

# How torch names an object of a checkpoint that is no tensor; some modules, such as os, it blocks by name.
_CODE = re.compile("unsupported (global|class)", re.IGNORECASE)

# What torch raises at a damaged checkpoint, found by cutting and flipping bytes of real ones.
DAMAGE = (
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    AssertionError,
    OverflowError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
)


def read_weights(path: str | Path) -> "dict[str, Tensor]":
    """Return the tensors of a `.safetensors`, `.pth` or `.pt` file or of a run folder, by name.

    Nothing is unpickled but tensors; a checkpoint that holds code is refused.
    """
    path = Path(path)
    file = path / WEIGHTS_FILE if path.is_dir() else path
    if not file.is_file():
        missing = f"{path} holds no {WEIGHTS_FILE}" if path.is_dir() else f"there is no file {path}"
        raise EdgeCnnError(f"{missing}; give a run folder, or a .safetensors or .pth file, as weights")
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise EdgeCnnError(f"{file} is no file of weights that edgecnn reads; give {' or '.join(_READERS)}")
    try:
        if file.stat().st_size == 0:
            raise EdgeCnnError(f"{file} is empty")
        return reader(file)
    except OSError as error:
        raise EdgeCnnError(f"cannot read {file}: {error.strerror or error}") from error


def write_weights(tensors: "Mapping[str, Tensor]") -> bytes:
    """Return the content of a `.safetensors` file; the same tensors give the same bytes."""
    from safetensors.torch import save

    return save({name: tensors[name].detach().cpu().clone().contiguous() for name in sorted(tensors)})


def load_into(module: "nn.Module", tensors: "Mapping[str, Tensor]", source: str) -> None:
    """Copy `tensors` into `module`; where they do not fit exactly, load nothing and say what differs.

    Args:
        module: changed in place.
        tensors: by the names of the module's state dict.
        source: where they come from, for the message.
    """
    own = module.state_dict()
    # Checkpoints older than PyTorch 0.4.1 lack this counter, which inference does not read.
    missing = [name for name in own if name not in tensors and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in tensors if name not in own]
    wrong = [name for name in own if name in tensors and not _fits(own[name], tensors[name])]
    complaints = (
        _complaint("missing", missing, lambda name: name + _near(name, unexpected)),
        _complaint("unexpected", unexpected, lambda name: name + _near(name, missing)),
        _complaint("of another shape or kind", wrong, lambda name: _difference(name, own, tensors)),
    )
    if any(complaints):
        listed = "; ".join(filter(None, complaints))
        raise EdgeCnnError(f"the weights of {source} do not fit the network, nothing was loaded: {listed}")
    for name, tensor in tensors.items():
        if not bool(tensor.to(own[name].dtype).isfinite().all()):
            raise EdgeCnnError(f"{name!r} of {source} has values that are not finite; nothing was loaded")
    module.load_state_dict(dict(tensors), strict=False)


def _read_safetensors(file: Path) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise EdgeCnnError(f"{file} is damaged or no safetensors file: {error}") from error


def _read_checkpoint(file: Path) -> "dict[str, Tensor]":
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript archives, which are refused below
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _CODE.search(str(error)):
            raise EdgeCnnError(
                f"{file} holds code or objects besides weights, which edgecnn does not unpickle;"
                " save the model's state_dict() alone"
            ) from error
        raise EdgeCnnError(f"{file} is damaged or no PyTorch checkpoint") from error
    except DAMAGE as error:
        if "TorchScript" in str(error):
            raise EdgeCnnError(f"{file} is a TorchScript program; save the model's state_dict()") from error
        raise EdgeCnnError(f"{file} is damaged or no PyTorch checkpoint") from error
    return _state(content, file)


def _read_arrays(file: Path) -> "dict[str, Tensor]":
    import numpy as np
    import torch

    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (*DAMAGE, zlib.error) as error:
        raise EdgeCnnError(f"{file} is damaged, or no .npz of plain arrays") from error


_READERS: "Mapping[str, Callable[[Path], dict[str, Tensor]]]" = {
    ".safetensors": _read_safetensors,
    ".pth": _read_checkpoint,
    ".pt": _read_checkpoint,
    ".th": _read_checkpoint,
    ".npz": _read_arrays,
}


def _state(content: Any, file: Path) -> "dict[str, Tensor]":
    """Find the tensors by name in what a checkpoint holds."""
    from torch import Tensor

    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise EdgeCnnError(f"{file} holds no weights by name; save the model's state_dict()")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise EdgeCnnError(
                f"{name!r} of {file} is {type(value).__name__}, no tensor; save the model's state_dict()"
            )
    if all(name.startswith(_PARALLEL) for name in content):
        return {name.removeprefix(_PARALLEL): tensor for name, tensor in content.items()}
    return dict(content)


def _fits(own: "Tensor", given: "Tensor") -> bool:
    return own.shape == given.shape and own.is_floating_point() == given.is_floating_point()


def _difference(name: str, own: "Mapping[str, Tensor]", given: "Mapping[str, Tensor]") -> str:
    has, needs = (f"{_dtype(of[name])} {tuple(of[name].shape)}" for of in (given, own))
    return f"{name} is {has}, not {needs}"


def _dtype(tensor: "Tensor") -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _complaint(what: str, names: list[str], describe: Callable[[str], str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    shown = ", ".join(map(describe, names[:_SHOWN]))
    return f"{len(names)} {what} ({shown}{more})" if names else ""


def _near(name: str, others: list[str]) -> str:
    hint = nearest(name, others, most=1)
    return (
        f" (near: {hint.removeprefix('; did you mean ').removesuffix('?')})" if "did you mean" in hint else ""
    )
