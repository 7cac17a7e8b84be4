"""Comparing a .tflite file with the Q/DQ graph that it was written from: what was asked, and what is there.

Asked is int8 of each layer whose input and weight come from DequantizeLinear, and of each other node that
lies between pairs: what it gives goes to QuantizeLinear. The reading here shares nothing with the writing.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import VerificationError
from edgecnn.export.tflite.readback import read_back
from edgecnn.graph.nodes import attribute, constant, describe, output
from edgecnn.graph.tflite_file import TfliteGraph, TfliteTensor, read_tflite

_Q, _DQ = "QuantizeLinear", "DequantizeLinear"
_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_ACTIVATIONS = ("Clip", "Relu")
_ROOM = 2**29


@dataclass(frozen=True, kw_only=True)
class LayerPrecision:
    """A node of the graph, and its precision as asked for and as found in the file (None: not there)."""

    node: str
    operator: str
    asked: str
    got: str | None


def layer_precisions(model: ir.Model, data: bytes) -> list[LayerPrecision]:
    """Return the precision of every node that computes, in the order of the graph."""
    found: dict[str, set[str]] = {}
    for name, kind in read_back(data).precisions.items():
        for each in {name, name.rpartition(":")[0]}:
            found.setdefault(each, set()).add(kind)
    return [
        LayerPrecision(
            node=describe(node),
            operator=node.op_type,
            asked="int8" if _asks_int8(node) else "float32",
            got=_got(node, found),
        )
        for node in model.graph
        if node.op_type not in (_Q, _DQ)
    ]


def check_precisions(model: ir.Model, data: bytes, allow_float: Collection[str] = ()) -> None:
    """Raise `VerificationError` where int8 was asked for and the file computes in float32.

    `allow_float` names the ONNX operators of which that is known and wanted, such as LRN.
    """
    for layer in layer_precisions(model, data):
        if layer.asked != "int8" or layer.operator in allow_float:
            continue
        if layer.got is None and layer.operator in _LAYERS:
            raise VerificationError(f"{layer.node} is not in the .tflite file")
        if layer.got not in (None, "int8"):
            raise VerificationError(
                f"asked for int8, but {layer.node} computes in {layer.got} in the .tflite file;"
                " keep that node in float32 when quantizing, or change it to a form with an int8 kernel"
            )


def check_grids(model: ir.Model, data: bytes) -> None:
    """Raise `VerificationError` where a scale or zero point of the file is not that of the graph."""
    file = read_tflite(data)
    tensors = {tensor.name: tensor for tensor in file.tensors}
    for node in model.graph:
        if node.op_type != _Q:
            continue
        tensor = next((tensors[name] for name in _names(node) if name in tensors), None)
        if tensor is None or tensor.dtype != "int8" or _same(tensor, node):
            continue
        if constant(node.inputs[0]) is None or not _makes_room(tensor, file):
            value = node.inputs[0]
            raise VerificationError(
                f"the .tflite file has another scale or zero point than the graph for"
                f" {value.name if value is not None else tensor.name!r}"
            )


def _names(node: ir.Node) -> Iterator[str]:
    """Give the names under which the int8 form of what a QuantizeLinear reads may be in the file."""
    name = str(node.inputs[0].name if node.inputs[0] is not None else "")
    yield f"{name}:int8"
    for use in output(node).uses():
        if output(use.node).is_graph_output():
            yield str(output(use.node).name)
    yield name


def _same(tensor: TfliteTensor, node: ir.Node) -> bool:
    scales, zeros = (constant(value) for value in (*node.inputs[1:3], None)[:2])
    assert scales is not None
    zeros = np.zeros(scales.shape, np.uint8) if zeros is None else zeros
    points = np.broadcast_to(zeros, scales.shape).astype(np.int64) - (128 if zeros.dtype == np.uint8 else 0)
    wanted = (scales.astype(np.float32) * _gain(node)).ravel().tolist()
    return list(tensor.scales) == wanted and list(tensor.zero_points) == points.ravel().tolist()


def _gain(node: ir.Node) -> np.float32:
    """Return the alpha of the Gemm that reads a weight, which its scales take in."""
    if constant(node.inputs[0]) is None:
        return np.float32(1)
    readers = [use.node for pair in output(node).uses() for use in output(pair.node).uses()]
    alphas = [attribute(reader, "alpha", 1.0) for reader in readers if reader.op_type == "Gemm"]
    return np.float32(alphas[0] if alphas else 1)


def _makes_room(tensor: TfliteTensor, file: TfliteGraph) -> bool:
    """Say whether a weight's scales are larger only where its bias would not fit into int32 otherwise."""
    index = next(place for place, each in enumerate(file.tensors) if each is tensor)
    for operator in file.operators:
        if index in operator.inputs[1:2] and len(operator.inputs) > 2:
            bias = file.tensors[operator.inputs[-1]].integers()
            return bias is not None and max(map(abs, bias)) >= _ROOM
    return False


def _asks_int8(node: ir.Node) -> bool:
    data = [value for value in node.inputs if value is not None and constant(value) is None]
    sources = [value.producer() for value in data]
    paired = [source is not None and source.op_type == _DQ for source in sources]
    if not data or not all(paired):
        return False
    if node.op_type in _LAYERS:
        return node.inputs[1] in data  # whose pair nobody would put there for float32
    return bool(_written(node)[-1].uses()) and all(
        use.node.op_type == _Q for use in _written(node)[-1].uses()
    )


def _written(node: ir.Node) -> list[ir.Value]:
    """Return the node's output, and that of the activation which alone reads it."""
    values = [output(node)]
    uses = tuple(output(node).uses())
    if len(uses) == 1 and uses[0].node.op_type in _ACTIVATIONS:
        values.append(output(uses[0].node))
    return values


def _got(node: ir.Node, found: Mapping[str, set[str]]) -> str | None:
    """Return the precision of whatever the file computes for a node: float32 where any of it is."""
    names = {str(value.name) for value in _written(node)}
    for value in _written(node):
        for use in value.uses():
            if use.node.op_type == _Q:
                names |= {str(output(each.node).name) for each in output(use.node).uses()}
    kinds = set().union(*(found.get(name, set()) for name in names))
    return None if not kinds else "int8" if kinds == {"int8"} else max(kinds - {"int8"})
