"""The table ONNX operator -> handler; a family of operators is one file of this package."""

from collections.abc import Callable
from dataclasses import dataclass

import onnx_ir as ir

from edgecnn.export.tflite.lowering import Lowering
from edgecnn.registry import Registry

Handler = Callable[[ir.Node, Lowering], None]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How an ONNX operator is written, and the attributes that its handler understands."""

    lower: Handler
    attributes: frozenset[str]


RULES: Registry[Rule] = Registry("ONNX operator", "edgecnn.export.tflite")


def lowers(operators: str, *, attributes: str = "") -> Callable[[Handler], Handler]:
    """Register a handler for ONNX operators; a node with any other attribute is refused."""

    def register(handler: Handler) -> Handler:
        for operator in operators.split():
            RULES.register(operator, Rule(lower=handler, attributes=frozenset(attributes.split())))
        return handler

    return register
