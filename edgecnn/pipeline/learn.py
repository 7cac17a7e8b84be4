"""Training a network into a run folder, and scoring what came of it on any runtime."""

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgecnn import run_folder
from edgecnn.atomic import check_free
from edgecnn.data import Dataset, contract, load
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import Metrics, evaluate
from edgecnn.export.bundle import MANIFEST, Bundle, is_bundle, open_bundle
from edgecnn.export.verify import runner
from edgecnn.optimize import Epoch, train
from edgecnn.pipeline.network import is_path, open_network, refuse_opening
from edgecnn.preprocessing import Preprocessing, raw_preprocessing
from edgecnn.run_folder import RunFolder
from edgecnn.runtime import Runner
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe

_TOOLS = ("edgecnn", "torch", "numpy")
_COMPILED = (".onnx", ".tflite")
_INITIAL = 64  # images that set the initial weights' scale


def fit(
    model: str | ModelSpec,
    data: str,
    *,
    out: str | Path | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    force: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
    **overrides: Any,
) -> RunFolder:
    """Train a network on a data set, measure it on the held-out split, and write a run folder.

    Args:
        model: a spec or its text; where it does not say, it gets as many classes as the data set has.
        data: a data set's name or path.
        out: the run folder; by default `runs/NAME-DATA`.
        recipe: how to train.
        seed: of the initialization, the order of the images and the augmentation.
        force: replace an existing run folder.
        on_epoch: called after each epoch.
        overrides: `width`, `res`, `classes`, `in_channels`, `options`.
    """
    import torch

    from edgecnn.models import build, complete
    from edgecnn.models.initialize import initialize
    from edgecnn.pipeline.network import short_name
    from edgecnn.runtime.torch_runner import TorchRunner

    if isinstance(model, str) and is_path(model):
        raise EdgeCnnError(f"train takes the name of a network, or a call, not the path {model}")
    spec = ModelSpec.parse(model) if isinstance(model, str) else model
    spec = complete(spec.override(**overrides))
    training, held_out = _labelled(load(data, "train")), _labelled(load(data, "held-out"))
    if "classes" not in overrides or overrides["classes"] is None:
        spec = _with_classes(model, spec, len(training.class_names))
    path = Path(out) if out is not None else Path("runs", f"{short_name(spec)}-{Path(data).stem}")
    check_free(path, force=force, marker=run_folder.MARKER, folder=True)
    assert spec.in_channels is not None
    assert spec.res is not None
    preprocessing = contract(training, spec.in_channels, spec.res.height, spec.res.width)
    inputs = preprocessing.batch(training.images)
    module = initialize(build(spec), seed, torch.from_numpy(inputs[:_INITIAL]))
    recipe = recipe or Recipe()
    assert training.labels is not None
    assert held_out.labels is not None
    history = train(module, inputs, training.labels, recipe, seed=seed, on_epoch=on_epoch)
    metrics = evaluate(TorchRunner(module), held_out.images, held_out.labels, preprocessing)
    run = RunFolder(
        spec=spec,
        data=data,
        recipe=recipe,
        seed=seed,
        preprocessing=preprocessing,
        class_names=training.class_names,
        versions={tool: importlib.metadata.version(tool) for tool in _TOOLS},
        metrics=metrics.to_json(),
        history=[epoch.to_json() for epoch in history],
        path=path,
    )
    run_folder.write(path, run, module.state_dict(), force=force)
    return run


def _labelled(dataset: Dataset) -> Dataset:
    if dataset.task != "classification":
        raise EdgeCnnError(f"{dataset} has no class for each picture; its task is {dataset.task}")
    return dataset


def _with_classes(model: str | ModelSpec, spec: ModelSpec, classes: int) -> ModelSpec:
    given = ModelSpec.parse(model) if isinstance(model, str) else model
    return spec if given.classes is not None else spec.override(classes=classes)


def score(
    model: Any,
    data: str,
    *,
    preprocessing: Mapping[str, Any] | None = None,
    on_batch: Callable[[int, int], None] | None = None,
    **opening: Any,
) -> Metrics:
    """Measure accuracy on the held-out split of a data set, on the model's own runtime.

    A run folder or spec runs in PyTorch, an `.onnx` file in ONNX Runtime, a `.tflite` file in LiteRT, a
    bundle as the file that its board runs. All read pictures by the same contract: the run's or bundle's
    (also for a file inside a bundle), or the one given.

    Args:
        model: see above.
        data: a data set's name or path.
        preprocessing: fields of the contract; needed for a file that stands alone.
        on_batch: called with (images done, images in all).
        opening: for a spec: `weights`, `width`, ....
    """
    dataset = _labelled(load(data, "held-out"))
    assert dataset.labels is not None
    run, own = _runner(model, preprocessing or {}, opening)
    return evaluate(run, dataset.images, dataset.labels, own, on_batch=on_batch)


def _runner(model: Any, given: Mapping[str, Any], opening: Mapping[str, Any]) -> tuple[Runner, Preprocessing]:
    path = Path(model) if isinstance(model, (str, Path)) and is_path(model) else None
    compiled = path is not None and path.suffix.lower() in _COMPILED
    if path is None or not (compiled or is_bundle(path)):
        from edgecnn.runtime.torch_runner import TorchRunner

        network = open_network(model, **opening)
        assert network.module is not None
        return TorchRunner(network.module), network.preprocessing.override(**given)
    refuse_opening(path, opening)
    if compiled:
        if not path.is_file():
            raise EdgeCnnError(f"there is no file {path}")
        run = runner(path)
        return run, _contract_of_file(path, run.input_shape, given)
    with open_bundle(path) as bundle:
        own = Preprocessing.from_json(bundle.manifest["preprocessing"])
        return runner(bundle.folder / _shipped(bundle)), own.override(**given)


def _shipped(bundle: Bundle) -> str:
    """Return the artifact that the bundle's board runs in full precision."""
    wanted = {"litert": "tflite", "tensorrt": "onnx"}[bundle.manifest["runtime"]]
    return str(next(item["path"] for item in bundle.manifest["artifacts"] if item["format"] == wanted))


def _contract_of_file(path: Path, shape: Sequence[int | str], given: Mapping[str, Any]) -> Preprocessing:
    """Take the contract of the bundle that the file lies in, else the one given; never guess."""
    if (path.parent / MANIFEST).is_file():
        with open_bundle(path.parent) as bundle:
            return Preprocessing.from_json(bundle.manifest["preprocessing"]).override(**given)
    missing = [name for name in ("mean", "std", "channel_order") if name not in given]
    if missing:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise EdgeCnnError(
            f"{path} lies in no bundle, so it does not say how pixels become its input; give {flags}"
        )
    sizes = [size for size in shape[1:] if isinstance(size, int)]
    if len(shape) != 4 or len(sizes) != 3:
        raise EdgeCnnError(
            f"{path} takes input {' x '.join(map(str, shape))}, not pictures of one size; fix it first:"
            " edgecnn compress FILE --recipe fold --input NAME:1x3x224x224 -o OUT"
        )
    channels, height, width = sizes
    return raw_preprocessing(channels, height, width).override(**given)
