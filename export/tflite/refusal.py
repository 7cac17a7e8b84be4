"""The refusal of what a .tflite file cannot hold."""

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import describe


class UnsupportedOperatorError(EdgeCnnError):
    """An operator, or a use of one, that cannot be written to .tflite exactly."""


def refuse(node: ir.Node, why: str, remedy: str) -> UnsupportedOperatorError:
    """Return the error that names `node`, the reason and what to do."""
    return UnsupportedOperatorError(f"{describe(node)} cannot be written to .tflite: {why}; {remedy}")
