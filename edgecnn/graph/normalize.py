"""From any ONNX graph to the canonical form that passes and compilers read."""

from collections.abc import Callable

import onnx_ir as ir
from onnx_ir.passes import common

from edgecnn.errors import EdgeCnnError
from edgecnn.graph import shapes
from edgecnn.graph.nodes import describe
from edgecnn.graph.opset import to_canonical_opset

_FLOW = ("If", "Loop", "Scan")


def normalize(model: ir.Model) -> ir.Model:
    """Return the canonical form of a model, which is left as it is.

    Functions are inlined, constants become initializers, identities and dead nodes go, names are unique,
    the opset is 13, every shape is inferred anew. Raises `EdgeCnnError` for control flow, for more than
    one input or output, for dynamic shapes and for operators of opset > 13 that opset 13 cannot express.
    """
    clone = model.clone()
    _refuse_control_flow(clone)
    for step in _STEPS:
        clone = step(clone).model
    clone = common.RemoveUnusedNodesPass()(to_canonical_opset(clone)).model  # inputs that became attributes
    _require_one_static_input(clone)
    clone.ir_version = min(clone.ir_version, 7)
    return shapes.infer(clone)


_STEPS: tuple[Callable[[ir.Model], ir.passes.PassResult], ...] = (
    common.InlinePass(),
    common.RemoveInitializersFromInputsPass(),
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
    common.IdentityEliminationPass(),
    common.RemoveUnusedNodesPass(),
    common.RemoveUnusedFunctionsPass(),  # type: ignore[no-untyped-call]
    common.RemoveUnusedOpsetsPass(),
    common.TopologicalSortPass(),
    common.NameFixPass(),
)


def _refuse_control_flow(model: ir.Model) -> None:
    for node in model.graph.all_nodes():
        if node.op_type in _FLOW and not node.domain:
            raise EdgeCnnError(f"{describe(node)} is control flow, which no board artifact can hold")


def _require_one_static_input(model: ir.Model) -> None:
    inputs, outputs = model.graph.inputs, model.graph.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise EdgeCnnError(
            f"the graph has {len(inputs)} inputs and {len(outputs)} outputs; one of each is supported"
        )
    (value,) = inputs
    if value.shape is None or not value.shape.is_static():
        raise EdgeCnnError(
            f"input {value.name!r} has shape {value.shape}; fix it with --input {value.name}:1x3x224x224"
        )
