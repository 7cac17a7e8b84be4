"""The registry of passes and what each of them promises."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import onnx_ir as ir

from edgecnn.calls import FIRST, Value
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a pass gives.

    Attributes:
        model: the new graph; a pass never writes to the one it was given.
        matched: at how many places it applied.
        note: what it did, or, where it matched nothing, why.
    """

    model: ir.Model
    matched: int
    note: str


def _allow(_settings: Mapping[str, Value]) -> None:
    return None


def _nothing(_settings: Mapping[str, Value]) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Pass:
    """A registered pass.

    Attributes:
        name: as it stands in a recipe.
        summary: one line.
        function: called as `function(model, **settings)`, with the graph that it must not change.
        lossless: whether outputs change by rounding alone; if not, `summary` states the loss.
        defaults: its settings.
        needs: which attributes of the `Context` it cannot do without.
        uses: which it makes use of where they are there.
        may_need: what of the `Context` it cannot do without, too, by its settings.
        after: passes that have to run before it; a recipe without them gets them.
        behind: passes one of which must have run, in the recipe or before the graph was written; unlike
            `after`, they are not inserted.
        once: whether it refuses a graph that it has changed already.
        check: raises `EdgeCnnError` for settings of the right type that mean nothing.
    """

    name: str
    summary: str
    lossless: bool
    function: Callable[..., Result]
    defaults: Mapping[str, Value]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    once: bool = False
    check: Callable[[Mapping[str, Value]], None] = _allow
    may_need: Callable[[Mapping[str, Value]], tuple[str, ...]] = _nothing

    def needed(self, settings: Mapping[str, Value]) -> tuple[str, ...]:
        """Return which attributes of the `Context` it cannot do without at these settings."""
        return (*self.needs, *self.may_need({**self.defaults, **settings}))

    @property
    def takes_context(self) -> bool:
        """Whether its function has a parameter named `context`."""
        return _CONTEXT in inspect.signature(self.function).parameters

    def named(self, settings: Mapping[str, Value]) -> dict[str, Value]:
        """Return settings with the one that was written without a key under the name of the first.

        Raises `EdgeCnnError` for a pass without settings, and for one that is given twice.
        """
        if FIRST not in settings:
            return dict(settings)
        first = next(iter(self.defaults), None)
        if first is None:
            raise EdgeCnnError(f"{self.name} has no settings; write {self.name}")
        if first in settings:
            raise EdgeCnnError(f"{self.name}: {first} is given twice, with and without its key")
        return {key or first: value for key, value in settings.items()}

    def check_settings(self, settings: Mapping[str, Value]) -> None:
        """Raise `EdgeCnnError` for a setting that the pass does not have or of another type."""
        for key, value in settings.items():
            if key not in self.defaults:
                raise UnknownNameError(f"setting of {self.name}", key, self.defaults)
            wanted = type(self.defaults[key])
            if not isinstance(value, wanted) and (wanted, type(value)) not in _READ_AS:
                raise EdgeCnnError(f"{self.name}: {key}={value} is not of type {wanted.__name__}")
        self.check({**self.defaults, **settings})


_CONTEXT = "context"
# What a number may also be meant as: 1 for 1.0, and 320 for "320" beside "320x240".
_READ_AS = ((float, int), (str, int))

PASSES: Registry[Pass] = Registry("pass", "edgecnn.quantize", hint="`edgecnn list passes` shows all")


def compression_pass(
    *,
    lossless: bool,
    needs: tuple[str, ...] = (),
    uses: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    behind: tuple[str, ...] = (),
    once: bool = False,
    check: Callable[[Mapping[str, Value]], None] = _allow,
    may_need: Callable[[Mapping[str, Value]], tuple[str, ...]] = _nothing,
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Return what registers a function as a pass under its own name; its keywords are its settings.

    A parameter named `context` gets a `Context` and is no setting.

    Args:
        lossless: whether outputs change by rounding alone; if not, the first line of its docstring says so.
        needs: which attributes of the `Context` it cannot do without: `images`, `training`, `labels`, ....
        uses: which it makes use of where they are there.
        after: passes that have to run before it; a recipe without them gets them.
        behind: passes one of which must have run before; they are not inserted.
        once: whether it refuses a graph that it has changed already.
        check: raises `EdgeCnnError` for settings of the right type that mean nothing.
        may_need: what of the `Context` it cannot do without, too, by its settings.
    """

    def register(function: Callable[..., Result]) -> Callable[..., Result]:
        parameters = dict(list(inspect.signature(function).parameters.items())[1:])
        parameters.pop(_CONTEXT, None)
        entry = Pass(
            name=function.__name__,
            summary=(inspect.getdoc(function) or "").split("\n")[0],
            lossless=lossless,
            function=function,
            defaults={name: parameter.default for name, parameter in parameters.items()},
            needs=needs,
            uses=uses,
            after=after,
            behind=behind,
            once=once,
            check=check,
            may_need=may_need,
        )
        PASSES.register(entry.name, entry)
        return function

    return register
