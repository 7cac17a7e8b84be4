"""The table ONNX operator → function of torch; a family of operators is one file of this package."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgecnn.registry import Registry
from edgecnn.trainable.site import Site

# Called with the node's inputs, in order, less those that the handler has read as settings.
Function = Callable[..., Any]
Handler = Callable[[Site], Function]
BatchRule = Callable[[Site], int]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """How a node of an operator becomes a function of tensors.

    Attributes:
        build: reads attributes and settings once, and returns what runs at every step.
        batch: where the output has its batch axis, given where the inputs have theirs.
        attributes: those that `build` understands; a node with any other is refused.
        spreads: whether the function returns a tuple, one tensor for each output.
    """

    build: Handler
    batch: BatchRule
    attributes: frozenset[str]
    spreads: bool = False


OPERATORS: Registry[Operator] = Registry("ONNX operator", "edgecnn.trainable")


def runs(
    operators: str, *, batch: BatchRule, attributes: str = "", spreads: bool = False
) -> Callable[[Handler], Handler]:
    """Register a handler for ONNX operators."""
    known = frozenset(attributes.split())

    def register(handler: Handler) -> Handler:
        for name in operators.split():
            operator = Operator(build=handler, batch=batch, attributes=known, spreads=spreads)
            OPERATORS.register(name, operator)
        return handler

    return register


def apply(operators: str, function: Function, *, batch: BatchRule) -> None:
    """Register a torch function for operators without attributes that it computes as it is."""
    runs(operators, batch=batch)(lambda _site: function)
