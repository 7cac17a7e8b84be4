"""What a bundle holds, and what its manifest says."""

import importlib.metadata
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.export.artifacts import dla_artifact
from edgecnn.export.bundle import CALIBRATION_CACHE, SAMPLE_INPUT, SAMPLE_OUTPUT, SAMPLE_OUTPUT_INT8, to_npy
from edgecnn.export.parity import response
from edgecnn.pipeline import microcontroller
from edgecnn.pipeline.network import Network
from edgecnn.pipeline.quantization import Order
from edgecnn.pipeline.verification import Verified
from edgecnn.profile import profile
from edgecnn.quantize.int8 import calibration_of
from edgecnn.runtime.micro_runner import PACKAGE, is_installed
from edgecnn.version import __version__

_TOOLS = ("torch", "onnx", "onnx-ir", "onnxruntime", "ai-edge-litert", "numpy")


def manifest(network: Network, ordered: Order, verified: Verified) -> dict[str, Any]:
    """Return what the bundle says of itself, but for its name and the seed."""
    before, after = profile(network.graph), profile(verified.steps[-1].after)
    hops = {parity.hop: parity for parity in verified.parity}
    moved = {name: response(outputs) for name, outputs in verified.outputs.items()}
    ends = {"input": network.graph.graph.inputs[0], "output": verified.steps[-1].after.graph.outputs[0]}
    return {
        "edgecnn": __version__,
        "model": {"spec": network.title, "weights": network.weights},
        "target": ordered.device.name,
        "runtime": ordered.device.runtime,
        "recipe": [*network.appended, *(str(step.call) for step in verified.steps)],
        "calibration": _calibration(ordered, verified.steps[-1].after),
        "versions": {tool: importlib.metadata.version(tool) for tool in _tools(verified)},
        "preprocessing": network.preprocessing.to_json(),
        "labels": None if network.labels is None else list(network.labels),
        "totals": {**before.totals, "parameters_folded": after.parameters},
        "parity": [parity.to_json() for parity in verified.parity],
        **{end: {"name": value.name, "shape": list(value.shape or ())} for end, value in ends.items()},
        "artifacts": [
            artifact.describe(moved[artifact.expected], hops.get(f"onnx → {artifact.path}"))
            for artifact in verified.artifacts
        ],
        "sample": {"input": SAMPLE_INPUT, "output": SAMPLE_OUTPUT},
        **_dla(verified, moved[SAMPLE_OUTPUT]),
        **({} if verified.footprint is None else {"microcontroller": verified.footprint.to_json()}),
    }


def _tools(verified: Verified) -> tuple[str, ...]:
    return (*_TOOLS, *([PACKAGE] if verified.footprint is not None and is_installed() else []))


def _dla(verified: Verified, moved: float) -> dict[str, Any]:
    if CALIBRATION_CACHE not in verified.compiled.scripts:
        return {}
    lost = float(np.abs(verified.outputs[SAMPLE_OUTPUT_INT8] - verified.outputs[SAMPLE_OUTPUT]).max())
    return {"dla": dla_artifact(moved, lost)}


def _calibration(ordered: Order, graph: ir.Model) -> dict[str, Any] | None:
    noted = calibration_of(graph)
    return None if noted is None else {"data": ordered.data, **noted}


def contents(network: Network, ordered: Order, verified: Verified) -> dict[str, bytes]:
    """Return the files of the bundle, by path."""
    return {
        **{artifact.path: artifact.data for artifact in verified.artifacts},
        SAMPLE_INPUT: to_npy(verified.samples),
        **{name: to_npy(outputs) for name, outputs in verified.outputs.items()},
        **verified.compiled.scripts,
        **_firmware(network, ordered, verified),
    }


def _firmware(network: Network, ordered: Order, verified: Verified) -> dict[str, bytes]:
    if verified.footprint is None:
        return {}
    model, moved = verified.artifacts[-1].data, response(verified.outputs[SAMPLE_OUTPUT])
    return microcontroller.firmware(
        network, ordered.device, model, verified.footprint, verified.samples, moved
    )
