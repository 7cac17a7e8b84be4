"""`to_fp16`: the graph whose weights and activations are float16, with float32 inputs and outputs.

    w -> round_to_nearest_even(w, float16)        |w| <= 65504; below 2^-24 / 2 it becomes 0

Source: IEEE 754-2008, binary16.
"""

from collections.abc import Iterable

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import CheckerPass, ShapeInferencePass

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.nodes import describe

LARGEST = float(np.finfo(np.float16).max)  # 65504
SMALLEST_NORMAL = float(np.finfo(np.float16).smallest_normal)  # 2^-14

# Inputs that ONNX wants in float32 whatever the data is, by operator; at opset 13 a pair knows nothing else.
_PAIR = ("QuantizeLinear", "DequantizeLinear")
_FLOAT32_INPUTS = {"Resize": (1, 2), "Upsample": (1,), **dict.fromkeys(_PAIR, (0, 1))}


def to_fp16(model: ir.Model) -> ir.Model:
    """Return a copy in float16 whose inputs and outputs stay float32; the argument is unchanged.

    Pairs of QuantizeLinear and DequantizeLinear, their scales and weights stay as they are, between Casts.

    The metadata of the result says how many values lost precision to the range of float16:
    `edgecnn.fp16.flushed` became 0, `edgecnn.fp16.subnormal` kept fewer than 11 bits.

    Raises:
        EdgeCnnError: a weight is beyond float16's range, or the graph holds what cannot be converted.
    """
    _refuse_unconvertible(model)
    result = model.clone()
    losses = _convert_initializers(result.graph)
    for node in result.graph.all_nodes():
        _convert_outputs(node)
    for value in list(result.graph.inputs):
        _cast_input(result.graph, value)
    for node in list(result.graph):
        _cast_around_pair(result.graph, node)
    _cast_outputs(result.graph)
    for name, number in losses.items():
        result.metadata_props[f"edgecnn.fp16.{name}"] = str(number)
    _check(result)
    return result


def _refuse_unconvertible(model: ir.Model) -> None:
    for node in model.graph.all_nodes():
        if node.op_type == "Constant":
            raise EdgeCnnError(f"{describe(node)} cannot be converted to fp16; normalize the graph first")
    initializers = [value for value in model.graph.initializers.values() if _becomes_half(value)]
    beyond = [str(value.name) for value in initializers if _overflows(_float32(value))]
    if beyond:
        more = f" and {len(beyond) - 5} more" if len(beyond) > 5 else ""
        raise EdgeCnnError(
            f"{', '.join(beyond[:5])}{more} holds values beyond fp16's range of {LARGEST:.0f};"
            " export in fp32, or retrain with weight decay"
        )


def _becomes_half(value: ir.Value) -> bool:
    stay = all(use.idx in _FLOAT32_INPUTS.get(use.node.op_type, ()) for use in value.uses())
    return value.dtype == ir.DataType.FLOAT and not (value.uses() and stay)


def _float32(value: ir.Value) -> np.ndarray:
    if value.const_value is None:
        raise EdgeCnnError(f"initializer {value.name!r} has no values; export the network with its weights")
    return np.asarray(value.const_value.numpy(), np.float32)


def _halved(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float16)


def _overflows(values: np.ndarray) -> bool:
    return bool(np.any(np.isfinite(values) & ~np.isfinite(_halved(values))))


def _convert_initializers(graph: ir.Graph) -> dict[str, int]:
    losses = {"flushed": 0, "subnormal": 0}
    for value in list(graph.initializers.values()):
        if value.dtype != ir.DataType.FLOAT:
            continue
        values = _float32(value)
        half = _halved(values)
        kept_uses = [use for use in value.uses() if use.idx in _FLOAT32_INPUTS.get(use.node.op_type, ())]
        if kept_uses and len(kept_uses) == len(value.uses()):
            continue
        if kept_uses:
            _split_off(graph, value, kept_uses)
        losses["flushed"] += int(np.count_nonzero((values != 0) & (half == 0)))
        losses["subnormal"] += int(np.count_nonzero((half != 0) & (np.abs(half) < SMALLEST_NORMAL)))
        value.const_value = ir.Tensor(half, name=value.name)
        value.type = ir.TensorType(ir.DataType.FLOAT16)
    return losses


def _split_off(graph: ir.Graph, value: ir.Value, uses: Iterable[tuple[ir.Node, int]]) -> None:
    """Give the uses that need float32 an initializer of their own."""
    name = f"{value.name}.fp32"
    own = ir.Value(
        name=name, shape=value.shape, type=value.type, const_value=ir.Tensor(_float32(value), name=name)
    )
    graph.register_initializer(own)
    for node, index in uses:
        node.replace_input_with(index, own)


def _convert_outputs(node: ir.Node) -> None:
    if node.op_type in _PAIR:
        return
    target = node.attributes.get("to") if node.op_type == "Cast" else None
    if target is not None and target.as_int() == ir.DataType.FLOAT:
        node.attributes["to"] = ir.AttrInt64("to", ir.DataType.FLOAT16)
    for value in node.outputs:
        if value.dtype == ir.DataType.FLOAT:
            value.type = ir.TensorType(ir.DataType.FLOAT16)


def _cast_input(graph: ir.Graph, value: ir.Value) -> None:
    if value.dtype != ir.DataType.FLOAT or value.is_initializer():
        return
    uses = [use for use in value.uses() if use.node.op_type not in _PAIR]
    if not uses:
        return
    cast = _cast(value, ir.DataType.FLOAT16, f"{value.name}.fp16")
    for use in uses:
        use.node.replace_input_with(use.idx, cast.outputs[0])
    if len(graph):
        graph.insert_before(graph[0], cast)
    else:
        graph.append(cast)


def _cast_around_pair(graph: ir.Graph, node: ir.Node) -> None:
    """Let a QuantizeLinear read float32, and give float16 to what reads a DequantizeLinear."""
    source, result = node.inputs[0] if node.inputs else None, node.outputs[0]
    if node.op_type == "QuantizeLinear" and source is not None and source.dtype == ir.DataType.FLOAT16:
        cast = _cast(source, ir.DataType.FLOAT, f"{source.name}.fp32.for.{result.name}")
        graph.insert_before(node, cast)
        node.replace_input_with(0, cast.outputs[0])
    if node.op_type == "DequantizeLinear" and result.uses():
        uses = list(result.uses())
        cast = _cast(result, ir.DataType.FLOAT16, f"{result.name}.fp16")
        graph.insert_after(node, cast)
        for use in uses:
            use.node.replace_input_with(use.idx, cast.outputs[0])


def _cast_outputs(graph: ir.Graph) -> None:
    for index, value in enumerate(list(graph.outputs)):
        if value.dtype != ir.DataType.FLOAT16:
            continue
        name = value.name
        value.name = f"{name}.fp16"
        cast = _cast(value, ir.DataType.FLOAT, str(name))
        graph.append(cast)
        graph.outputs[index] = cast.outputs[0]


def _cast(value: ir.Value, to: ir.DataType, name: str) -> ir.Node:
    cast = ir.node("Cast", [value], {"to": int(to)}, name=f"{name}.cast")
    cast.outputs[0].name = name
    cast.outputs[0].shape = value.shape
    cast.outputs[0].type = ir.TensorType(to)
    return cast


def _check(model: ir.Model) -> None:
    """Refuse a result that ONNX's own type rules refuse."""
    try:
        CheckerPass(True)(
            ShapeInferencePass(check_type=True, strict_mode=True, data_prop=False)(model.clone()).model
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ir.passes.PassError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[-1]
        raise EdgeCnnError(f"this graph cannot be converted to fp16: {reason}; export it in fp32") from error
