"""What `eval` runs: a network in PyTorch or an artifact in its own runtime, with its contract and classes.

A `.onnx` file takes NCHW and a `.tflite` file NHWC, unless --layout says otherwise. Artifacts of edgecnn take
one picture at a time, and are not made to take more, whose activations need as many times the memory.
Measured on one thread of an x86-64 host, 8 or 64 at a time: LiteRT gains 6 % on a small U-Net and cannot
resize the files that flatten; ONNX Runtime gains nothing that holds on ResNet-20, ResNet-56 and MobileNet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.export.bundle import MANIFEST, Bundle, is_bundle, open_bundle
from edgecnn.export.verify import runner
from edgecnn.graph.layout import LAYOUTS, TO_FIRST, TO_LAST, check_layout
from edgecnn.pipeline.model_paths import is_path, refuse_opening
from edgecnn.pipeline.network import open_network
from edgecnn.preprocessing import Preprocessing, raw_preprocessing
from edgecnn.runtime import Runner

# What a runner takes for granted of its files; how batches are turned where a file has the other layout.
_OWN = {".onnx": ("NCHW", TO_LAST, TO_FIRST), ".tflite": ("NHWC", TO_FIRST, TO_LAST)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Runnable:
    """A network that can be run on pictures.

    Attributes:
        run: float32 (n, c, h, w) → scores (n, classes) or (n, classes, h, w).
        preprocessing: the contract.
        labels: names of the outputs, where known.
    """

    run: Runner
    preprocessing: Preprocessing
    labels: tuple[str, ...] | None


def open_runnable(
    model: Any, given: Mapping[str, Any], layout: str | None, opening: Mapping[str, Any]
) -> Runnable:
    """Open a model to be run.

    Args:
        model: a run folder, spec, bundle, `.onnx` or `.tflite` file, or whatever `open_network` takes.
        given: fields of the contract that win over the model's own.
        layout: of a file's input and output, NCHW or NHWC; only for a file that stands alone.
        opening: for a spec: `weights`, `width`, ....
    """
    path = Path(model) if isinstance(model, (str, Path)) and is_path(model) else None
    compiled = path is not None and path.suffix.lower() in _OWN
    if layout is not None and (path is None or not compiled or _lies_in_bundle(path)):
        raise EdgeCnnError(f"{model} says itself how its input lies in memory; leave out --layout")
    if path is None or not (compiled or is_bundle(path)):
        return _network(model, given, opening)
    refuse_opening(path, opening)
    if not compiled:
        with open_bundle(path) as bundle:
            return _artifact(bundle, bundle.folder / str(shipped(bundle.manifest)["path"]), given)
    if not path.is_file():
        raise EdgeCnnError(f"there is no file {path}")
    if _lies_in_bundle(path):
        with open_bundle(path.parent) as bundle:
            return _artifact(bundle, path, given)
    return _alone(path, given, layout)


def _network(model: Any, given: Mapping[str, Any], opening: Mapping[str, Any]) -> Runnable:
    network = open_network(model, **opening)
    contract, labels = network.preprocessing.override(**given), network.labels
    if network.module is not None:
        from edgecnn.runtime.torch_runner import TorchRunner

        return Runnable(run=TorchRunner(network.module), preprocessing=contract, labels=labels)
    from edgecnn.runtime.onnx_runner import OnnxRunner

    return Runnable(run=OnnxRunner(network.graph), preprocessing=contract, labels=labels)


def _lies_in_bundle(path: Path) -> bool:
    return (path.parent / MANIFEST).is_file()


def _artifact(bundle: Bundle, file: Path, given: Mapping[str, Any]) -> Runnable:
    labels = bundle.manifest["labels"]
    return Runnable(
        run=runner(file),
        preprocessing=Preprocessing.from_json(bundle.manifest["preprocessing"]).override(**given),
        labels=tuple(labels) if labels else None,
    )


def shipped(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the artifact that a bundle was made for: int8 where it has that, else in full precision."""
    wanted = {"litert": "tflite", "tflite-micro": "tflite", "tensorrt": "onnx"}[manifest["runtime"]]
    fitting = [item for item in manifest["artifacts"] if item["format"] == wanted]
    return dict(next((each for each in fitting if each["precision"] == "int8"), fitting[0]))


def _alone(path: Path, given: Mapping[str, Any], layout: str | None) -> Runnable:
    """Open a file that does not say how pixels become its input; never guess."""
    own, forth, back = _OWN[path.suffix.lower()]
    check_layout(layout or own)
    run = runner(path)
    turned = layout not in (None, own)
    shape = (
        [run.input_shape[axis] for axis in back] if turned and len(run.input_shape) == 4 else run.input_shape
    )
    contract = _contract(path, shape, layout or own, given)
    block = shape[0] if isinstance(shape[0], int) else 1
    turns = (forth, back) if turned else None
    return Runnable(run=_File(run=run, block=block, turns=turns), preprocessing=contract, labels=None)


@dataclass(frozen=True, kw_only=True, eq=False)
class _File:
    """A file's runner for batches of any size: the last block is filled up, and axes are turned."""

    run: Runner
    block: int
    turns: tuple[Sequence[int], Sequence[int]] | None

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        n = len(batch)
        missing = -n % self.block
        if missing:
            batch = np.concatenate([batch, np.repeat(batch[-1:], missing, 0)])
        if self.turns is None:
            return self.run(batch)[:n]
        forth, back = self.turns
        outputs = self.run(batch.transpose(forth))[:n]
        return outputs.transpose(back) if outputs.ndim == len(back) else outputs


def _contract(path: Path, shape: Sequence[int | str], layout: str, given: Mapping[str, Any]) -> Preprocessing:
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
    told = len(given["mean"])
    if channels != told and told in (height, width):
        other = next(each for each in LAYOUTS if each != layout)
        raise EdgeCnnError(
            f"{path}, read as {layout}, takes {channels} channels of {height} x {width}, and --mean is for"
            f" {told}; if its input lies the other way round, give --layout {other}"
        )
    return raw_preprocessing(channels, height, width).override(**given)
