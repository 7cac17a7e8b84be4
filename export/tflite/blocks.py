"""DepthToSpace and SpaceToDepth: channels become the pixels of a block, and back."""

import onnx_ir as ir

from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.graph.nodes import attribute, output


@lowers("DepthToSpace", attributes="blocksize mode")
def lower_depth_to_space(node: ir.Node, graph: Lowering) -> None:
    """Write DEPTH_TO_SPACE, where a pixel's place in its block is the slower part of the channel (DCR)."""
    image, size = graph.image(node), attribute(node, "blocksize", 1)
    mode = attribute(node, "mode", "DCR")
    if mode != "DCR" and image.shape[1] != size * size:  # of one channel out, both orders are the same
        raise refuse(
            node,
            f"TFLite orders the channels as mode=DCR, not {mode}",
            "put it right behind a convolution of its own, whose channels `fold` then orders",
        )
    n, channels, height, width = image.shape
    graph.expect(node, (n, channels // size**2, height * size, width * size))
    graph.produce("DEPTH_TO_SPACE", (image.index,), output(node), blockSize=size)


@lowers("SpaceToDepth", attributes="blocksize")
def lower_space_to_depth(node: ir.Node, graph: Lowering) -> None:
    """Write SPACE_TO_DEPTH."""
    image, size = graph.image(node), attribute(node, "blocksize", 1)
    n, channels, height, width = image.shape
    graph.expect(node, (n, channels * size**2, height // size, width // size))
    graph.produce("SPACE_TO_DEPTH", (image.index,), output(node), blockSize=size)
