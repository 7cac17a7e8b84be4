"""The latency of a file from visits, in each of which a reference ran before and after it.

    t = median over quiet visits of t(file) / slowness,  slowness = t(reference) / t(reference, undisturbed)

What slows a processor down for a while, other machines on the same host or heat, slows both.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgecnn.devices import answers
from edgecnn.devices.measurement import quantile

_UNDISTURBED = 0.1  # of all times of the reference: the quantile that it takes when nothing disturbs
_QUIET = 0.25  # of the blocks of a visit: the quantile that is its time
_SLOWEST = 1.05  # a slowness above it is only counted where there is no other visit


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The seconds of a file's blocks, and of the reference before and after."""

    times_s: tuple[float, ...]
    reference_s: tuple[float, ...]

    @property
    def reference(self) -> float:
        """Seconds of the reference around the visit."""
        return statistics.fmean(self.reference_s)


def read_visits(found: dict[str, Any], names: Iterable[str], device: str) -> dict[str, list[Visit]]:
    """Return the visits of these files that a script answered; raise `EdgeCnnError` where it did not."""
    told = answers.field(found, "visits", lambda value: isinstance(value, dict), device)
    return {
        name: [_visit(each, device) for each in answers.field(told, name, _is_list, device)] for name in names
    }


def latencies_s(visits: dict[str, list[Visit]]) -> dict[str, float]:
    """Return the latency of each file."""
    undisturbed = quantile(
        [time for each in visits.values() for v in each for time in v.reference_s], _UNDISTURBED
    )
    return {name: _latency_s(each, undisturbed) for name, each in visits.items()}


def _latency_s(visits: Sequence[Visit], undisturbed: float) -> float:
    slowness = [visit.reference / undisturbed for visit in visits]
    limit = max(_SLOWEST, statistics.median_low(slowness))
    return statistics.median(
        quantile(visit.times_s, _QUIET) / slow
        for visit, slow in zip(visits, slowness, strict=True)
        if slow <= limit
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _visit(told: dict[str, Any], device: str) -> Visit:
    fields = ("times_s", "reference_s")
    return Visit(**{name: tuple(answers.field(told, name, _is_some, device)) for name in fields})


def _is_some(value: Any) -> bool:
    return answers.is_durations(value) and bool(value)
