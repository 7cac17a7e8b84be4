"""Which words name a file or folder and which a network of the zoo; what a path to no model is answered."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgecnn import run_folder
from edgecnn.errors import EdgeCnnError
from edgecnn.export.bundle import is_bundle
from edgecnn.unfinished_run import folder_of, is_unfinished

_SPEC_KEYS = ("width", "res", "classes", "in_channels", "options")
_COMPILED, _WEIGHTS = (".tflite", ".engine"), (".pth", ".pt", ".safetensors")
_FILES = (".onnx", ".zip", *_COMPILED, *_WEIGHTS)
_SUFFIX = re.compile(r"\.[A-Za-z]\w*")  # not the end of a number


def is_path(model: str | Path) -> bool:
    """Tell a path from a spec: a path exists as something we read, or looks like a file.

    Raises `EdgeCnnError` where a word is both a registered model and a run folder or bundle.
    """
    path, text = Path(model), str(model)
    if isinstance(model, Path) or path.suffix.lower() in _FILES:
        return True
    separated = "/" in text or "\\" in text
    with suppress(OSError, ValueError):  # a name that is no possible path, such as a very long one
        if run_folder.is_run_folder(path) or is_bundle(path) or is_unfinished(path):
            if not separated and _is_registered(text):
                raise EdgeCnnError(
                    f"{text} is a model and also a folder here; write ./{text} for the folder, {text}() for"
                    " the model"
                )
            return True
        if (is_unfinished(folder_of(path)) or (text and path.exists())) and not _is_registered(text):
            return True
    return (separated or _SUFFIX.fullmatch(path.suffix) is not None) and "(" not in text


def _is_registered(name: str) -> bool:
    from edgecnn.models import ARCHITECTURES

    return name in ARCHITECTURES


def refuse_opening(path: Path, opening: Mapping[str, Any]) -> None:
    """Raise `EdgeCnnError` where options for a spec are given with a file, which says all that itself."""
    given = [key for key in ("weights", *_SPEC_KEYS) if opening.get(key) not in (None, {})]
    if given:
        flags = ", ".join("--option" if key == "options" else f"--{key.replace('_', '-')}" for key in given)
        raise EdgeCnnError(f"{path} brings its own weights and shape; leave out {flags}")


def no_model(path: Path) -> EdgeCnnError:
    """Return what is wrong with a path that can be opened as no model."""
    suffix = path.suffix.lower() if path.is_file() else ""
    if suffix in _COMPILED:
        return EdgeCnnError(f"{path} is compiled already; give the network, its run folder or its .onnx file")
    if suffix in _WEIGHTS:
        return EdgeCnnError(f"{path} holds weights alone; give the network, and --weights {path}")
    if path.exists():
        return EdgeCnnError(
            f"{path} is no run folder, bundle or .onnx file; give one, or a network (edgecnn list models)"
        )
    return EdgeCnnError(f"there is no run folder, bundle or .onnx file {path}")
