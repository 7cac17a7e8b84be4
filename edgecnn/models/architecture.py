"""`Architecture`: what the zoo knows of a network, and the registry of them."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError, UnknownNameError, nearest
from edgecnn.registry import Registry
from edgecnn.spec import ModelSpec, Res

Builder = Callable[..., nn.Module]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A registered network.

    Attributes:
        name: the name that people type.
        summary: one line.
        source: the paper.
        builder: makes the module from keywords; those it takes are the ones a spec may set.
        fixed: keywords that make the architecture what it is, such as its table of blocks.
        defaults: the value of each keyword, and `res`.
        choices: for options, the type or the allowed words.
        least_res: the smallest resolution at which every layer still has an input.
        contract_res: a small resolution for tests.
        check: raises `EdgeCnnError` for a complete spec that the architecture cannot be, such as a
            resolution between two that fit.
        from_foreign: renames and lays out weights that another library saved; leaves others as they are.
        variants: for an option and value such as `padding=same`, the defaults, and the `least_res`, that go
            with it instead.
    """

    name: str
    summary: str
    source: str
    builder: Builder
    fixed: Mapping[str, Any]
    defaults: Mapping[str, Any]
    choices: Mapping[str, Any]
    least_res: int
    contract_res: int
    check: Callable[[ModelSpec], None] | None = None
    from_foreign: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def complete(self, spec: ModelSpec) -> ModelSpec:
        """Return the spec with every default filled in; raise `EdgeCnnError` where it asks the impossible."""
        given = {key: getattr(spec, key) for key in ("width", "res", "classes", "in_channels")}
        for key in [key for key, value in given.items() if value is not None and key not in self.defaults]:
            raise EdgeCnnError(f"{self.name} has no {key}{self._allowed(key)}")
        for key, value in spec.options.items():
            self._check_option(key, value)
        options = {key: spec.options.get(key, self.defaults[key]) for key in self.choices}
        defaults = self._defaults_with(options)
        values = {key: defaults.get(key) if value is None else value for key, value in given.items()}
        res = values["res"]
        assert isinstance(res, Res)
        if min(res.height, res.width) < defaults["least_res"]:
            raise EdgeCnnError(f"{self.name} needs res of at least {defaults['least_res']}, not {res}")
        whole = ModelSpec(arch=self.name, options=options, **values)
        if self.check:
            self.check(whole)
        return whole

    def build(self, spec: ModelSpec, device: str = "cpu") -> nn.Module:
        """Return the module of a complete spec, in evaluation mode; on `meta` no weight is allocated."""
        keywords: dict[str, Any] = {**spec.options, **self.fixed}
        for key in inspect.signature(self.builder).parameters:
            keywords.setdefault(key, getattr(spec, key, None))
        with torch.device(device):
            return self.builder(**keywords).eval()

    def _defaults_with(self, options: Mapping[str, Value]) -> dict[str, Any]:
        defaults: dict[str, Any] = {**self.defaults, "least_res": self.least_res}
        for key, value in options.items():
            defaults |= self.variants.get(f"{key}={value}", {})
        return defaults | {"res": Res.parse(defaults["res"])}

    def _check_option(self, key: str, value: Value) -> None:
        if key not in self.choices:
            raise EdgeCnnError(f"{self.name} has no option {key!r}{self._allowed(key)}")
        allowed = self.choices[key]
        if isinstance(allowed, type):
            if type(value) is not allowed and (allowed, type(value)) != (float, int):
                raise EdgeCnnError(f"{self.name}: {key}={value} is not of type {allowed.__name__}")
        elif value not in allowed:
            raise UnknownNameError(f"{key} of {self.name}", value, map(str, allowed))

    def _allowed(self, key: str) -> str:
        return nearest(key, self.defaults)


_COMMON = ("width", "classes", "in_channels", "res")

ARCHITECTURES: Registry[Architecture] = Registry(
    "model", "edgecnn.models", hint="`edgecnn list models` shows all"
)


def architecture(
    *,
    res: int | tuple[int, int],
    least_res: int,
    contract_res: int,
    source: str,
    name: str | None = None,
    summary: str | None = None,
    check: Callable[[ModelSpec], None] | None = None,
    from_foreign: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict,
    variants: Mapping[str, Mapping[str, Any]] | None = None,
    **fixed: Any,
) -> Callable[[Builder], Builder]:
    """Register a builder; its keywords with their annotations and defaults are what a spec may set.

    A family of networks is one builder registered once for each row of its table, under `name` and with
    the row as `fixed` keywords; a default that differs from the builder's is given as `defaults={...}`.

    Args:
        res: the paper's resolution, or (height, width).
        least_res: the smallest at which every layer still has an input.
        contract_res: a small one for tests.
        source: the paper.
        name: by default the builder's.
        summary: by default the first line of the builder's docstring.
        check: raises `EdgeCnnError` for a complete spec that cannot be built.
        from_foreign: turns weights of another library into ours.
        variants: defaults that go with the value of an option: `{"padding=same": {"res": 512}}`.
        fixed: keywords that the builder gets and nobody may set.

    Returns:
        A decorator that leaves the builder as it is.
    """

    def register(builder: Builder) -> Builder:
        own: dict[str, Any] = fixed.pop("defaults", {})
        entry = Architecture(
            name=name or builder.__name__,
            summary=summary or (inspect.getdoc(builder) or "").split("\n")[0],
            source=source,
            builder=builder,
            fixed=fixed,
            defaults=_defaults(builder, fixed) | {"res": Res(*_pair(res))} | own,
            choices=_options(builder, fixed),
            least_res=least_res,
            contract_res=contract_res,
            check=check,
            from_foreign=from_foreign,
            variants=variants or {},
        )
        ARCHITECTURES.register(entry.name, entry)
        return builder

    return register


def _defaults(builder: Builder, fixed: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(builder).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.name not in fixed}


def _options(builder: Builder, fixed: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(builder)
    parameters = inspect.signature(builder).parameters
    settable = [key for key in parameters if key not in _COMMON and key not in fixed]
    return {key: _choices(hints[key]) for key in settable}


def _choices(hint: Any) -> Any:
    return get_args(hint) if get_origin(hint) is Literal else hint


def _pair(res: int | tuple[int, int]) -> tuple[int, int]:
    return (res, res) if isinstance(res, int) else res


def complete(spec: ModelSpec) -> ModelSpec:
    """Return the spec with the defaults of its architecture filled in.

    Args:
        spec: the network, None where it is to have its default.

    Raises:
        EdgeCnnError: there is no such architecture, or it cannot be what the spec asks.
    """
    return ARCHITECTURES[spec.arch].complete(spec)


def build(spec: ModelSpec, device: str = "cpu") -> nn.Module:
    """Return the network of a spec, in evaluation mode.

    Args:
        spec: the network; what it leaves open gets its default.
        device: torch's; with `meta` no weight is allocated.

    Raises:
        EdgeCnnError: there is no such architecture, or it cannot be what the spec asks.
    """
    entry = ARCHITECTURES[spec.arch]
    return entry.build(entry.complete(spec), device)


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Return channels rounded to the nearest multiple of a divisor, never down by more than 10 %.

    Args:
        channels: as the width makes them.
        divisor: what the result is a multiple of, and at least.

    Source: TF-slim's MobileNet; at widths 1, 0.75, 0.5 and 0.25 of the zoo nothing is rounded.
    """
    rounded = max(divisor, math.floor(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor
