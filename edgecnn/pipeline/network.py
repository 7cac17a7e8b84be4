"""`Network`: whatever a user names as MODEL, opened: graph, module, weights, contract, labels."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from edgecnn import run_folder
from edgecnn.errors import EdgeCnnError
from edgecnn.export.bundle import is_bundle, open_bundle
from edgecnn.export.parity import Parity
from edgecnn.pipeline.model_paths import is_path, no_model, refuse_opening
from edgecnn.preprocessing import Preprocessing, default_preprocessing, raw_preprocessing
from edgecnn.sample import initialization_inputs
from edgecnn.spec import ModelSpec
from edgecnn.unfinished_run import refuse_unfinished

if TYPE_CHECKING:
    from torch import nn

Model = "str | Path | ModelSpec | ir.Model | nn.Module"


@dataclass(frozen=True, kw_only=True)
class Network:
    """An opened model.

    Attributes:
        name: short, for files.
        title: for people: the complete spec, or the file.
        graph: canonical; without weights where only costs were asked for.
        module: where there is one.
        weights: where the weights are from, in words.
        preprocessing: how pictures become input.
        labels: names of the classes, where known.
        recorded_by: how the graph was obtained from the module.
        spec: of a network of the zoo.
        appended: what was added to the network at its end, such as `softmax`.
        parity: of what opening changed: of a graph of NHWC images with its NCHW form.
    """

    name: str
    title: str
    graph: ir.Model
    module: "nn.Module | None" = None
    weights: str
    preprocessing: Preprocessing
    labels: tuple[str, ...] | None = None
    recorded_by: str | None = None
    spec: ModelSpec | None = None
    appended: tuple[str, ...] = ()
    parity: tuple[Parity, ...] = ()


def open_network(
    model: Any,
    *,
    weights: Path | None = None,
    seed: int = 0,
    allocate: bool = True,
    inputs: Mapping[str, Sequence[int]] | None = None,
    layout: str | None = None,
    input_shape: Sequence[int] | None = None,
    **overrides: Any,
) -> Network:
    """Open a model.

    Args:
        model: a spec or its text, a run folder, a bundle, an `.onnx` file, an `onnx_ir.Model`, or an
            `nn.Module` together with `input_shape`.
        weights: for a spec: a run folder, `.safetensors` or `.pth` file; without it they are random.
        seed: of random weights.
        allocate: False leaves a spec's weights out, where only costs are wanted.
        inputs: fixed shapes by input name, for a foreign graph.
        layout: of a foreign graph's images, `NCHW` unless told otherwise; `NHWC` is brought to NCHW.
        input_shape: (1, c, h, w), for an `nn.Module`.
        overrides: `width`, `res`, `classes`, `in_channels`, `options`: they win over the spec's own.
    """
    given = {key: value for key, value in overrides.items() if value not in (None, {})}
    if isinstance(model, (str, Path)) and is_path(model):
        path = Path(model)
        refuse_opening(path, {"weights": weights, **given})
        if inputs and path.suffix.lower() != ".onnx":
            raise EdgeCnnError(f"--input fixes the input of an .onnx file, and {path} is none; leave it out")
        if layout and path.suffix.lower() != ".onnx":
            raise _no_layout(path)
        return _open_path(path, inputs or {}, layout, allocate)
    if isinstance(model, ir.Model):
        from edgecnn.graph.normalize import normalize

        return _foreign(normalize(model), model.graph.name or "graph", layout, allocate)
    if layout:
        raise _no_layout(model)
    if isinstance(model, (str, ModelSpec)):
        if inputs:
            raise EdgeCnnError(f"--input fixes the input of an .onnx file; for {model}, give --res")
        spec = ModelSpec.parse(model) if isinstance(model, str) else model
        return _open_spec(spec.override(**given), weights, seed, allocate)
    return _open_module(model, input_shape)


def _no_layout(model: Any) -> EdgeCnnError:
    return EdgeCnnError(f"--layout is for an .onnx file's images, and {model} is none; leave it out")


def _open_path(
    path: Path, inputs: Mapping[str, Sequence[int]], layout: str | None, allocate: bool
) -> Network:
    refuse_unfinished(path)
    if run_folder.is_run_folder(path):
        return _open_run(path, allocate)
    if is_bundle(path):
        return _open_bundle(path)
    if path.suffix.lower() == ".onnx":
        from edgecnn.graph.load import load

        return _foreign(load(path, inputs), path.name, layout, allocate)
    raise no_model(path)


def _open_spec(spec: ModelSpec, weights: Path | None, seed: int, allocate: bool) -> Network:
    import torch

    from edgecnn.models import ARCHITECTURES, build, complete
    from edgecnn.models.initialize import OPEN, initialize
    from edgecnn.weights import load_into, read_weights

    spec = complete(spec)
    channels, res = spec.in_channels, spec.res
    assert channels is not None
    assert res is not None
    contract, labels = default_preprocessing(channels, res.height, res.width), None
    origin = f"random weights (seed {seed})"
    module = build(spec, "cpu" if allocate else "meta")
    if not allocate:
        origin = "no weights"
    elif weights is None:
        initialize(module, seed, torch.from_numpy(initialization_inputs(contract, seed)), shift=OPEN)
    else:
        refuse_unfinished(weights)
        load_into(module, ARCHITECTURES[spec.arch].from_foreign(read_weights(weights)), str(weights))
        origin = f"weights of {weights.name} (sha256 {_digest(weights)})"
        if run_folder.is_run_folder(weights):
            run = run_folder.read(weights)
            labels = run.class_names
            if (run.preprocessing.channels, run.preprocessing.height, run.preprocessing.width) == (
                channels, res.height, res.width
            ):  # fmt: skip
                contract = run.preprocessing
    return _recorded(module, spec, contract, labels, origin)


def _open_run(path: Path, allocate: bool) -> Network:
    from edgecnn.models import build
    from edgecnn.weights import load_into, read_weights

    run = run_folder.read(path)
    module = build(run.spec, "cpu" if allocate else "meta")
    if allocate:
        load_into(module, read_weights(path), str(path))
    origin = f"weights of {path.name}, trained on {run.data} (sha256 {_digest(path)})"
    return _recorded(module, run.spec, run.preprocessing, run.class_names, origin)


def _recorded(
    module: "nn.Module", spec: ModelSpec, contract: Preprocessing, labels: tuple[str, ...] | None, origin: str
) -> Network:
    from edgecnn.export.recorder import record

    shape = (1, contract.channels, contract.height, contract.width)
    return Network(
        name=short_name(spec),
        title=str(spec),
        graph=record(module, shape, name=spec.arch),
        module=module,
        weights=origin,
        preprocessing=contract,
        labels=labels,
        recorded_by="recorder",
        spec=spec,
    )


def _open_module(module: Any, input_shape: Sequence[int] | None) -> Network:
    from torch import nn

    from edgecnn.export.torch_export import to_graph

    if not isinstance(module, nn.Module):
        raise EdgeCnnError(f"a model is a name, a path, a graph or an nn.Module, not {type(module).__name__}")
    if input_shape is None or len(input_shape) != 4 or input_shape[0] != 1:
        raise EdgeCnnError("an nn.Module needs input_shape=(1, channels, height, width)")
    title = type(module).__name__
    graph, recorded_by = to_graph(module, input_shape, name=title)
    return Network(
        name=title.lower(),
        title=title,
        graph=graph,
        module=module,
        weights="weights of the module",
        preprocessing=raw_preprocessing(*input_shape[1:]),
        recorded_by=recorded_by,
    )


def _open_bundle(path: Path) -> Network:
    from edgecnn.graph.load import load

    with open_bundle(path) as bundle:
        manifest = bundle.manifest
        graph = load(bundle.folder / "model.onnx")
        labels = manifest["labels"]
        return Network(
            name=_PRECISION.sub("", manifest["name"].removesuffix(f".{manifest['target']}")),
            title=manifest["model"]["spec"],
            graph=graph,
            weights=manifest["model"]["weights"],
            preprocessing=Preprocessing.from_json(manifest["preprocessing"]),
            labels=None if labels is None else tuple(labels),
        )


def _foreign(graph: ir.Model, name: str, layout: str | None, allocate: bool) -> Network:
    from edgecnn.graph.nodes import static_shape
    from edgecnn.pipeline.foreign import in_nchw

    graph, parity = in_nchw(graph, name, layout, weights=allocate)
    return Network(
        name=Path(name).stem or "graph",
        title=name,
        graph=graph,
        weights=f"weights of {name}",
        preprocessing=raw_preprocessing(*static_shape(graph.graph.inputs[0])[1:]),
        parity=parity,
    )


def narrower(network: Network) -> Callable[[float], ir.Model] | None:
    """Return what gives the graph, without weights, at a fraction of the network's own width."""
    spec = network.spec
    if spec is None or spec.width is None:
        return None
    width = spec.width
    return lambda fraction: open_network(replace(spec, width=width * fraction), allocate=False).graph


def short_name(spec: ModelSpec) -> str:
    """Return a name for files, such as `mobilenet-w0.5-r160`."""
    parts = [spec.arch, f"w{spec.width:g}" if spec.width is not None else "", f"r{spec.res}"]
    return "-".join(filter(None, parts))


def _digest(path: Path) -> str:
    file = path / run_folder.WEIGHTS_FILE if path.is_dir() else path
    return hashlib.sha256(file.read_bytes()).hexdigest()


_PRECISION = re.compile("-(fp32|fp16|int8|dynamic)$")  # of a bundle's name
