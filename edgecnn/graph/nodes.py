"""Reading nodes: attributes with defaults, constant inputs, static shapes."""

from typing import Any, cast

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError


def attribute(node: ir.Node, name: str, default: Any) -> Any:
    """Return an attribute's Python value (int, float, str, or a tuple of them), or the default."""
    found = node.attributes.get(name)
    if found is None:
        return default
    value = found.value
    return tuple(value) if isinstance(value, (list, tuple)) else value


def constant(value: ir.Value | None) -> np.ndarray | None:
    """Return the array of an initializer, or None where the value is computed or absent."""
    if value is None or value.const_value is None:
        return None
    return value.const_value.numpy()


def static_shape(value: ir.Value) -> tuple[int, ...]:
    """Return the shape as integers; raise `EdgeCnnError` where a dimension is unknown."""
    sizes = None if value.shape is None else tuple(value.shape)
    if sizes is None or not all(type(size) is int for size in sizes):
        raise EdgeCnnError(
            f"the shape of {value.name!r} is {value.shape}, which is not fixed;"
            " fix the input with --input NAME:1x3x224x224"
        )
    return cast(tuple[int, ...], sizes)


def output(node: ir.Node) -> ir.Value:
    """Return the first output, the only one of every operator of the canonical graph."""
    return node.outputs[0]


def describe(node: ir.Node) -> str:
    """Name a node for an error: its operator and name."""
    operator = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    return f"{operator} node {node.name or output(node).name!r}"
