"""Zero padding before a convolution becomes the convolution's own.

Pad(p) → Conv(pads=q)   →   Conv(pads=p+q)
"""

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output


def merge_pads(graph: ir.Graph) -> int:
    """Merge, in place, each zero Pad that only convolutions read; return how many there were."""
    merged = 0
    for pad in [node for node in graph if node.op_type == "Pad"]:
        spatial = _spatial_zeros(pad)
        readers = [use.node for use in output(pad).uses()]
        usable = readers and all(_takes(node, pad) for node in readers)
        if spatial is None or not usable or output(pad).is_graph_output():
            continue
        for conv in readers:
            pads = [a + b for a, b in zip(attribute(conv, "pads", (0,) * len(spatial)), spatial, strict=True)]
            conv.attributes.add(ir.AttrInt64s("pads", pads))
            conv.replace_input_with(0, pad.inputs[0])
        graph.remove(pad, safe=True)
        merged += 1
    return merged


def _takes(conv: ir.Node, pad: ir.Node) -> bool:
    """Whether a node is a convolution of the padded map that counts its own padding in `pads`."""
    plain = conv.op_type == "Conv" and attribute(conv, "auto_pad", "NOTSET") in ("NOTSET", "VALID")
    return plain and conv.inputs[0] is output(pad) and output(pad) not in conv.inputs[1:]


def _spatial_zeros(pad: ir.Node) -> list[int] | None:
    """Return the padding of the spatial axes, begins then ends; None where there is more to it."""
    pads = constant(pad.inputs[1])
    value = constant(pad.inputs[2]) if len(pad.inputs) > 2 and pad.inputs[2] is not None else np.zeros(())
    if pads is None or value is None or np.any(value) or attribute(pad, "mode", "constant") != "constant":
        return None
    begins, ends = np.split(pads, 2)
    if begins[:2].any() or ends[:2].any() or (pads < 0).any():
        return None
    return [int(size) for size in (*begins[2:], *ends[2:])]
