"""DepthToSpace of mode CRD behind a convolution becomes one of mode DCR.

    Conv(w) → DepthToSpace(CRD)   →   Conv(w') → DepthToSpace(DCR)        w'[p C + c] = w[c b² + p]

c is one of C channels out, p the place of a pixel in its block of b x b. Both orders say the same; PyTorch's
PixelShuffle is CRD, and TFLite knows DCR alone. Source: ONNX operator schema, DepthToSpace.
"""

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, constant, output
from edgecnn.quantize.channels import layer

_CRD = "CRD"


def order_by_place(graph: ir.Graph) -> int:
    """Reorder, in place, the channels of each convolution that a CRD DepthToSpace alone reads; count them."""
    changed = 0
    for node in list(graph):
        conv = _convolution_before(node) if node.op_type == "DepthToSpace" else None
        found = None if conv is None else layer(conv)
        if found is None:
            continue
        places = attribute(node, "blocksize", 1) ** 2
        order = np.arange(len(found.weight)).reshape(-1, places).T.ravel()  # new channel → old one
        found.reordered(order).write(graph)
        node.attributes.add(ir.AttrString("mode", "DCR"))
        changed += 1
    return changed


def _convolution_before(node: ir.Node) -> ir.Node | None:
    """Return the plain convolution that a CRD DepthToSpace alone reads, or None."""
    source = node.inputs[0]
    conv = None if source is None else source.producer()
    if attribute(node, "mode", "DCR") != _CRD or conv is None or conv.op_type != "Conv":
        return None
    alone = len(output(conv).uses()) == 1 and not output(conv).is_graph_output()
    plain = alone and attribute(conv, "group", 1) == 1 and constant(conv.inputs[1]) is not None
    return conv if plain else None
