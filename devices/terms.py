"""What a latency is linear in: the terms of a layer, and what every inference takes besides its layers."""

from collections.abc import Mapping
from dataclasses import dataclass

INFERENCE = "inference"
WEIGHTS = "network/weights"  # bytes of all weights of a network: a range, no term


@dataclass(frozen=True, kw_only=True)
class LayerTerms:
    """A layer's terms by name, and the family whose coefficients they share."""

    name: str
    kind: str
    family: str
    terms: Mapping[str, float]
