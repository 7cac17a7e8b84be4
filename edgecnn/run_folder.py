"""The run folder: a trained network with all that says how it came about.

weights.safetensors   by the names of the module's state dict
spec.json             the network
run.json              data set, task, recipe, seed, preprocessing, class names, device, versions, ...
metrics.json          what was measured: held-out accuracy, and the course of the training
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn.atomic import write_folder
from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import Preprocessing
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe
from edgecnn.unfinished_run import refuse_unfinished
from edgecnn.weights import WEIGHTS_FILE as WEIGHTS_FILE
from edgecnn.weights import write_weights

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
MARKER = "run.json"

_SPEC_FILE = "spec.json"
_METRICS_FILE = "metrics.json"


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """What a run folder says; the weights themselves are read by `read_weights(path)`.

    Attributes:
        spec: the network, complete.
        data: the data set's name, or its path as it was given.
        recipe: how it was trained.
        seed: of the weights' initialization and of the training.
        preprocessing: the contract with the pictures.
        class_names: in the order of the outputs.
        versions: of the tools, by name.
        task: `classification` or `segmentation`.
        skipped: files of the data set that could not be read.
        device: what it was trained on, and in how many processes, such as `cpu` or `2 x cuda`.
        metrics: on the held-out split, as `Metrics.to_json` gives them.
        history: one record per epoch, as `Epoch.to_json` gives them.
        path: where it was read from; None before.
    """

    spec: ModelSpec
    data: str
    recipe: Recipe
    seed: int
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    versions: Mapping[str, str]
    task: str = "classification"
    skipped: tuple[str, ...] = ()
    device: str = "cpu"
    metrics: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]] = ()
    path: Path | None = None

    @property
    def weights(self) -> Path:
        """Return the path of the weights."""
        if self.path is None:
            raise EdgeCnnError("this run has not been written to a folder yet")
        return self.path / WEIGHTS_FILE


def is_run_folder(path: str | Path) -> bool:
    """Return whether `path` is a run folder, whole or not."""
    return (Path(path) / MARKER).is_file()


def write(path: str | Path, run: RunFolder, weights: "Mapping[str, Tensor]", *, force: bool = False) -> None:
    """Write a run folder whole or not at all; only a run folder is replaced, with `force`."""
    documents = {
        _SPEC_FILE: run.spec.to_json(),
        MARKER: {
            "format": FORMAT,
            "data": run.data,
            "task": run.task,
            "recipe": run.recipe.to_json(),
            "seed": run.seed,
            "preprocessing": run.preprocessing.to_json(),
            "class_names": list(run.class_names),
            "skipped": list(run.skipped),
            "device": run.device,
            "versions": dict(run.versions),
        },
        _METRICS_FILE: {"metrics": dict(run.metrics), "history": [dict(epoch) for epoch in run.history]},
    }
    with write_folder(path, force=force, marker=MARKER) as folder:
        (folder / WEIGHTS_FILE).write_bytes(write_weights(weights))
        for name, document in documents.items():
            text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
            (folder / name).write_text(text + "\n", encoding="utf-8")


def read(path: str | Path) -> RunFolder:
    """Read a run folder; raise `EdgeCnnError` that names the file which is missing or damaged."""
    path = Path(path)
    refuse_unfinished(path)
    if not path.is_dir():
        raise EdgeCnnError(f"there is no run folder {path}; `edgecnn train MODEL --data D -o RUN` makes one")
    if not (path / WEIGHTS_FILE).is_file():
        raise EdgeCnnError(f"{path} is not a whole run folder: it holds no {WEIGHTS_FILE}")
    run = _document(path, MARKER, dict)
    if run.get("format") != FORMAT:
        raise EdgeCnnError(
            f"{path / MARKER} has format {run.get('format')}, this edgecnn reads {FORMAT}; train again"
        )
    metrics = _document(path, _METRICS_FILE, dict)
    return RunFolder(
        spec=_document(path, _SPEC_FILE, ModelSpec.from_json),
        path=path,
        **_parsed(path / MARKER, {**_BEFORE, **run}, _RUN_FIELDS),
        **_parsed(path / _METRICS_FILE, metrics, _METRICS_FIELDS),
    )


def _exactly(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return check


def _one_of(*words: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in words:
            raise ValueError(f"{value!r} is none of {words}")
        return value

    return check


def _names(values: Any) -> tuple[str, ...]:
    return tuple(_exactly(str)(value) for value in _exactly(list)(values))


_RUN_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "data": _exactly(str),
    "task": _one_of("classification", "segmentation"),
    "skipped": _names,
    "device": _exactly(str),
    "recipe": Recipe.from_json,
    "seed": _exactly(int),
    "preprocessing": Preprocessing.from_json,
    "class_names": _names,
    "versions": _exactly(dict),
}
_BEFORE = {"task": "classification", "skipped": [], "device": "cpu"}  # of runs that do not say
_METRICS_FIELDS: Mapping[str, Callable[[Any], Any]] = {"metrics": _exactly(dict), "history": _exactly(list)}


def _document(folder: Path, name: str, parse: Callable[[Any], Any]) -> Any:
    file = folder / name
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EdgeCnnError(f"{folder} is not a whole run folder: it holds no {name}") from None
    except OSError as error:
        raise EdgeCnnError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise EdgeCnnError(f"{file} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise EdgeCnnError(f"{file} is damaged: it holds no JSON object")
    return _parsed(file, {name: content}, {name: parse})[name]


def _parsed(
    file: Path, content: Mapping[str, Any], fields: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    values = {}
    for name, parse in fields.items():
        try:
            values[name] = parse(content[name])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EdgeCnnError(f"{file} is damaged: {name} is missing or malformed") from error
        except EdgeCnnError as error:
            raise EdgeCnnError(f"{file} is damaged: {error}") from error
    return values
