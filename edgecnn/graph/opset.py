"""Bringing a graph to opset 13, which every TensorRT from 8.2 reads.

No library lowers an opset, so this table does it for the operators of convolutional networks. Older
graphs are raised by onnx's own converter.
"""

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.decompose import DECOMPOSED, decompose
from edgecnn.graph.nodes import attribute, constant, describe

OPSET = 13

# Same inputs, attributes and meaning at every opset from 13 to 23, as far as this tool reads them.
_UNCHANGED = frozenset(
    "Abs Add And ArgMax ArgMin Ceil Celu Clip Concat Constant Conv ConvTranspose Cos DepthToSpace Div Dropout"
    " Elu Equal Erf Exp Expand Flatten Floor Gather Gemm GlobalAveragePool GlobalMaxPool Greater"
    " GreaterOrEqual HardSigmoid Identity InstanceNormalization LRN LeakyRelu Less LessOrEqual Log LogSoftmax"
    " LpNormalization MatMul Max MaxPool Mean Min Mul Neg Not Or PRelu Pow Reciprocal ReduceSum Relu Round"
    " Selu Shape Sigmoid Sign Sin Slice Softmax Softplus Softsign SpaceToDepth Sqrt Squeeze Sub Sum Tanh"
    " ThresholdedRelu Tile Transpose Unsqueeze Where Xor".split()
)


def to_canonical_opset(model: ir.Model) -> ir.Model:
    """Return the model at opset 13; raise `EdgeCnnError` naming the first node that cannot be expressed."""
    version = model.opset_imports.get("", OPSET)
    if version < OPSET:
        return _raise_opset(model)
    for node in list(model.graph.all_nodes()):
        if node.domain:
            raise EdgeCnnError(f"{describe(node)} is of domain {node.domain!r}, which no board runtime knows")
        if version > OPSET and node.op_type not in _UNCHANGED:
            _lower(node, version)
    model.opset_imports[""] = OPSET
    return model


def _raise_opset(model: ir.Model) -> ir.Model:
    from onnx.version_converter import ConvertError, convert_version

    try:
        return ir.from_proto(convert_version(ir.to_proto(model), OPSET))
    except (ConvertError, RuntimeError) as error:
        raise EdgeCnnError(
            f"the graph is of opset {model.opset_imports['']} and onnx cannot raise it to 13"
        ) from error


def _lower(node: ir.Node, version: int) -> None:
    rule = _LOWER.get(node.op_type)
    if rule is None:
        raise EdgeCnnError(f"{describe(node)} of opset {version} has no known form at opset {OPSET}")
    rule(node)


def _drop(**neutral: object) -> Callable[[ir.Node], None]:
    """Drop attributes that opset 13 lacks, where they have the value that opset 13 implies."""

    def rule(node: ir.Node) -> None:
        for name, implied in neutral.items():
            if attribute(node, name, implied) != implied:
                raise EdgeCnnError(
                    f"{describe(node)} has {name}={attribute(node, name, None)}, unknown at opset {OPSET}"
                )
            node.attributes.pop(name, None)

    return rule


def _axes_to_attribute(node: ir.Node) -> None:
    """ReduceMean and its kin took `axes` as an attribute before opset 18."""
    if attribute(node, "noop_with_empty_axes", 0):
        raise EdgeCnnError(f"{describe(node)} has noop_with_empty_axes, unknown at opset {OPSET}")
    node.attributes.pop("noop_with_empty_axes", None)
    if len(node.inputs) < 2:
        return
    axes = constant(node.inputs[1])
    if axes is None and node.inputs[1] is not None:
        raise EdgeCnnError(f"{describe(node)} computes its axes; they must be constant")
    node.resize_inputs(1)
    if axes is not None:
        node.attributes.add(ir.AttrInt64s("axes", [int(axis) for axis in np.ravel(axes)]))


def _pad(node: ir.Node) -> None:
    if len(node.inputs) > 3 and node.inputs[3] is not None:
        raise EdgeCnnError(f"{describe(node)} pads chosen axes only, unknown at opset {OPSET}")
    node.resize_inputs(min(len(node.inputs), 3))


def _reshape(node: ir.Node) -> None:
    shape = constant(node.inputs[1])
    if attribute(node, "allowzero", 0) and (shape is None or 0 in shape):
        raise EdgeCnnError(f"{describe(node)} may reshape to a size of zero, unknown at opset {OPSET}")
    node.attributes.pop("allowzero", None)


def _split(node: ir.Node) -> None:
    """Opset 18 may give the number of parts, of which the last one may be smaller."""
    parts, shape = attribute(node, "num_outputs", None), node.inputs[0].shape if node.inputs[0] else None
    axis = attribute(node, "axis", 0)
    size = shape[axis] if shape is not None and axis < len(shape) else None
    if parts is not None and (not isinstance(size, int) or size % parts):
        raise EdgeCnnError(f"{describe(node)} splits {size} entries into {parts} parts; give their sizes")
    node.attributes.pop("num_outputs", None)


_LOWER: dict[str, Callable[[ir.Node], None]] = {
    "AveragePool": _drop(dilations=(1, 1)),
    "BatchNormalization": _drop(training_mode=0),
    "Cast": _drop(saturate=1, round_mode="up"),
    "Pad": _pad,
    "QuantizeLinear": _drop(saturate=1, output_dtype=0, block_size=0, precision=0),
    "DequantizeLinear": _drop(output_dtype=0, block_size=0),
    "Reshape": _reshape,
    "Resize": _drop(antialias=0, keep_aspect_ratio_policy="stretch"),
    "Split": _split,
    **dict.fromkeys(DECOMPOSED, decompose),
    **dict.fromkeys(
        "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd"
        " ReduceSumSquare".split(),
        _axes_to_attribute,
    ),
}
