"""Trained networks pruned with edgecnn and with Torch-Pruning, and distilled in the same way.

edgecnn fits what it leaves to the pictures that both are distilled on. What Torch-Pruning leaves is written
as `.onnx`; from there on both take the same distillation and runtime.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from pruning import PEER, Row, Settings, Tell, torch_pruning

from edgecnn.data import load
from edgecnn.data.stream import stream
from edgecnn.optimize import InMemory
from edgecnn.pipeline.network import Network, open_network
from edgecnn.profile import profile
from edgecnn.quantize import Context, Training
from edgecnn.quantize.distill import distill
from edgecnn.quantize.prune import prune
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.weights import write_weights

_WARM_UP = 5  # of the latency's rounds
# Shortcut A takes channels by a number that stands in the module, so that Torch-Pruning can cut what is
# inside a block only.
INSIDE = r"conv1|.*\.conv2"


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


def fractions(each: Trained, kept: Sequence[float], python: Path, settings: Settings, tell: Tell) -> Row:
    """Return one trained network's table: what each tool leaves at each fraction, cut and distilled."""
    given = {"weights": each.weights} if each.weights else {}
    network = open_network(each.model, **given)
    bench = _Bench(each, network, settings)
    rows = []
    for fraction in kept:
        with tempfile.TemporaryDirectory(prefix="edgecnn-prune-") as work:
            made = dict(_pruned(each, bench, fraction, python, Path(work)))
            found = {who: row for who, (_, row) in made.items()}
            models = {who: bench.taught(model, found[who]) for who, (model, _) in made.items() if model}
            bench.times({"whole": network.graph, **models}, found)
        for who, row in found.items():
            rows.append({"fraction": fraction, "tool": who, **row})
            tell(f"{each.name} {fraction:.0%} {who}: {row.get('failed') or format(row['top1'], '.2%')}")
    return {"name": each.name, "spec": str(network.spec), **bench.whole(), "rows": rows}


def _pruned(each: Trained, bench: "_Bench", fraction: float, python: Path, work: Path) -> Any:
    """Give the name of each tool, its graph, None where it failed, and how long it took."""
    network, start_s = bench.network, time.perf_counter()
    model = prune(network.graph, mult_adds=fraction, multiple=each.multiple, context=bench.context()).model
    yield "edgecnn", (model, {"prune_s": time.perf_counter() - start_s})
    assert network.module is not None
    weights = work / "weights.safetensors"
    weights.write_bytes(write_weights(network.module.state_dict()))
    for name, left in ((PEER, ""), *(((f"{PEER}, inside blocks", INSIDE),) if each.inside else ())):
        out = work / f"{len(left)}.onnx"
        row = torch_pruning(
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
        self.network, self._settings = network, settings
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
        start_s = time.perf_counter()
        result = distill(model, context=self.context(), epochs=self._epochs).model
        row |= {"distill_s": time.perf_counter() - start_s, "top1": self._top1(result)}
        return result

    def context(self) -> Context:
        """Return the pictures, without labels, and the whole network."""
        training = Training(batches=lambda: InMemory(self._pictures, None), on=self._settings.on)
        return Context(
            original=self.network.graph, training=training, images=lambda: [self._pictures.numpy()]
        )

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
        costs = profile(self.network.graph)
        return {
            "top1": self._top1(self.network.graph),
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
