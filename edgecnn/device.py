"""`DeviceProfile`: a board, or a family of boards, as data: what it has, what it runs, and who says so."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Self, TypeVar

from edgecnn.errors import EdgeCnnError, UnknownNameError

R = TypeVar("R")

RUNTIMES = ("litert", "tensorrt", "tflite-micro")
PRECISIONS = ("fp32", "fp16", "int8")
ACCELERATORS = ("dla",)

# What a reader has to be able to check: each of these, where it is given, has an entry in `sources`.
_SOURCED = (
    "soc",
    "cpu",
    "gpu",
    "memory_bytes",
    "flash_bytes",
    "memory_bandwidth_bytes_per_s",
    "peak_mult_adds_per_s",
    "opset",
    "precisions",
    "accelerators",
    "runtimes",
    "missing_operators",
)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FLAGS = {"fp16": "--fp16", "int8": "--int8"}
_ASKED_WITH = {"int8": "--int8 --calibrate DATA", "fp16": "--fp16"}


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """The processor: its cores, instruction set, highest clock, and whether it has the int8 dot product."""

    name: str
    isa: str
    dotprod: bool
    cores: int | None = None
    clock_hz: float | None = None

    def __post_init__(self) -> None:
        _positive("cpu", {"cores": self.cores, "clock_hz": self.clock_hz})


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """The graphics processor and its CUDA compute capability, such as `5.3`."""

    name: str
    sm: str


@dataclass(frozen=True, kw_only=True)
class RuntimeRelease:
    """A version of the runtime that the board can have, and the platform release that brings it."""

    name: str
    version: str
    platform: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """A board or a family of boards. What is not known from a source is None or empty, never a guess.

    Attributes:
        name: the target's name, such as `jetson-nano`.
        summary: one line for people.
        runtime: what runs the artifact there, one of `RUNTIMES`.
        precisions: what it can run, of `PRECISIONS`; for a family what every member can run.
        some_precisions: for a family, what some members can run, and the others need not.
        opset: the highest ONNX opset its oldest runtime reads; None where it reads no ONNX.
        soc: the chip.
        cpu: the processor.
        gpu: the graphics processor that the runtime uses.
        memory_bytes: the memory of the smallest model sold.
        flash_bytes: of a microcontroller, where its program and weights lie.
        memory_bandwidth_bytes_per_s: the highest memory bandwidth.
        peak_mult_adds_per_s: the peak rate by precision, dense, in multiply-adds.
        accelerators: further engines, of `ACCELERATORS`.
        runtimes: the releases that exist for it, oldest first.
        missing_operators: ONNX operators that its oldest runtime lacks and networks often use.
        refusals: why it does not run a precision, by precision.
        members: the devices that a family stands for.
        channel_multiple: channel counts of this multiple waste no lanes.
        sources: where each figure is from, by the name of the attribute: what was read for it, "derived:",
            "measured:", or "not checked:" where no document that was read states it.
    """

    name: str
    summary: str
    runtime: str
    precisions: tuple[str, ...]
    some_precisions: tuple[str, ...] = ()
    opset: int | None = None
    soc: str | None = None
    cpu: Cpu | None = None
    gpu: Gpu | None = None
    memory_bytes: int | None = None
    flash_bytes: int | None = None
    memory_bandwidth_bytes_per_s: float | None = None
    peak_mult_adds_per_s: Mapping[str, float] = field(default_factory=dict)
    accelerators: tuple[str, ...] = ()
    runtimes: tuple[RuntimeRelease, ...] = ()
    missing_operators: tuple[str, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    channel_multiple: int = 1
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise EdgeCnnError(f"{self.name!r} is no device name; write lower-case words joined by '-'")
        _among(f"{self.name}: runtime", [self.runtime], RUNTIMES)
        _among(f"{self.name}: precision", (*self.precisions, *self.some_precisions), PRECISIONS)
        _among(f"{self.name}: precision", (*self.peak_mult_adds_per_s, *self.refusals), PRECISIONS)
        _among(f"{self.name}: accelerator", self.accelerators, ACCELERATORS)
        _among(f"{self.name}: source of", self.sources, (*_SOURCED, "channel_multiple"))
        if not self.precisions:
            raise EdgeCnnError(f"{self.name}: precisions is empty; name at least one of {PRECISIONS}")
        _positive(self.name, {name: getattr(self, name) for name in _NUMBERS})
        _positive(f"{self.name}: peak_mult_adds_per_s", self.peak_mult_adds_per_s)
        unsourced = [name for name in _SOURCED if getattr(self, name) and name not in self.sources]
        if unsourced:
            raise EdgeCnnError(f"{self.name}: no source for {', '.join(unsourced)}; add it under [sources]")

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def is_family(self) -> bool:
        """Whether the profile stands for several devices."""
        return bool(self.members)

    @property
    def is_microcontroller(self) -> bool:
        """Whether it is a single chip that runs firmware: nothing is copied to it or started on it."""
        return self.runtime == "tflite-micro"

    def refuse(
        self, *, precision: str = "fp32", opset: int | None = None, operators: Iterable[str] = ()
    ) -> None:
        """Raise `EdgeCnnError`, with the reason and the next step, where the device cannot run this.

        Meant to be called before any work: it reads the profile only.
        """
        _among("precision", [precision], PRECISIONS)
        if precision not in (*self.precisions, *self.some_precisions):
            raise EdgeCnnError(self._precision_refusal(precision))
        if self.opset is not None and opset is not None and opset > self.opset:
            raise EdgeCnnError(
                f"{self.name} reads ONNX up to opset {self.opset} and the graph is at opset {opset};"
                f" export it with opset_version={self.opset}, or choose a target with a newer runtime"
                " (edgecnn list targets)"
            )
        missing = sorted(set(operators) & set(self.missing_operators))
        if missing:
            raise EdgeCnnError(
                f"{self.name} has no {', '.join(missing)} ({self._oldest()}); replace it in the network,"
                " or choose a target with a newer runtime (edgecnn list targets)"
            )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave, or a TOML table of the same keys; an unknown key is an error."""
        where = str(data.get("name", "a device"))
        values = _known_keys(cls, data, where)
        for key, record in (("cpu", Cpu), ("gpu", Gpu)):
            if values.get(key) is not None:
                values[key] = _record(record, values[key], f"{where}: {key}")
        releases = values.get("runtimes", ())
        values["runtimes"] = tuple(_record(RuntimeRelease, each, f"{where}: runtimes") for each in releases)
        for key in ("precisions", "some_precisions", "accelerators", "missing_operators", "members"):
            if key in values:
                values[key] = tuple(values[key])
        return _construct(cls, values, where)

    def _precision_refusal(self, precision: str) -> str:
        flag = _FLAGS.get(precision)
        other = next((name for name in self.precisions if name in _FLAGS), None)
        if other is None:
            advice = f"leave {flag} out"
        else:
            advice = f"give {_FLAGS[other]} instead of {flag}" if flag else f"give {_ASKED_WITH[other]}"
        reason = self.refusals.get(precision, f"it runs {', '.join(self.precisions)}")
        return f"{self.name} cannot run {precision}: {reason}; {advice}"

    def _oldest(self) -> str:
        if not self.runtimes:
            return self.runtime
        release = self.runtimes[0]
        return " ".join(
            filter(None, (release.name, release.version, release.platform and f"of {release.platform}"))
        )


_NUMBERS = ("opset", "memory_bytes", "flash_bytes", "memory_bandwidth_bytes_per_s", "channel_multiple")


def _positive(where: str, values: Mapping[str, float | None]) -> None:
    for name, value in values.items():
        usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")
        if value is not None and not usable:
            raise EdgeCnnError(f"{where}: {name}={value!r} is not a positive number")


def _among(kind: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    for name in given:
        if name not in allowed:
            raise UnknownNameError(kind, name, allowed)


def _known_keys(record: type, data: Mapping[str, Any], where: str) -> dict[str, Any]:
    allowed = [item.name for item in fields(record)]
    for key in data:
        if key not in allowed:
            raise UnknownNameError(f"key of {where}", key, allowed)
    return dict(data)


def _record(record: type[R], data: Mapping[str, Any], where: str) -> R:
    return _construct(record, _known_keys(record, data, where), where)


def _construct(record: type[R], values: Mapping[str, Any], where: str) -> R:
    missing = [name for name in _required(record) if name not in values]
    if missing:
        raise EdgeCnnError(f"{where}: {', '.join(missing)} is missing")
    return record(**values)


def _required(record: type) -> list[str]:
    return [
        item.name for item in fields(record) if item.default is MISSING and item.default_factory is MISSING
    ]
