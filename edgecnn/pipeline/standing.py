"""Where a network stands after a pass: its costs, how fast this host runs it, what it still gets right."""

import statistics
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Call
from edgecnn.data import Dataset
from edgecnn.data.files import Files
from edgecnn.data.sample import evenly
from edgecnn.device import DeviceProfile
from edgecnn.evaluate import Comparison, Measured, Metrics, Segmentation, compare, evaluate_dataset
from edgecnn.export.artifacts import Artifact
from edgecnn.export.compilers import compile_for
from edgecnn.graph.nodes import static_shape
from edgecnn.graph.precision import precision_of
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline.network import Network
from edgecnn.profile import Profile, profile
from edgecnn.quantize import compress
from edgecnn.runtime import Runner
from edgecnn.runtime.onnx_runner import OnnxRunner

_RUNS, _LONGEST_S = 15, 2.0  # of the latency on this host: so many runs, or as many as fit
_FIGURES = {Metrics: "top-1", Segmentation: "Dice"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """A network at one point of a recipe.

    Attributes:
        profile: of the graph.
        bytes: of the file that the target reads.
        file: what that is, such as `.tflite`.
        latency_s: median of single pictures on this host, which is not the target.
        runtime: in which that was measured.
        measured: the answers on held-out pictures; None where there are no pictures.
        compared: with those of the network before the recipe.
    """

    profile: Profile
    bytes: int
    file: str
    latency_s: float
    runtime: str
    measured: Measured | None = None
    compared: Comparison | None = None

    @property
    def figure(self) -> str | None:
        """Return what `accuracy` is, `top-1` or `Dice`; None where nobody says what is right."""
        return None if self.measured is None else _FIGURES.get(type(self.measured))

    @property
    def accuracy(self) -> float | None:
        """The fraction that is right, where there are labels or masks."""
        if isinstance(self.measured, Metrics):
            return self.measured.top1
        return self.measured.dice if isinstance(self.measured, Segmentation) else None

    @property
    def agreement(self) -> float | None:
        """The fraction of pictures, or pixels, with the same answer as before the recipe."""
        return None if self.compared is None else self.compared.agreement

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; what was measured says so."""
        found: dict[str, Any] = {
            "totals": self.profile.totals,
            "file": {"format": self.file.removeprefix("."), "bytes": self.bytes},
            "latency": {
                "kind": "measured",
                "on": "this host",
                "runtime": self.runtime,
                "median_s": self.latency_s,
            },
        }
        if self.measured is not None and self.figure is not None:
            n = {"n": self.measured.n}
            found["accuracy"] = {"kind": "measured", "figure": self.figure, "value": self.accuracy, **n}
        return found


class Judge:
    """Measures graphs of one network, one after another, beside the network before the recipe.

    Args:
        network: as it was before.
        dataset: held-out pictures; None where there are none.
        device: the target; None measures the graph itself in ONNX Runtime.
    """

    def __init__(self, network: Network, dataset: Dataset | None, device: DeviceProfile | None) -> None:
        self._network, self._dataset = network, dataset
        self._device = device

    def standing(self, graph: ir.Model) -> Standing:
        """Measure a graph."""
        first = graph is self._network.graph
        measured = self._first if first else self._measure(graph)
        compared = (
            None if measured is None or self._first is None or first else compare(self._first, measured)
        )
        file, runtime, data, run = _shipped(graph, self._device)
        return Standing(
            profile=profile(graph),
            bytes=len(data),
            file=file,
            latency_s=_of_zeros(run, graph),
            runtime=runtime,
            measured=measured,
            compared=compared,
        )

    @cached_property
    def _first(self) -> Measured | None:
        return self._measure(self._network.graph)

    def _measure(self, graph: ir.Model) -> Measured | None:
        if self._dataset is None or ends(graph) != ends(self._network.graph):
            return None  # no pictures, or answers of another size
        contract = self._network.preprocessing
        # As the graph stands: a layer that is float between pairs would else be computed in integers.
        runner = OnnxRunner(graph, integers=False)
        return evaluate_dataset(runner, self._dataset, contract, labels=self._network.labels)


def _shipped(graph: ir.Model, device: DeviceProfile | None) -> tuple[str, str, bytes, Runner]:
    """Return what the target reads of a graph, and what runs it here."""
    folded = graph
    if precision_of(graph) == "fp32":
        (folded,) = (step.after for step in compress(graph, [Call("fold")]))
    if device is None or device.runtime != "litert":
        return ".onnx", "ONNX Runtime", to_bytes(folded), OnnxRunner(folded)
    artifact: Artifact = compile_for(device, folded).artifacts[0]
    return ".tflite", "LiteRT", artifact.data, artifact.runner


def host_latency_s(graph: ir.Model, device: DeviceProfile | None) -> float:
    """Return the median time of one picture on this host, in the target's runtime where that runs here."""
    return _of_zeros(_shipped(graph, device)[3], graph)


def _of_zeros(run: Runner, graph: ir.Model) -> float:
    return latency_s(run, np.zeros(static_shape(graph.graph.inputs[0]), np.float32))


def ends(graph: ir.Model) -> list[tuple[int, ...]]:
    """Return the shapes of what a graph takes and gives."""
    return [static_shape(value) for value in (*graph.graph.inputs, *graph.graph.outputs)]


def latency_s(run: Runner, image: np.ndarray) -> float:
    """Return the median time of one picture (1, c, h, w) on this host."""
    times: list[float] = []
    run(image)  # warm-up
    while not times or (len(times) < _RUNS and sum(times) < _LONGEST_S):
        start = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def some_of(dataset: Dataset, most: int) -> Dataset:
    """Return at most so many pictures of a data set, evenly spread."""
    if len(dataset) <= most:
        return dataset
    chosen = evenly(len(dataset), most)
    return replace(
        dataset,
        images=_some(dataset.images, chosen),
        labels=None if dataset.labels is None else dataset.labels[chosen],
        masks=None if dataset.masks is None else _some(dataset.masks, chosen),
    )


def _some(pictures: Any, chosen: list[int]) -> Any:
    if isinstance(pictures, Files):
        return replace(pictures, names=tuple(pictures.names[index] for index in chosen))
    return pictures[chosen]
