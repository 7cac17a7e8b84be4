"""Fully connected layers as convolutions, so that a classifier slides over an image of any size.

    Σ_(c,i,j) W[o, (c, i, j)] x[c, i, j] + b_o   =   Conv(x, W reshaped to (o, c, h, w)) + b     at one place

before: (n, c, h, w) → Flatten → Gemm → Relu → Gemm; after: Conv h x w → Relu → Conv 1x1, whose output is a
map: 1 x 1 at the old size, and at a larger one the scores of the old network for each window of the image, a
stride apart. A global average becomes the average over a window of the old map. Zero padding inside the
network stands at the border of the larger image, no longer at that of each window.
Source: Sermanet et al. 2014, arXiv:1312.6229, §3.5; Long et al. 2015, arXiv:1411.4038, §3.1.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError
from edgecnn.graph import shapes
from edgecnn.graph.nodes import attribute, constant, describe, output, static_shape
from edgecnn.quantize.initializers import free_name, register
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.spec import Res

_VIEWS = frozenset({"Flatten", "Reshape", "Squeeze"})
_POINTWISE = frozenset(
    "Relu LeakyRelu Clip Sigmoid Tanh Elu Selu HardSigmoid HardSwish Softplus Dropout Identity"
    " BatchNormalization Softmax LogSoftmax".split()
)


def _check(settings: Mapping[str, Value]) -> None:
    if settings["res"] != "":
        Res.parse(settings["res"])


@compression_pass(lossless=False, check=_check)
def fully_convolutional(model: ir.Model, *, res: str = "") -> Result:
    """Make fully connected layers convolutions, for any input size: the output becomes a map of scores.

    Args:
        model: a classifier.
        res: height x width of the new input, at least the old one's; without it the old one.
    """
    clone = model.clone()
    graph = clone.graph
    maps = _Maps(graph)
    for node in list(graph):
        maps.convert(node)
    for value in graph.outputs:
        if value in maps.flat:
            raise EdgeCnnError("the graph returns what it flattens; there is no map to return in its place")
    if res != "":
        _resize(graph, Res.parse(res))
    for value in graph.outputs:
        value.shape = None
    try:
        shapes.infer(clone)
    except EdgeCnnError as error:
        raise EdgeCnnError(f"the graph does not fit an input of {res}: {error}") from error
    none = "the graph has no fully connected layer behind a map"
    note = f"{maps.converted} fully connected layers are convolutions" if maps.converted else none
    return Result(model=clone, matched=maps.converted, note=note)


class _Maps:
    """Which values were vectors and are maps now."""

    def __init__(self, graph: ir.Graph) -> None:
        self._graph, self.converted = graph, 0
        self.flat: dict[ir.Value, ir.Value] = {}  # a flattened value, and the map that it was
        self._vectors: set[ir.Value] = set()  # maps, 1 x 1 at the old size, that were (n, features)

    def convert(self, node: ir.Node) -> None:
        """Rewrite a node that flattens, or that reads what was flattened."""
        source = node.inputs[0] if node.inputs else None
        if source is None:
            return
        if source in self._vectors and node.op_type in _VIEWS and len(static_shape(output(node))) == 2:
            self._bypass(node, source)
        elif node.op_type in _VIEWS and _flattens(node) and self._leads_on(node):
            self.flat[output(node)] = source
        elif source in self.flat or source in self._vectors:
            self._dense_or_pointwise(node, source)

    def _leads_on(self, node: ir.Node) -> bool:
        value = output(node)
        averaged = _average(node)
        if averaged is not None:
            self._window(averaged)
            self._bypass(node, node.inputs[0])  # type: ignore[arg-type]
            return False
        return any(use.node.op_type == "Gemm" for use in value.uses())

    def _window(self, pool: ir.Node) -> None:
        """Make a global average the average over a window of the map's size."""
        source = pool.inputs[0]
        assert source is not None
        sizes = static_shape(source)[2:]
        window = ir.node(
            "AveragePool", [source], {"kernel_shape": list(sizes), "strides": [1, 1]}, name=pool.name
        )
        old = output(pool)
        ir.convenience.replace_nodes_and_values(self._graph, pool, [pool], [window], [old], window.outputs)

    def _bypass(self, node: ir.Node, source: ir.Value) -> None:
        """Drop a node that flattens a map of one place."""
        source = node.inputs[0] or source
        old = output(node)
        if old.is_graph_output():
            same = ir.node("Identity", [source], name=node.name)
            ir.convenience.replace_nodes_and_values(self._graph, node, [node], [same], [old], same.outputs)
            return
        ir.convenience.replace_all_uses_with(old, source)
        self._graph.remove(node, safe=True)
        self._vectors.add(source)

    def _dense_or_pointwise(self, node: ir.Node, source: ir.Value) -> None:
        if node.op_type == "Gemm":
            self._convolution(node, source)
        elif node.op_type in _POINTWISE and source in self._vectors:
            if node.op_type in ("Softmax", "LogSoftmax"):
                node.attributes.add(ir.AttrInt64("axis", 1))
            output(node).shape = None
            self._vectors.add(output(node))
        else:
            raise EdgeCnnError(f"{describe(node)} reads a vector of features and has no form on a map")

    def _convolution(self, node: ir.Node, source: ir.Value) -> None:
        weight, bias = (constant(value) for value in (node.inputs[1], (*node.inputs, None)[2]))
        computed = weight is None or (len(node.inputs) > 2 and node.inputs[2] is not None and bias is None)
        if computed or weight is None or attribute(node, "transA", 0):
            raise EdgeCnnError(f"{describe(node)} has a weight that is computed, or a transposed input")
        rows = weight if attribute(node, "transB", 0) else weight.T
        image = self.flat.get(source, source)
        kernel = static_shape(image)[1:] if source in self.flat else (rows.shape[1], 1, 1)
        filters = (rows * attribute(node, "alpha", 1.0)).reshape(rows.shape[0], *kernel).astype(weight.dtype)
        inputs = [image, self._weight(node, 1, filters)]
        if bias is not None:
            shift = np.broadcast_to(np.ravel(bias) * attribute(node, "beta", 1.0), (rows.shape[0],))
            inputs.append(self._weight(node, 2, shift.astype(weight.dtype)))
        old = output(node)
        conv = ir.node("Conv", inputs, {"kernel_shape": list(kernel[1:])}, name=node.name)
        ir.convenience.replace_nodes_and_values(self._graph, node, [node], [conv], [old], conv.outputs)
        made = output(conv)
        made.shape = None
        self._vectors.add(made)
        self.converted += 1
        flat = source.producer()
        if source in self.flat and flat is not None and not source.uses() and not source.is_graph_output():
            self._graph.remove(flat, safe=True)
            del self.flat[source]

    def _weight(self, node: ir.Node, index: int, array: np.ndarray) -> ir.Value:
        """Register a weight, under its old name where nobody else reads that."""
        old = node.inputs[index]
        assert old is not None
        name = str(old.name)
        if len(old.uses()) == 1 and not old.is_graph_output():
            self._graph.initializers.pop(name, None)
        return register(self._graph, free_name(self._graph, name), array, old)


def _flattens(node: ir.Node) -> bool:
    source = node.inputs[0]
    assert source is not None
    before, after = static_shape(source), static_shape(output(node))
    return len(before) == 4 and after == (before[0], prod(before[1:]))


def _average(node: ir.Node) -> ir.Node | None:
    """Return the global average pooling that alone stands before a node."""
    source = node.inputs[0]
    pool = None if source is None else source.producer()
    alone = source is not None and len(source.uses()) == 1 and not source.is_graph_output()
    return pool if alone and pool is not None and pool.op_type == "GlobalAveragePool" else None


_TO_THE_END = np.iinfo(np.int64).max
_SIZED = frozenset({"Reshape", "Expand", "Tile", "Flatten"})


def _resize(graph: ir.Graph, res: Res) -> None:
    """Give the graph an input of another size; refuse what spells out the size of a map."""
    (image,) = graph.inputs
    sizes = static_shape(image)
    if res.height < sizes[2] or res.width < sizes[3]:
        raise EdgeCnnError(f"res={res} is smaller than the network's own {sizes[2]}x{sizes[3]}")
    if (res.height, res.width) == sizes[2:]:
        return
    for node in graph:
        if node.op_type == "Slice":
            _open_slice(graph, node)
        elif node.op_type in _SIZED or (node.op_type == "Resize" and len(node.inputs) > 3):
            raise EdgeCnnError(f"{describe(node)} spells out the size of a map; leave out res")
    image.shape = ir.Shape((*sizes[:2], res.height, res.width))


def _open_slice(graph: ir.Graph, node: ir.Node) -> None:
    """Let a slice that goes on to the last row do so in a larger map, too."""
    source, ends = node.inputs[0], constant(node.inputs[2])
    axes = constant(node.inputs[3]) if len(node.inputs) > 3 else None
    if ends is None or source is None:
        raise EdgeCnnError(f"{describe(node)} computes where it ends")
    opened = ends.copy()
    for place, axis in enumerate(range(len(ends)) if axes is None else axes):
        if int(axis) % 4 >= 2:
            if ends[place] < static_shape(source)[int(axis)]:
                raise EdgeCnnError(f"{describe(node)} cuts a map at {ends[place]}; leave out res")
            opened[place] = _TO_THE_END
    old = node.inputs[2]
    node.replace_input_with(2, register(graph, free_name(graph, f"{output(node).name}.ends"), opened, old))
    if old is not None and not old.uses():
        graph.initializers.pop(str(old.name), None)
