"""Prune with edgecnn and with Torch-Pruning: which networks, to what accuracy, and foreign files.

Torch-Pruning runs in an environment of its own, a process for each network; what it leaves is written as
`.onnx`, and from there on both take the same way: the same distillation, the same runtime.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from converters import PROGRAMS
from environments import pinned
from processes import measure

import edgecnn
from edgecnn import Pictures, TrainingPlace
from edgecnn.data import load
from edgecnn.data.stream import stream
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.check import check
from edgecnn.models import ARCHITECTURES
from edgecnn.optimize import InMemory
from edgecnn.pipeline.network import Network, open_network
from edgecnn.profile import profile
from edgecnn.quantize import Context, Training
from edgecnn.quantize.distill import distill
from edgecnn.quantize.prune import prune
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs
from edgecnn.weights import write_weights

ENVIRONMENT, PEER = "torch-pruning", "Torch-Pruning"
REQUIREMENTS = (
    pinned("torch"), "torchvision", "timm", "torch-pruning==1.6.1", pinned("onnx"), pinned("onnxscript"),
    pinned("safetensors"),
)  # fmt: skip
PACKAGES = ("torch", "torch-pruning", "timm", "torchvision", "onnxscript")
HALF = 0.5
FOREIGN = (
    ("torchvision", "mobilenet_v2"),
    ("timm", "mobilenetv2_100"),
    ("timm", "efficientnet_lite0"),
    ("torchvision", "regnet_y_400mf"),
    ("timm", "regnetx_002"),
)
FOREIGN_TARGET = "pi4"
FOREIGN_RES, FOREIGN_RECIPE = 64, f"prune(mult_adds={HALF}) | distill(epochs=1) | int8"
# Shortcut A takes channels by a number that stands in the module, so that Torch-Pruning can cut what is
# inside a block only.
INSIDE = r"conv1|.*\.conv2"

Row = dict[str, Any]
Tell = Callable[[str], None]
_PATHS = {"PYTHONPATH": f"{Path(__file__).parents[1]}:{PROGRAMS}", "OMP_NUM_THREADS": "1"}
_LONGEST_S = 240.0
_WARM_UP = 5


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network, and how it is pruned.

    Attributes:
        name: in the tables.
        model: a run folder or a spec.
        weights: of a spec.
        contract: fields of the preprocessing that a spec does not know.
        data: the training and the held-out pictures.
        multiple: of the channels that are left, for both tools.
        epochs: of distillation.
        inside: whether Torch-Pruning may also be told which layers to leave.
    """

    name: str
    model: str
    weights: Path | None = None
    contract: Mapping[str, Any]
    data: tuple[str, str]
    multiple: int
    epochs: int
    inside: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is measured.

    Attributes:
        pictures: at most so many to train and to measure on; 0 for all.
        epochs: instead of the networks' own; 0 for those.
        on: where distillation runs.
        rounds: of latency.
    """

    pictures: int
    epochs: int
    on: str
    rounds: int


def small(name: str) -> str:
    """Return the spec of a network at the size at which it is tried: narrow, with few pixels."""
    entry = ARCHITECTURES[name]
    if name == "lenet":  # at a quarter of its width two maps are left
        return name
    width = "width=0.25, " if "width" in entry.defaults else ""
    return f"{name}({width}res={entry.contract_res})"


def reach(names: Sequence[str], python: Path, tell: Tell) -> list[Row]:
    """Return for each network what each tool leaves of its mult-adds, or why it failed."""
    rows = []
    for name in names:
        spec = small(name)
        rows.append({"network": name, "spec": spec, "edgecnn": _own(spec), "peer": _peer(spec, python)})
        told = (f"{who} {_words(rows[-1][who])}" for who in ("edgecnn", "peer"))
        tell(f"{name}: {', '.join(told)}")
    return rows


def _words(row: Row) -> str:
    return str(row.get("failed") or f"{row['kept']:.1%}")


def _own(spec: str) -> Row:
    network = open_network(spec)
    start_s = time.perf_counter()
    try:
        model = prune(network.graph, mult_adds=HALF).model
    except EdgeCnnError as error:
        return {"failed": str(error)}
    took_s = time.perf_counter() - start_s
    check(model)
    if not np.isfinite(OnnxRunner(model)(sample_inputs(network.preprocessing, 1))).all():
        return {"failed": "the result gives no numbers"}
    return {"kept": profile(model).mult_adds / profile(network.graph).mult_adds, "prune_s": took_s}


def _peer(spec: str, python: Path) -> Row:
    found = _torch_pruning(python, spec, HALF)
    if "failed" in found:
        return found
    kept = found["mult_adds"] / found["whole"]
    if kept > HALF:
        return {"failed": f"stops at {kept:.1%} of the mult-adds"}
    return {"kept": kept, "prune_s": found["prune_s"]}


def _torch_pruning(
    python: Path,
    spec: str,
    fraction: float,
    *,
    weights: str = "",
    multiple: int = 0,
    left: str = "",
    out: str = "",
) -> Row:
    """Return what the program prints, or why it failed."""
    program = PROGRAMS / "torch_pruning_to_onnx.py"
    command = [python, program, spec, weights, str(fraction), str(multiple), left, out]
    done = measure(command, variables=_PATHS, timeout_s=_LONGEST_S)
    if done.exit_code or done.timed_out:
        return {"failed": done.reason()}
    found: Row = json.loads(done.output.splitlines()[-1])
    return found


def fractions(each: Trained, kept: Sequence[float], python: Path, settings: Settings, tell: Tell) -> Row:
    """Return one trained network's table: what each tool leaves at each fraction, cut and distilled."""
    given = {"weights": each.weights} if each.weights else {}
    network = open_network(each.model, **given)
    bench = _Bench(each, network, settings)
    rows = []
    for fraction in kept:
        with tempfile.TemporaryDirectory(prefix="edgecnn-prune-") as work:
            made = dict(_pruned(each, network, fraction, python, Path(work)))
            found = {who: row for who, (_, row) in made.items()}
            models = {who: bench.taught(model, found[who]) for who, (model, _) in made.items() if model}
            bench.times({"whole": network.graph, **models}, found)
        for who, row in found.items():
            rows.append({"fraction": fraction, "tool": who, **row})
            tell(f"{each.name} {fraction:.0%} {who}: {row.get('failed') or format(row['top1'], '.2%')}")
    return {"name": each.name, "spec": str(network.spec), **bench.whole(), "rows": rows}


def _pruned(each: Trained, network: Network, fraction: float, python: Path, work: Path) -> Any:
    """Give the name of each tool, its graph, None where it failed, and how long it took."""
    start_s = time.perf_counter()
    model = prune(network.graph, mult_adds=fraction, multiple=each.multiple).model
    yield "edgecnn", (model, {"prune_s": time.perf_counter() - start_s})
    assert network.module is not None
    weights = work / "weights.safetensors"
    weights.write_bytes(write_weights(network.module.state_dict()))
    for name, left in ((PEER, ""), *(((f"{PEER}, inside blocks", INSIDE),) if each.inside else ())):
        out = work / f"{len(left)}.onnx"
        row = _torch_pruning(
            python,
            str(network.spec),
            fraction,
            weights=str(weights),
            multiple=each.multiple,
            left=left,
            out=str(out),
        )
        if "failed" in row:
            yield name, (None, row)
            continue
        theirs = open_network(out).graph
        yield name, (theirs, {"prune_s": row["prune_s"]})


class _Bench:
    """What all graphs of a network are trained and measured with."""

    def __init__(self, each: Trained, network: Network, settings: Settings) -> None:
        self._network, self._settings = network, settings
        contract = network.preprocessing.override(**each.contract)
        few = settings.pictures or None
        training, held_out = load(each.data[0], "train"), load(each.data[1], "held-out")

        def inputs(dataset: Any) -> np.ndarray:
            count = min(few or len(dataset), len(dataset))
            return np.concatenate(
                [batch.inputs for batch in stream(dataset, contract, order=np.arange(count))]
            )

        self._test, self._labels = inputs(held_out), held_out.labels
        self._pictures = torch.from_numpy(inputs(training))
        self._epochs = settings.epochs or each.epochs

    def taught(self, model: ir.Model, row: Row) -> ir.Model:
        """Return the graph distilled, and note in its row how it stands before and after."""
        costs = profile(model)
        row |= {"mult_adds": costs.mult_adds, "parameters": costs.parameters, "cut_top1": self._top1(model)}
        training = Training(batches=lambda: InMemory(self._pictures, None), on=self._settings.on)
        context = Context(original=self._network.graph, training=training)
        start_s = time.perf_counter()
        result = distill(model, context=context, epochs=self._epochs).model
        row |= {"distill_s": time.perf_counter() - start_s, "top1": self._top1(result)}
        return result

    def times(self, models: Mapping[str, ir.Model], rows: Mapping[str, Row]) -> None:
        """Note what one picture takes, in turns."""
        runners = {who: OnnxRunner(model) for who, model in models.items()}
        seconds: dict[str, list[float]] = {who: [] for who in models}
        for number in range(self._settings.rounds + _WARM_UP):
            for who, runner in runners.items():
                start_s = time.perf_counter()
                runner(self._test[:1])
                if number >= _WARM_UP:
                    seconds[who].append(time.perf_counter() - start_s)
        for who, row in rows.items():
            if who in seconds:
                row |= {"latency_s": statistics.median(seconds[who])}
        self._whole_s = statistics.median(seconds["whole"])

    def whole(self) -> Row:
        """Return how the network as it was stands, and what all were trained and measured with."""
        costs = profile(self._network.graph)
        return {
            "top1": self._top1(self._network.graph),
            "mult_adds": costs.mult_adds,
            "parameters": costs.parameters,
            "latency_s": self._whole_s,
            "epochs": self._epochs,
            "training_pictures": len(self._pictures),
            "test_pictures": len(self._test),
        }

    def _top1(self, model: ir.Model) -> float:
        runner = OnnxRunner(model)
        parts = [self._test[start : start + 100] for start in range(0, len(self._test), 100)]
        answers = np.concatenate([runner(part) for part in parts]).argmax(1)
        return float((answers == self._labels[: len(answers)]).mean())


def foreign(python: Path, settings: Settings, tell: Tell) -> list[Row]:
    """Return for each file of another library what the whole recipe leaves of it, or why it failed."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="edgecnn-prune-") as place:
        work = Path(place)
        pictures = _random_pictures(work)
        for library, name in FOREIGN:
            row: Row = {"library": library, "network": name}
            file = work / f"{library}-{name}.onnx"
            program = PROGRAMS / "foreign_to_onnx.py"
            done = measure([python, program, library, name, str(FOREIGN_RES), file], variables=_PATHS)
            row |= {"failed": done.reason()} if done.exit_code else _through(file, pictures, settings)
            rows.append(row)
            tell(f"{library} {name}: {_words(row)}")
    return rows


def _random_pictures(work: Path) -> Path:
    file = work / "pictures.npz"
    drawn = np.random.default_rng(0).integers(0, 256, (64, FOREIGN_RES, FOREIGN_RES, 3), np.uint8)
    np.savez(file, x_train=drawn[:48], x_test=drawn[48:])
    return file


def _through(file: Path, data: Path, settings: Settings) -> Row:
    contract = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "channel_order": "RGB"}
    pictures = Pictures(data=str(data), preprocessing=contract, training=TrainingPlace(on=settings.on))
    start_s = time.perf_counter()
    try:
        out = file.with_suffix(".small.onnx")
        steps = edgecnn.compress(file, FOREIGN_RECIPE, out, pictures=pictures, target=FOREIGN_TARGET)
    except EdgeCnnError as error:
        return {"failed": str(error).replace(str(file.parent), "...")}
    whole, last = profile(open_network(file).graph), steps[-1].standing
    return {
        "whole": whole.mult_adds,
        "kept": last.profile.mult_adds / whole.mult_adds,
        "bytes": last.bytes,
        "wall_s": time.perf_counter() - start_s,
    }
