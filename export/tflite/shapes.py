"""Concat, Pad and Slice, with their axes where they lie in the file."""

from dataclasses import replace

import onnx_ir as ir

from edgecnn.export.tflite.layout import Held
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.parameters import integers, number, scalar
from edgecnn.export.tflite.program import FUSED, REFLECT
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute, output


@lowers("Concat", attributes="axis")
def lower_concat(node: ir.Node, graph: Lowering) -> None:
    """Write CONCATENATION; flattened images keep their blocks one after the other."""
    parts = [_part(node, place, graph) for place in range(len(node.inputs))]
    axis = attribute(node, "axis", 0) % len(parts[0].shape)
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    graph.expect(node, shape)
    blocks: tuple[tuple[int, int, int], ...] = ()
    if any(part.blocks for part in parts):
        if axis != 1:
            raise refuse(node, f"it joins flattened images along axis {axis}", "join them along axis 1")
        blocks = tuple(block for part in parts for block in part.blocks or ((part.shape[1], 1, 1),))
    axes = parts[0].axes
    inputs = [graph.arranged(node, part, axes).index for part in parts]
    options = {"axis": axes.index(axis), "fusedActivationFunction": FUSED["NONE"]}
    graph.produce("CONCATENATION", inputs, output(node), axes=axes, blocks=blocks, **options)


def _part(node: ir.Node, place: int, graph: Lowering) -> Held:
    """Return an input in the quantization of the result, which the kernel asks of all of them."""
    held = graph.value(node, place)
    return replace(held, index=graph.converted(held.index, graph.result))


@lowers("Pad", attributes="mode")
def lower_pad(node: ir.Node, graph: Lowering) -> None:
    """Write PAD, PADV2 for another value than 0, MIRROR_PAD for reflection."""
    held = _unflattened(node, graph)
    rank = len(held.shape)
    given = integers(node, 1) or []
    named = integers(node, 3) or list(range(rank))
    pads = dict.fromkeys(range(rank), (0, 0))
    for place, axis in enumerate(named):
        pads[axis % rank] = (given[place], given[place + len(given) // 2])
    if min(min(pair) for pair in pads.values()) < 0:
        raise refuse(node, "a negative pad cuts off", "use Slice")
    graph.expect(node, [size + sum(pads[axis]) for axis, size in enumerate(held.shape)])
    paddings = graph.shape_constant([pads[axis] for axis in held.axes])
    mode, fill = attribute(node, "mode", "constant"), number(node, 2, 0.0)
    if mode == "reflect":
        inputs: tuple[int, ...] = (held.index, paddings)
        graph.produce("MIRROR_PAD", inputs, output(node), axes=held.axes, mode=REFLECT)
    elif mode == "constant":
        inputs = (held.index, paddings)
        if fill:
            inputs += (scalar(graph, fill, graph.result),)
        graph.produce("PADV2" if fill else "PAD", inputs, output(node), axes=held.axes)
    else:
        raise refuse(node, f"TFLite has no mode={mode}", "use constant or reflect")


@lowers("Slice")
def lower_slice(node: ir.Node, graph: Lowering) -> None:
    """Write SLICE, or STRIDED_SLICE where a step is not 1."""
    held = _unflattened(node, graph)
    ranges = _ranges(node, held)
    graph.expect(node, [len(each) for each in ranges])
    ordered = [ranges[axis] for axis in held.axes]
    begin = graph.shape_constant([each.start for each in ordered])
    if all(each.step == 1 for each in ordered):
        size = graph.shape_constant([len(each) for each in ordered])
        graph.produce("SLICE", (held.index, begin, size), output(node), axes=held.axes)
        return
    end = graph.shape_constant([each.stop for each in ordered])
    steps = graph.shape_constant([each.step for each in ordered])
    graph.produce("STRIDED_SLICE", (held.index, begin, end, steps), output(node), axes=held.axes)


def _ranges(node: ir.Node, held: Held) -> list[range]:
    """Return, for each ONNX axis, the indices that are kept."""
    starts, ends = integers(node, 1) or [], integers(node, 2) or []
    axes = integers(node, 3) or list(range(len(starts)))
    steps = integers(node, 4) or [1] * len(starts)
    ranges = [range(size) for size in held.shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            raise refuse(node, f"a step of {step} reverses", "use positive steps")
        ranges[axis] = ranges[axis][start:end:step]
    return ranges


def _unflattened(node: ir.Node, graph: Lowering) -> Held:
    held = graph.value(node)
    if held.blocks:
        raise refuse(node, "it cuts into a flattened image", "put it before the Flatten")
    return held
