"""The table ONNX operator → how it couples channels; a family of operators is one file of this package."""

from collections.abc import Callable
from dataclasses import dataclass

from edgecnn.quantize.dependency.kept import Kept
from edgecnn.quantize.dependency.site import Site
from edgecnn.registry import Registry

Trace = Callable[[Site], None]
Rewrite = Callable[[Kept], None]


def _nothing(_kept: Kept) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What an operator does to labels, and to its own settings once channels are gone.

    Attributes:
        trace: gives every output its labels, and ties those that have to stay together.
        rewrite: changes attributes and constants that count channels, in place.
    """

    trace: Trace
    rewrite: Rewrite = _nothing


RULES: Registry[Rule] = Registry("ONNX operator", "edgecnn.quantize.dependency")


def couples(operators: str, *, rewrite: Rewrite = _nothing) -> Callable[[Trace], Trace]:
    """Register what operators do to labels."""

    def register(function: Trace) -> Trace:
        for name in operators.split():
            RULES.register(name, Rule(trace=function, rewrite=rewrite))
        return function

    return register
