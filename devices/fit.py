"""`Fit`: a device's latency as a sum over operators, fitted on micro-networks that ran there."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from edgecnn.devices.answers import is_number, is_text
from edgecnn.devices.cost_models import COST_MODELS, LITERT, CostModel
from edgecnn.devices.measurement import quantile
from edgecnn.devices.prediction import LayerLatency, Prediction
from edgecnn.devices.terms import WEIGHTS, LayerTerms
from edgecnn.errors import EdgeCnnError

# Another with other terms: an older fit would hold that a term which it lacks costs nothing.
FORMAT = 4
_BAND = 0.9  # share of the held-out networks that it holds
_BEYOND = 2.0  # how far beyond the fitted terms a term still counts as inside
_TEXTS = ("device", "runtime", "precision", "date", "edgecnn")
_GPU = ("name", "sm")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was fitted, and how well it predicted networks that it was not fitted on.

    Attributes:
        device: as it was reached.
        target: the name of its profile, where it has one.
        runtime: name and version.
        cpu: of the device, as it names itself.
        gpu: its name and compute capability; None where a processor runs networks.
        threads: CPU threads; None where a GPU runs networks.
        precision: of the networks.
        date: when.
        edgecnn: version that fitted it.
        tiles: what its kernels compute at once, as fits best.
        seconds: by term, what one unit of it costs.
        ranges: by term, the least and the greatest that was fitted.
        errors: relative errors, predicted / measured - 1, of stacks that were held out.
        networks: how many micro-networks.
        runs: what runs networks there, as profiles say it: `litert` or `tensorrt`.
        left_out: networks that the device could not build or run, and why.
    """

    device: str
    target: str | None
    runtime: str
    cpu: str | None
    threads: int | None
    precision: str
    date: str
    edgecnn: str
    tiles: Any
    seconds: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    errors: tuple[float, ...]
    networks: int
    runs: str = LITERT
    gpu: Mapping[str, str] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> CostModel:
        """What its terms are."""
        return COST_MODELS[self.runs]

    @property
    def runs_on(self) -> str:
        """The runtime, and the GPU where that runs networks, in words."""
        return self.runtime if self.gpu is None else f"{self.runtime} on {self.gpu['name']}"

    @property
    def median_error(self) -> float:
        """Median of the absolute errors of held-out stacks."""
        return quantile([abs(error) for error in self.errors], 0.5)

    @property
    def band(self) -> tuple[float, float]:
        """Factors of a predicted latency that 9 of 10 measured ones are expected between.

        One more network like the n held-out ones lies below the k-th of their errors with probability
        k / (n + 1): with few of them the band reaches further than nine tenths of them do.
        """
        rest, count = (1 - _BAND) / 2, len(self.errors)
        place = max(0.0, rest * (count + 1) - 1) / max(1, count - 1)
        low, high = quantile(self.errors, place), quantile(self.errors, 1 - place)
        return 1 / (1 + max(high, 0.0)), 1 / (1 + min(low, 0.0))

    def predict(self, compiled: Any) -> Prediction:
        """Predict the latency of what is compiled for the runtime: the bytes of a `.tflite` file."""
        return self.predict_graph(self.model.read(compiled))

    def predict_graph(self, graph: Any) -> Prediction:
        """Predict the latency of a graph, as `CostModel.read` gives it."""
        found = self.model.layers(graph, self.tiles)
        layers = tuple(
            LayerLatency(name=each.name, kind=each.kind, latency_s=self._seconds(each.terms))
            for each in found
        )
        fixed = self._seconds(self.model.inference(graph))
        total = fixed + sum(layer.latency_s for layer in layers)
        low, high = self.band
        return Prediction(
            device=self.target or self.device,
            precision=self.precision,
            threads=self.threads,
            method=f"fitted on {self.networks} micro-networks on {self.device}, {self.runs_on}, {self.date};"
            f" median error of held-out stacks {self.median_error:.1%}",
            layers=layers,
            per_inference_s=fixed,
            band_s=(low * total, high * total),
            outside=(*self._heavier(self.model.weight_bytes(graph)), *self._outside(found)),
        )

    def _seconds(self, terms: Mapping[str, float]) -> float:
        return sum(self.seconds.get(term, 0.0) * value for term, value in terms.items())

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
        plain = {**asdict(self), "ranges": ranges, "errors": list(self.errors)}
        said = {"median_error": self.median_error, "band": list(self.band)}
        return {"format": FORMAT, "kind": "fitted", **plain, **said}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str) -> Self:
        """Read what `to_json` gave; raise `EdgeCnnError` where it is none."""
        try:
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']}")
            values = {item.name: data[item.name] for item in fields(cls)}
            values["tiles"] = COST_MODELS[values["runs"]].tiles(**values["tiles"])
            values["ranges"] = {name: (low, high) for name, (low, high) in values["ranges"].items()}
            values["errors"] = tuple(values["errors"])
            numbers = [*values["seconds"].values(), *values["errors"], *sum(values["ranges"].values(), ())]
            if not values["errors"] or not all(map(is_number, numbers)):
                raise ValueError("a number in it is none")
            if not all(map(is_text, _texts(values))):
                raise ValueError("a text in it is none")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EdgeCnnError(f"{where} holds no fit of this version ({error}); fit it again") from error
        return cls(**values)


def _texts(values: Mapping[str, Any]) -> list[Any]:
    """Return what has to be text in a fit."""
    gpu, left_out = values["gpu"], values["left_out"]
    of_gpu = [] if gpu is None else [gpu[name] for name in _GPU]
    return [*(values[name] for name in _TEXTS), *of_gpu, *left_out.keys(), *left_out.values()]
