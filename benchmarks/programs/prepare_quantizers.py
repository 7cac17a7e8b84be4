"""Write what all quantizers of a network read. Arguments: MODEL WEIGHTS MEAN STD DATA COUNT SEED FOLDER.

The folded float graph as `.onnx` and as `.tflite`, COUNT training pictures to calibrate with, drawn by
SEED, the held-out pictures, their labels, and the float network's outputs, in ONNX's layout. DATA is a data
set, or the training and the held-out one joined by a comma; WEIGHTS, MEAN and STD may be empty.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from edgecnn.calls import parse_recipe
from edgecnn.data import load
from edgecnn.data.stream import stream
from edgecnn.export import tflite
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import compress
from edgecnn.runtime.onnx_runner import OnnxRunner

model, weights, mean, std, data, count, seed, given = sys.argv[1:]
folder = Path(given)
contract: dict[str, Any] = {
    name: tuple(map(float, text.split(","))) for name, text in (("mean", mean), ("std", std)) if text
} | ({"resize": "squash"} if mean else {})
network = open_network(model, **({"weights": Path(weights)} if weights else {}))
preprocessing = network.preprocessing.override(**contract)
training, held_out = (*data.split(","), *data.split(","))[:2]
calibration, test = load(training, "train"), load(held_out, "held-out")
drawn = np.random.default_rng(int(seed)).permutation(len(calibration))[: int(count)]


def inputs(dataset: Any, order: np.ndarray | None = None) -> np.ndarray:
    """Return the pictures as the network reads them, float32 (n, c, h, w)."""
    return np.concatenate([batch.inputs for batch in stream(dataset, preprocessing, order=order)])


graph = compress(network.graph, parse_recipe("fold"))[-1].after
(folder / "float.onnx").write_bytes(to_bytes(graph))
(folder / "float.tflite").write_bytes(tflite.write(graph))
np.save(folder / "calibration.npy", inputs(calibration, drawn))
np.save(folder / "test.npy", inputs(test))
np.save(folder / "labels.npy", test.labels)
np.save(folder / "output.npy", OnnxRunner(graph)(np.load(folder / "test.npy")))
