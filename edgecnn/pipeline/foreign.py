"""Foreign graphs: one image in, NCHW, whatever the file has; nothing is guessed."""

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.export.parity import Parity, compare, require
from edgecnn.graph.layout import TO_FIRST, TO_LAST, check_layout, reads_nhwc, to_nchw
from edgecnn.graph.nodes import static_shape
from edgecnn.preprocessing import raw_preprocessing
from edgecnn.sample import sample_inputs


def in_nchw(
    graph: ir.Model, name: str, layout: str | None, *, weights: bool = True
) -> tuple[ir.Model, tuple[Parity, ...]]:
    """Return a canonical graph with NCHW images, and the parity with the given one where that had NHWC.

    Args:
        graph: of one image.
        name: of the file, for an error.
        layout: of its images; None says nothing, and takes NCHW unless the graph looks otherwise.
        weights: False where only costs are wanted, and nothing is run.

    Raises:
        EdgeCnnError: the input is no single image, or its layout is in doubt.
        VerificationError: the outputs of both forms differ.
    """
    check_layout(layout or "NCHW")
    source = graph.graph.inputs[0]
    shape = static_shape(source)
    if len(shape) != 4 or shape[0] != 1:
        raise EdgeCnnError(
            f"{name} takes input {list(shape)}; edgecnn takes one image (1, channels, height, width):"
            f" fix it with --input {source.name}:1x3x224x224"
        )
    if layout is None and weights and reads_nhwc(graph):
        raise EdgeCnnError(
            f"{name} takes {list(shape)} and turns it from NHWC to NCHW first; give --layout NHWC,"
            " or --layout NCHW to take it as it stands"
        )
    if layout != "NHWC":
        return graph, ()
    turned = to_nchw(graph)
    return turned, (_parity(graph, turned),) if weights else ()


def _parity(given: ir.Model, turned: ir.Model) -> Parity:
    """Return the parity of a graph of NHWC images and its NCHW form; raise where it does not hold."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    samples = sample_inputs(raw_preprocessing(*static_shape(turned.graph.inputs[0])[1:]), 0)
    outputs = OnnxRunner(given)(np.ascontiguousarray(samples.transpose(TO_LAST)))
    outputs = outputs.transpose(TO_FIRST) if outputs.ndim == len(TO_FIRST) else outputs
    parity = compare("nhwc → nchw", outputs, OnnxRunner(turned)(samples))
    require(parity, None)
    return parity
