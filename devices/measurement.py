"""`Measurement`: the latency of one artifact on one device, raw times and all that they depend on.

Quantiles are interpolated between the times beside them, as numpy's are: the median of an even number of
times is the mean of the middle two.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from edgecnn.devices.answers import is_duration, is_number, is_readings, is_text
from edgecnn.errors import EdgeCnnError

NOISY_ABOVE = 0.10  # interquartile range over median
_CLOCK_FELL = 0.95  # of the clock before
_CLOCK_JUMPED_S = 1.0
# What vcgencmd says of a Raspberry Pi: bits of `throttled=0x...`.
_PI = {0: "undervoltage", 1: "its clock was capped", 2: "throttled", 3: "at its soft temperature limit"}


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where and with what something was measured.

    Attributes:
        fixed: what may not change within a measurement: runtime, threads, processor, system, governor, ....
        before: what the sensors said before it, as far as there are any.
        after: and right after the last inference.
        peak_rss_bytes: the most memory that the runner's process held, Python and numpy included.
    """

    fixed: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    peak_rss_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            **self.fixed,
            "before": dict(self.before),
            "after": dict(self.after),
            "peak_rss_bytes": self.peak_rss_bytes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        apart = ("before", "after", "peak_rss_bytes")
        fixed = {key: value for key, value in data.items() if key not in apart}
        return cls(fixed=fixed, **{key: data[key] for key in apart})


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The latency of one artifact on one device, measured after its outputs were found right.

    Attributes:
        name: of the bundle.
        model: the network, where known.
        artifact: the file that was run.
        precision: of it.
        bundle_sha256: of the bundle's manifest.
        device: as it was reached.
        date: the day it was measured, by this machine's clock.
        mult_adds: of the network, where known.
        times_s: of each inference, in seconds, round by round.
        warmup_s: the median of each window of inferences before them.
        init_s: of loading the artifact, in each round.
        first_s: of the first inference, in each round.
        steady: whether in every round those medians had become steady.
        max_abs_error: of the outputs for the bundle's sample, the worst round's.
        max_abs_error_allowed: what would not have been measured.
        includes: what a time holds.
        clock_jumped_s: how far the device's wall clock was set meanwhile; times are of another clock.
        environment: where it was measured.
        recipe: the passes that the network went through, where known.
    """

    name: str
    model: str | None
    artifact: str
    precision: str
    bundle_sha256: str
    device: str
    date: str
    mult_adds: int | None
    times_s: tuple[float, ...]
    warmup_s: tuple[float, ...]
    init_s: tuple[float, ...]
    first_s: tuple[float, ...]
    steady: bool
    max_abs_error: float
    max_abs_error_allowed: float
    includes: str
    clock_jumped_s: float = 0.0
    environment: Environment
    recipe: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("times_s", "init_s", "first_s"):
            if not getattr(self, name) or not all(map(is_duration, getattr(self, name))):
                raise EdgeCnnError(f"{self.name}: {name} has to be one or more durations in seconds")
        texts = (
            self.name,
            self.artifact,
            self.precision,
            self.device,
            self.date,
            self.includes,
            *(self.recipe or ()),
        )
        if not all(map(is_text, texts)) or not all(map(is_duration, self.warmup_s)):
            raise EdgeCnnError(f"{self.name}: this is no measurement")
        if not self.max_abs_error <= self.max_abs_error_allowed:
            raise EdgeCnnError(
                f"{self.name}: its outputs differ by {self.max_abs_error:.3g}, and"
                f" {self.max_abs_error_allowed:.3g} is allowed; wrong outputs have no latency"
            )
        readings = (self.environment.before, self.environment.after)
        if not all(map(is_readings, readings)) or not all(
            map(is_number, (self.environment.peak_rss_bytes, self.clock_jumped_s))
        ):
            raise EdgeCnnError(f"{self.name}: its environment is not what a runner says")

    @property
    def median_s(self) -> float:
        """Median time of one inference."""
        return quantile(self.times_s, 0.50)

    @property
    def p90_s(self) -> float:
        """The time that 90 % of the inferences stay below."""
        return quantile(self.times_s, 0.90)

    @property
    def p99_s(self) -> float:
        """The time that 99 % of the inferences stay below."""
        return quantile(self.times_s, 0.99)

    @property
    def min_s(self) -> float:
        """The shortest time."""
        return min(self.times_s)

    @property
    def iqr_s(self) -> float:
        """The range that the middle half of the times lies in."""
        return quantile(self.times_s, 0.75) - quantile(self.times_s, 0.25)

    @property
    def noisy(self) -> bool:
        """Whether that range is over a tenth of the median."""
        return self.iqr_s > NOISY_ABOVE * self.median_s

    @property
    def threads(self) -> int | None:
        """CPU threads; None where the runtime has no such setting."""
        found: int | None = self.environment.fixed.get("threads")
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the times doubtful: noise, a clock that fell, throttling."""
        found = [] if self.steady else ["not steady after the warm-up"]
        if self.noisy:
            found.append(f"noisy: the middle half spans {self.iqr_s / self.median_s:.0%} of the median")
        before, after = (_clock(each) for each in (self.environment.before, self.environment.after))
        if after < _CLOCK_FELL * before:
            found.append("the processor's clock fell")
        if abs(self.clock_jumped_s) > _CLOCK_JUMPED_S:
            found.append(f"its wall clock jumped by {self.clock_jumped_s:.0f} s; times are of another clock")
        return (*found, *self._throttling())

    def _throttling(self) -> Iterable[str]:
        readings = (self.environment.before, self.environment.after)
        before, after = (_pi_bits(str(each.get("throttled", ""))) for each in readings)
        for bit, name in _PI.items():
            happened = after >> (bit + 16) & 1 and not before >> (bit + 16) & 1
            if after >> bit & 1 or happened:
                yield name

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data: what was measured, and what follows from it."""
        plain = {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }
        plain["environment"] = self.environment.to_json()
        derived = {
            key: getattr(self, key) for key in ("median_s", "p90_s", "p99_s", "min_s", "iqr_s", "noisy")
        }
        derived |= {"p50_s": self.median_s, "runs": len(self.times_s), "warnings": list(self.warnings)}
        return {"kind": "measured", **derived, **plain}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave; what follows from the rest is computed anew."""
        try:
            values = {item.name: data[item.name] for item in fields(cls) if item.name != "recipe"}
            for key in ("times_s", "warmup_s", "init_s", "first_s"):
                values[key] = tuple(values[key])
            values["recipe"] = None if data.get("recipe") is None else tuple(data["recipe"])
            values["environment"] = Environment.from_json(data["environment"])
        except (KeyError, TypeError, AttributeError) as error:
            raise EdgeCnnError(f"this is no measurement: {error} is missing or wrong") from error
        return cls(**values)


def _clock(readings: Mapping[str, Any]) -> float:
    """Return the highest clock of any core; endless where no core says it."""
    said = readings.get("clock_khz")
    return max(filter(is_number, said if isinstance(said, list) else []), default=float("inf"))


def _pi_bits(said: str) -> int:
    found = re.search(r"0x([0-9a-fA-F]{1,8})", said)
    return int(found[1], 16) if found else 0


def merge(parts: Sequence[Measurement]) -> Measurement:
    """Join the rounds of one measurement; raise `EdgeCnnError` where what matters differs between them."""
    first, last = parts[0], parts[-1]
    for each in parts[1:]:
        _same(first, each)
    joined = {
        key: tuple(value for part in parts for value in getattr(part, key))
        for key in ("times_s", "warmup_s", "init_s", "first_s")
    }
    environment = Environment(
        fixed=first.environment.fixed,
        before=first.environment.before,
        after=last.environment.after,
        peak_rss_bytes=max(part.environment.peak_rss_bytes for part in parts),
    )
    rest = {item.name: getattr(first, item.name) for item in fields(Measurement)}
    rest |= {"max_abs_error": max(part.max_abs_error for part in parts), "environment": environment}
    rest["clock_jumped_s"] = max((part.clock_jumped_s for part in parts), key=abs)
    return Measurement(**{**rest, **joined, "steady": all(part.steady for part in parts)})


def _same(one: Measurement, other: Measurement) -> None:
    for key in ("name", "artifact", "precision", "bundle_sha256", "device", "includes"):
        if getattr(one, key) != getattr(other, key):
            raise EdgeCnnError(
                f"{getattr(one, key)} and {getattr(other, key)} are not one measurement's {key}"
            )
    before, after = one.environment.fixed, other.environment.fixed
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            why = (
                "it was restarted" if key == "boot" else f"{key} was {before.get(key)}, then {after.get(key)}"
            )
            raise EdgeCnnError(
                f"{one.device} changed while {one.name} was measured: {why}; nothing was recorded, run it"
                " again"
            )


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated between the two values beside it."""
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])
