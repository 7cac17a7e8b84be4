"""`Prediction`: how long a network would take on a device, layer by layer, and how sure that is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LayerLatency:
    """The predicted latency of one layer, in seconds, and what it is spent on where that is known."""

    name: str
    kind: str
    latency_s: float
    bound_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A predicted latency.

    Attributes:
        device: a target's name, or a device as it is reached.
        precision: of the network.
        threads: CPU threads; None where the method knows none.
        method: what it is, in words.
        layers: every layer, or every operator of the file that a runtime reads.
        per_inference_s: what an inference takes besides its layers.
        band_s: the least and the greatest latency that 9 of 10 networks like it had; None of a lower bound.
        outside: what about the network lies outside what was fitted; then the band says too little.
    """

    device: str
    precision: str
    threads: int | None
    method: str
    layers: tuple[LayerLatency, ...]
    per_inference_s: float = 0.0
    band_s: tuple[float, float] | None = None
    outside: tuple[str, ...] = ()

    @property
    def latency_s(self) -> float:
        """Seconds of one inference."""
        return self.per_inference_s + sum(layer.latency_s for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        plain: Mapping[str, Any] = asdict(self)
        layers = [dict(layer) for layer in plain["layers"]]
        lists = {"layers": layers, "outside": list(self.outside)}
        band = None if self.band_s is None else list(self.band_s)
        return {"kind": "predicted", "latency_s": self.latency_s, **plain, **lists, "band_s": band}
