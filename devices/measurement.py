"""`Measurement`: the latency of one artifact on one device, raw times and all that they depend on.

Quantiles are interpolated between the times beside them, as numpy's are: the median of an even number of
times is the mean of the middle two.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from edgecnn.devices.answers import is_duration, is_number, is_readings, is_text
from edgecnn.devices.conditions import clocks, throttling
from edgecnn.errors import EdgeCnnError

NOISY_ABOVE = 0.10  # interquartile range over median
_CLOCK_JUMPED_S = 1.0


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
class LayerTime:
    """How long a layer took, in seconds: the median of profiled inferences in each round."""

    layer: str
    medians_s: tuple[float, ...]

    def __post_init__(self) -> None:
        if not is_text(self.layer) or not self.medians_s or not all(map(_is_time, self.medians_s)):
            raise EdgeCnnError(
                f"layer {str(self.layer)[:80]!r}: its times are not one or more of 0 s and above"
            )

    @property
    def median_s(self) -> float:
        """Median of the rounds."""
        return quantile(self.medians_s, 0.50)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"layer": self.layer, "median_s": self.median_s, "medians_s": list(self.medians_s)}


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
        layers: where the runtime tells, how long each took in further inferences, which profiling slows.
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
    layers: tuple[LayerTime, ...] = ()
    environment: Environment
    recipe: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, (is_right, kind) in _KINDS.items():
            if not is_right(getattr(self, name)):
                raise EdgeCnnError(f"{str(self.name)[:80]}: {name} has to be {kind}")
        if self.max_abs_error > self.max_abs_error_allowed:
            raise EdgeCnnError(
                f"{self.name}: its outputs differ by {self.max_abs_error:.3g}, and"
                f" {self.max_abs_error_allowed:.3g} is allowed; wrong outputs have no latency"
            )

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
        found += clocks(self.environment.before, self.environment.after)
        if abs(self.clock_jumped_s) > _CLOCK_JUMPED_S:
            found.append(f"its wall clock jumped by {self.clock_jumped_s:.0f} s; times are of another clock")
        return (*found, *throttling(self.environment.before, self.environment.after))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data: what was measured, and what follows from it."""
        plain = {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }
        plain["environment"] = self.environment.to_json()
        plain["layers"] = [layer.to_json() for layer in self.layers]
        derived = {
            key: getattr(self, key) for key in ("median_s", "p90_s", "p99_s", "min_s", "iqr_s", "noisy")
        }
        derived |= {"p50_s": self.median_s, "runs": len(self.times_s), "warnings": list(self.warnings)}
        return {"kind": "measured", **derived, **plain}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave; what follows from the rest is computed anew."""
        try:
            values = {
                item.name: data[item.name] for item in fields(cls) if item.name not in ("layers", "recipe")
            }
            values["layers"] = tuple(
                LayerTime(layer=each["layer"], medians_s=tuple(each["medians_s"]))
                for each in data.get("layers", ())  # results of before there were any have none
            )
            values["recipe"] = data.get("recipe")
            values["environment"] = Environment.from_json(data["environment"])
        except KeyError as error:
            raise EdgeCnnError(f"{error} is missing") from error
        except (TypeError, AttributeError) as error:
            raise EdgeCnnError("it, its environment or its layers are of another kind") from error
        for key in ("times_s", "warmup_s", "init_s", "first_s", "recipe"):
            values[key] = tuple(values[key]) if isinstance(values[key], list) else values[key]
        return cls(**values)


def _is_time(value: Any) -> bool:
    return is_number(value) and value >= 0


def _is_count(value: Any) -> bool:
    return _is_time(value) and isinstance(value, int)


def _is_environment(value: Any) -> bool:
    if not isinstance(value, Environment) or not _is_count(value.peak_rss_bytes):
        return False
    threads = value.fixed.get("threads")
    return (threads is None or _is_count(threads)) and all(
        map(is_readings, (value.fixed, value.before, value.after))
    )


def _several(is_right: Callable[[Any], bool], least: int = 0) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and len(value) >= least and all(map(is_right, value))


def _or_none(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_right(value)


_TEXTS = ("name", "artifact", "precision", "bundle_sha256", "device", "date", "includes")
# What each field of a measurement has to be: it may come from a device, or from a file that anybody wrote.
_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(_TEXTS, (is_text, "a text")),
    "model": (_or_none(is_text), "a text, or none"),
    "recipe": (_or_none(_several(is_text)), "texts, or none"),
    "mult_adds": (_or_none(_is_count), "a count, or none"),
    **dict.fromkeys(
        ("times_s", "init_s", "first_s"), (_several(is_duration, 1), "one or more durations in seconds")
    ),
    "warmup_s": (_several(is_duration), "durations in seconds"),
    "steady": (lambda value: isinstance(value, bool), "true or false"),
    **dict.fromkeys(
        ("max_abs_error", "max_abs_error_allowed", "clock_jumped_s"), (is_number, "a finite number")
    ),
    "environment": (_is_environment, "what a runner says of it"),
}


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated between the two values beside it."""
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])
