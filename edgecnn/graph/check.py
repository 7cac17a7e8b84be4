"""Is the graph valid ONNX, with shapes that follow from its inputs?"""

import onnx_ir as ir

from edgecnn.errors import VerificationError
from edgecnn.graph import shapes
from edgecnn.graph.nodes import describe


def check(model: ir.Model) -> None:
    """Raise `VerificationError` unless the graph passes the ONNX checker and its own shapes are right.

    The model is not changed. Weights are not looked at: see `check_finite`.
    """
    from onnx.checker import ValidationError
    from onnx.shape_inference import InferenceError
    from onnx_ir.passes.common import CheckerPass

    _check_weights_have_their_shape(model)
    try:
        CheckerPass(full_check=True)(model.clone())  # it puts the weights of its argument in another order
    except (ValidationError, InferenceError, ir.passes.PassError) as error:
        raise VerificationError(f"the graph is not valid ONNX: {_root(error)}") from error
    _check_shapes_follow(model)


def _check_weights_have_their_shape(model: ir.Model) -> None:
    for name, value in model.graph.initializers.items():
        content = value.const_value
        if content is not None and value.shape is not None and tuple(content.shape) != tuple(value.shape):
            raise VerificationError(
                f"initializer {name!r} has shape {list(content.shape)}, declared {list(value.shape)}"
            )


def _check_shapes_follow(model: ir.Model) -> None:
    fresh = shapes.infer(model.clone())
    for node, inferred in zip(model.graph, fresh.graph, strict=True):
        for value, truth in zip(node.outputs, inferred.outputs, strict=True):
            if value.shape is not None and truth.shape is not None and value.shape != truth.shape:
                raise VerificationError(
                    f"{describe(node)} declares {value.shape} for {value.name!r}, and gives {truth.shape}"
                )


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:300]
