"""`Fit`: a device's latency as a sum over operators, fitted on micro-networks that ran there."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from edgecnn.devices.answers import is_number, is_text
from edgecnn.devices.layer_terms import INFERENCE, WEIGHTS, LayerTerms, Tiles, layer_terms, weight_bytes
from edgecnn.devices.measurement import quantile
from edgecnn.devices.prediction import LayerLatency, Prediction
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.tflite_file import TfliteGraph, read_tflite
from edgecnn.profile.tflite_profile import kind

FORMAT = 2
_BAND = 0.9  # share of the held-out networks that it holds
_BEYOND = 2.0  # how far beyond the fitted terms a term still counts as inside
_TEXTS = ("device", "runtime", "precision", "date", "edgecnn")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was fitted, and how well it predicted networks that it was not fitted on.

    Attributes:
        device: as it was reached.
        target: the name of its profile, where it has one.
        runtime: name and version.
        cpu: of the device, as it names itself.
        threads: CPU threads.
        precision: of the networks.
        date: when.
        edgecnn: version that fitted it.
        tiles: what its kernels compute at once, as fits best.
        seconds: by term, what one unit of it costs.
        ranges: by term, the least and the greatest that was fitted.
        errors: relative errors, predicted / measured - 1, of stacks that were held out.
        networks: how many micro-networks.
    """

    device: str
    target: str | None
    runtime: str
    cpu: str | None
    threads: int
    precision: str
    date: str
    edgecnn: str
    tiles: Tiles
    seconds: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    errors: tuple[float, ...]
    networks: int

    @property
    def median_error(self) -> float:
        """Median of the absolute errors of held-out stacks."""
        return quantile([abs(error) for error in self.errors], 0.5)

    @property
    def band(self) -> tuple[float, float]:
        """Factors of a predicted latency that 9 of 10 measured ones lay between."""
        rest = (1 - _BAND) / 2
        low, high = quantile(self.errors, rest), quantile(self.errors, 1 - rest)
        return 1 / (1 + max(high, 0.0)), 1 / (1 + min(low, 0.0))

    def predict(self, data: bytes) -> Prediction:
        """Predict the latency of a `.tflite` file."""
        return self.predict_graph(read_tflite(data))

    def predict_graph(self, graph: TfliteGraph) -> Prediction:
        """Predict the latency of the graph of a `.tflite` file."""
        kinds = [kind(operator, graph) for operator in graph.operators]
        found = layer_terms(graph, kinds, self.tiles)
        layers = tuple(
            LayerLatency(name=each.name, kind=each.kind, latency_s=self._latency_s(each)) for each in found
        )
        fixed = self.seconds.get(INFERENCE, 0.0)
        total = fixed + sum(layer.latency_s for layer in layers)
        low, high = self.band
        return Prediction(
            device=self.target or self.device,
            precision=self.precision,
            threads=self.threads,
            method=f"fitted on {self.networks} micro-networks on {self.device}, {self.runtime}, {self.date};"
            f" median error of held-out stacks {self.median_error:.1%}",
            layers=layers,
            per_inference_s=fixed,
            band_s=(low * total, high * total),
            outside=(*self._heavier(weight_bytes(graph)), *self._outside(found)),
        )

    def _latency_s(self, layer: LayerTerms) -> float:
        return sum(self.seconds.get(term, 0.0) * value for term, value in layer.terms.items())

    def _heavier(self, held: int) -> tuple[str, ...]:
        """Say where a network holds more weights than any that was fitted: they may lie further away."""
        most = self.ranges.get(WEIGHTS, (0.0, math.inf))[1]
        said = f"its weights take {held / 1e6:.1f} MB, and at most {most / 1e6:.1f} MB were fitted"
        return (said,) if held > most else ()

    def _outside(self, layers: list[LayerTerms]) -> tuple[str, ...]:
        """Say which kinds of operators were never fitted, and which layers are larger or smaller."""
        families = {term.partition("/")[0] for term in self.ranges}
        unknown = dict.fromkeys(each.family for each in layers if each.family not in families)
        found = [f"{family} was not fitted" for family in unknown]
        for layer in layers:
            beyond = next((term for term, value in layer.terms.items() if self._is_beyond(term, value)), None)
            if layer.family in families and beyond:
                _, _, what = beyond.partition("/")
                found.append(
                    f"{layer.name} ({layer.kind}) has other {what.replace('_', '-')} than were fitted"
                )
        return tuple(found)

    def _is_beyond(self, term: str, value: float) -> bool:
        low, high = self.ranges.get(term, (0.0, math.inf))
        return not low / _BEYOND <= value <= high * _BEYOND

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        ranges = {name: list(pair) for name, pair in self.ranges.items()}
        plain = {**asdict(self), "seconds": dict(self.seconds), "ranges": ranges, "errors": list(self.errors)}
        said = {"median_error": self.median_error, "band": list(self.band)}
        return {"format": FORMAT, "kind": "fitted", **plain, **said}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str) -> Self:
        """Read what `to_json` gave; raise `EdgeCnnError` where it is none."""
        try:
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']}")
            values = {item.name: data[item.name] for item in fields(cls)}
            values["tiles"] = Tiles(**values["tiles"])
            values["ranges"] = {name: (low, high) for name, (low, high) in values["ranges"].items()}
            values["errors"] = tuple(values["errors"])
            numbers = [*values["seconds"].values(), *values["errors"], *sum(values["ranges"].values(), ())]
            if not values["errors"] or not all(map(is_number, numbers)):
                raise ValueError("a number in it is none")
            if not all(is_text(values[name]) for name in _TEXTS):
                raise ValueError("a text in it is none")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EdgeCnnError(f"{where} holds no fit of this version ({error}); fit it again") from error
        return cls(**values)
