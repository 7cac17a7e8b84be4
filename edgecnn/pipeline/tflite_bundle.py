"""A bundle around a .tflite file that stands alone, so that a device can verify and measure it, too."""

from importlib.resources import files
from pathlib import Path

import numpy as np

import edgecnn.export.board
from edgecnn.errors import EdgeCnnError
from edgecnn.export.bundle import SAMPLE_INPUT, SAMPLE_OUTPUT, to_npy, write_bundle
from edgecnn.export.parity import LOSSLESS, response
from edgecnn.graph.tflite_file import read_tflite
from edgecnn.preprocessing import raw_preprocessing
from edgecnn.profile.tflite_profile import profile_tflite
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.sample import COUNT
from edgecnn.version import __version__

# Of how far the outputs move: kernels of another processor sum, and round, in another order.
_ALLOWED = {"fp32": LOSSLESS + 1e-3, "int8": 1e-1, "dynamic": 2e-1}
_IMAGE_RANK = 4


def write_tflite_bundle(file: Path, folder: Path, seed: int) -> None:
    """Write a bundle of a `.tflite` file, a sample drawn from a seed, and this host's outputs for it.

    Raises:
        EdgeCnnError: LiteRT cannot run the file here, or its outputs do not depend on its input.
    """
    data = file.read_bytes()
    try:
        runner = LitertRunner(data)
    except EdgeCnnError as error:
        raise EdgeCnnError(f"{file}: {error}") from error
    shape = runner.input_shape
    draw = np.random.default_rng(seed)
    given = draw.standard_normal((max(COUNT // shape[0], 1) * shape[0], *shape[1:]), dtype=np.float32)
    outputs = runner(given)
    moved = response(outputs)
    precision = precision_of_file(data)
    channels, height, width = shape[1:] if len(shape) == _IMAGE_RANK else (1, 1, 1)
    artifact = {
        "path": "model.tflite",
        "format": "tflite",
        "precision": precision,
        "layout": "NHWC",
        "max_abs_error_allowed": moved * _ALLOWED[precision],
    }
    manifest = {
        "edgecnn": __version__,
        "name": file.name,
        "model": {"spec": None, "weights": str(file.name)},
        "runtime": "litert",
        "seed": seed,
        "totals": profile_tflite(data).totals,
        "preprocessing": raw_preprocessing(channels, height, width).to_json(),
        "input": {"name": "input", "shape": list(shape)},
        "output": {"name": "output", "shape": [shape[0], *outputs.shape[1:]]},
        "artifacts": [artifact],
        "sample": {"input": SAMPLE_INPUT, "output": SAMPLE_OUTPUT},
    }
    script = (files(edgecnn.export.board) / "run.py").read_bytes()
    contents = {
        "model.tflite": data,
        SAMPLE_INPUT: to_npy(given),
        SAMPLE_OUTPUT: to_npy(outputs),
        "run.py": script,
    }
    write_bundle(folder, manifest, contents, force=False)


def precision_of_file(data: bytes) -> str:
    """Return `int8` where values are, `dynamic` where weights alone are, else `fp32`."""
    graph = read_tflite(data)
    layers = [each for each in graph.operators if each.name not in ("QUANTIZE", "DEQUANTIZE")]
    given = [graph.tensors[index] for each in layers for index in each.inputs if index >= 0]
    if any(graph.tensors[index].dtype == "int8" for each in layers for index in each.outputs):
        return "int8"
    return "dynamic" if any(each.dtype == "int8" and each.content is not None for each in given) else "fp32"
