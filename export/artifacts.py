"""`Artifact`: a file that a runtime reads, what runs it on this host, and how far off a board may be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.export.bundle import CALIBRATION_CACHE, SAMPLE_OUTPUT
from edgecnn.export.parity import LOSSLESS, Parity
from edgecnn.graph.save import to_bytes
from edgecnn.runtime import Runner

GRAPH = "model.onnx"

# What a board may add to an artifact's own error, as a fraction of the response: its kernels sum in another
# order. Of an int8 file it is no more than `_OTHER_KERNELS` times what its own hop allows, in steps: LiteRT's
# plain kernels, which round otherwise than XNNPACK's, were 0.4 to 2.7 times ONNX Runtime's own steps away
# (measured, nine networks).
_OTHER_KERNELS = 3
_BOARD = {"fp32": 1e-3, "fp16": 5e-2, "int8": 1e-1, "dynamic": 1e-1}


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One file that a runtime reads.

    Attributes:
        path: its name in the bundle.
        data: its bytes.
        format: `onnx` or `tflite`.
        precision: `fp32`, `fp16`, `int8`, or `dynamic` for int8 weights alone.
        layout: of its images, `NCHW` or `NHWC`.
        tolerance: the error allowed against the graph it was compiled from, as a fraction of the response.
        runner: runs it on this host.
        values: gives the intermediate values on one image, by name.
        operators: how often each of its operators occurs.
        quantized: whether it is compared with its graph in steps of the quantized values, each by each.
        expected: the file of the sample's outputs that it has to give.
        rest: `fp16` where that is what int8 leaves in float.
        layers: the precision asked of each layer with weights, where the runtime may choose another.
    """

    path: str
    data: bytes
    format: str
    precision: str
    layout: str
    tolerance: float
    runner: Runner
    values: Callable[[np.ndarray], dict[str, np.ndarray]]
    operators: Mapping[str, int] = field(default_factory=dict)
    quantized: bool = False
    expected: str = SAMPLE_OUTPUT
    rest: str = "fp32"
    layers: Mapping[str, str] = field(default_factory=dict)

    def describe(self, response: float, hop: Parity | None = None) -> dict[str, Any]:
        """Return the manifest's entry; the error allowed on a board is absolute there.

        `hop` is the comparison with the graph it was compiled from, which counted the steps of an int8 file.
        """
        allowed = (self.tolerance + _BOARD[self.precision]) * response
        if self.quantized and hop is not None:
            allowed = min(allowed, _OTHER_KERNELS * hop.tolerance)
        names = ["path", "format", "precision", "layout"]
        names += ["expected"] * (self.expected != SAMPLE_OUTPUT) + ["rest"] * (self.rest != "fp32")
        entry = {name: getattr(self, name) for name in names} | {"max_abs_error_allowed": allowed}
        return entry | ({"layers": dict(self.layers)} if self.layers else {})


def graph_artifact(
    model: ir.Model, path: str = GRAPH, precision: str = "fp32", tolerance: float = LOSSLESS
) -> Artifact:
    """Return the graph itself as an artifact, run by ONNX Runtime."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    names = [value.name or "" for node in model.graph for value in node.outputs]
    return Artifact(
        path=path,
        data=to_bytes(model),
        format="onnx",
        precision=precision,
        layout="NCHW",
        tolerance=tolerance,
        runner=OnnxRunner(model),
        values=lambda image: OnnxRunner(model, outputs=names).values(image),
        operators=_count(model),
    )


def _count(model: ir.Model) -> dict[str, int]:
    names = [node.op_type for node in model.graph]
    return {name: names.count(name) for name in sorted(set(names))}


def dla_artifact(response: float, lost: float) -> dict[str, Any]:
    """Return the manifest's entry of what a DLA is built from: the float graph, with scales beside it.

    A DLA rounds every tensor, by other rules than the int8 graph: it may lose twice what that one loses.

    Args:
        response: how far the outputs move between pictures.
        lost: how far the int8 graph's outputs are from the float graph's.
    """
    entry = {"path": GRAPH, "format": "onnx", "precision": "int8", "layout": "NCHW"}
    allowed = 2 * lost + _BOARD["int8"] * response
    return {**entry, "calibration": CALIBRATION_CACHE, "max_abs_error_allowed": allowed}
