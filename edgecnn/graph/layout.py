"""`to_nchw`: a graph whose images are NHWC, as those of TensorFlow, brought to NCHW.

    x (n, h, w, c) → Transpose(0, 3, 1, 2) → Conv   →   x (n, c, h, w) → Conv

A Transpose is put behind the input, and handed on past what works number by number, with the constants there
turned, until it meets the graph's own, which undoes it. What it does not meet stays where it is: the outputs
are right, and a runtime without a Transpose refuses it. An output of four axes is turned likewise.
"""

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.graph import shapes
from edgecnn.graph.nodes import attribute, constant, output, static_shape

LAYOUTS = ("NCHW", "NHWC")
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_AXES = 4
_MEAN = "ReduceMean"
_ALONG = ("LogSoftmax", "Softmax")
_OF_NCHW = frozenset(
    "AveragePool BatchNormalization Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalMaxPool"
    " InstanceNormalization LRN MaxPool SpaceToDepth".split()
)
_NUMBER_BY_NUMBER = frozenset(
    "Abs Add Cast Clip Div Elu Exp HardSigmoid LeakyRelu Mul Neg Relu Sigmoid Softplus Sqrt Sub Tanh".split()
)


def check_layout(layout: str) -> None:
    """Raise `UnknownNameError` unless it is `NCHW` or `NHWC`."""
    if layout not in LAYOUTS:
        raise UnknownNameError("layout", layout, LAYOUTS, hint=f"give {' or '.join(LAYOUTS)}")


def reads_nhwc(model: ir.Model) -> bool:
    """Say whether all that reads the input turns it from NHWC to NCHW first."""
    uses = tuple(model.graph.inputs[0].uses())
    return bool(uses) and all(_permutation(use.node) == TO_FIRST for use in uses)


def to_nchw(model: ir.Model) -> ir.Model:
    """Return a copy of a canonical graph of NHWC images that takes and gives NCHW; the names stay.

    Raises `EdgeCnnError` where the input has not four axes.
    """
    clone = model.clone()
    graph = clone.graph
    source = graph.inputs[0]
    shape = static_shape(source)
    if len(shape) != _AXES:
        raise EdgeCnnError(f"--layout NHWC is for images, and {source.name!r} has shape {list(shape)}")
    uses = tuple(source.uses())
    turned = _transpose(graph, source, TO_LAST, str(source.name))
    source.shape = ir.Shape([shape[axis] for axis in TO_FIRST])
    for use in uses:
        use.node.replace_input_with(use.idx, turned)
    _turn_output(graph)
    for node in list(graph):
        if node.graph is graph and _permutation(node) == TO_LAST:
            _hand_on(graph, node)
    return shapes.infer(clone)


def _hand_on(graph: ir.Graph, node: ir.Node) -> None:
    """Hand a Transpose to NHWC on past what reads it, in place, until one back takes it out."""
    value, turned = node.inputs[0], output(node)
    assert value is not None
    for use in tuple(turned.uses()):
        if _permutation(use.node) == TO_FIRST and not (
            value.is_graph_input() and use.node.outputs[0].is_graph_output()
        ):
            _bypass(graph, use.node, value)
    uses = tuple(turned.uses())
    if not uses:
        graph.remove(node, safe=True)
    elif len(uses) == 1 and _takes_nchw(uses[0].node, uses[0].idx):
        reader = uses[0].node
        reader.replace_input_with(uses[0].idx, value)
        graph.remove(node, safe=True)
        _rewrite(graph, reader, uses[0].idx)
        behind = tuple(output(reader).uses())
        if _leaves_no_map(reader):
            return
        after = _transpose(graph, output(reader), TO_LAST, str(output(reader).name))
        for use in behind:
            use.node.replace_input_with(use.idx, after)
        producer = after.producer()
        assert producer is not None
        _hand_on(graph, producer)


def _takes_nchw(node: ir.Node, place: int) -> bool:
    """Say whether a node that reads NHWC gives the same, turned, for NCHW, once its constants are."""
    others = [constant(other) for index, other in enumerate(node.inputs) if index != place and other]
    if node.domain or any(array is None or array.ndim > _AXES for array in others):
        return False
    if node.op_type == _MEAN and not attribute(node, "keepdims", 1):
        return set(_axes(node)) == {1, 2}  # of what has two axes left, they are the same two
    return not output(node).is_graph_output() and node.op_type in (_MEAN, *_NUMBER_BY_NUMBER, *_ALONG)


def _leaves_no_map(node: ir.Node) -> bool:
    return node.op_type == _MEAN and not attribute(node, "keepdims", 1)


def _axes(node: ir.Node) -> list[int]:
    """Return the axes that a ReduceMean takes away."""
    return [axis % _AXES for axis in attribute(node, "axes", range(_AXES))] if node.op_type == _MEAN else []


def _rewrite(graph: ir.Graph, node: ir.Node, place: int) -> None:
    """Turn the axes and the constants of a node that reads NCHW from now on, in place."""
    if node.op_type in _ALONG:
        node.attributes.add(ir.AttrInt64("axis", TO_LAST[attribute(node, "axis", -1) % _AXES]))
    if node.op_type == _MEAN:
        node.attributes.add(ir.AttrInt64s("axes", sorted(TO_LAST[axis] for axis in _axes(node))))
    for index, other in enumerate(node.inputs):
        if index != place and other is not None:
            node.replace_input_with(index, _turned_constant(graph, other))


def _bypass(graph: ir.Graph, node: ir.Node, value: ir.Value) -> None:
    """Take out a node that gives `value` back; where the graph returns it, the value gets its name."""
    result = output(node)
    if result.is_graph_output():
        name, result.name = result.name, f"{result.name}.dropped"
        value.name = name
    ir.convenience.replace_all_uses_with(result, value, replace_graph_outputs=True)
    graph.remove(node, safe=True)


def _turn_output(graph: ir.Graph) -> None:
    """Give an output of four axes that is NHWC as NCHW, under its name."""
    value = graph.outputs[0]
    if value.shape is None or len(value.shape) != _AXES or not _is_nhwc(value):
        return
    name, value.name = str(value.name), f"{value.name}.nhwc"
    turned = _transpose(graph, value, TO_FIRST, name)
    turned.name = name
    graph.outputs[0] = turned


def _is_nhwc(value: ir.Value) -> bool:
    """Say whether a value of a graph of NHWC images is NHWC: no operator of NCHW images gave it."""
    node = value.producer()
    while node is not None:
        if _permutation(node) is not None or node.op_type in _OF_NCHW:
            return _permutation(node) == TO_LAST
        computed = [each for each in node.inputs if each is not None and constant(each) is None]
        node = computed[0].producer() if computed else None
    return True


def _transpose(graph: ir.Graph, value: ir.Value, permutation: tuple[int, ...], name: str) -> ir.Value:
    """Add a Transpose behind a value and return its output, which nobody reads yet."""
    node = ir.node("Transpose", [value], {"perm": list(permutation)}, name=f"{name}.turned")
    output(node).name = f"{name}.turned"
    output(node).type = value.type
    producer = value.producer()
    if producer is None:
        graph.insert_before(graph[0], node)
    else:
        graph.insert_after(producer, node)
    return output(node)


def _turned_constant(graph: ir.Graph, value: ir.Value) -> ir.Value:
    """Return a constant that is broadcast over NHWC as one that is over NCHW."""
    array = constant(value)
    assert array is not None
    if array.size == 1:
        return value
    full = array.reshape((1,) * (_AXES - array.ndim) + array.shape).transpose(TO_FIRST)
    name = f"{value.name}.nchw"
    if name in graph.initializers:
        return graph.initializers[name]
    tensor = ir.Tensor(np.ascontiguousarray(full), name=name)
    made = ir.Value(
        name=name, shape=ir.Shape(full.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    graph.register_initializer(made)
    if len(value.uses()) <= 1:
        graph.initializers.pop(str(value.name))
    return made


def _permutation(node: ir.Node) -> tuple[int, ...] | None:
    """Return how a Transpose of four axes orders them; None for another node."""
    if node.op_type != "Transpose" or node.domain:
        return None
    return tuple(attribute(node, "perm", tuple(reversed(range(_AXES)))))
