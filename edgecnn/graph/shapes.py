"""Shape inference that never keeps a stale shape."""

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError


def infer(model: ir.Model) -> ir.Model:
    """Set the shape of every computed value anew, from the inputs on, in place; return the model.

    The shapes that are there are dropped first: onnx's inference keeps them even where they are wrong.
    Raises `EdgeCnnError` where shapes contradict each other.
    """
    from onnx.shape_inference import InferenceError
    from onnx_ir.passes.common import ShapeInferencePass

    for node in model.graph.all_nodes():
        for value in node.outputs:
            value.shape = None
    initializers = list(model.graph.initializers.values())
    try:
        ShapeInferencePass()(model)
    except (InferenceError, ir.passes.PassError) as error:
        raise EdgeCnnError(f"the shapes of the graph contradict each other: {_sentence(error)}") from error
    finally:
        # The pass takes big weights out and puts them back at the end; their order decides the file's bytes.
        model.graph.initializers.clear()
        for value in initializers:
            model.graph.initializers.add(value)
    return model


def _sentence(error: BaseException) -> str:
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    return " ".join(str(root).split())[:300]
