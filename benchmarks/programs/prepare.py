"""Write what all converters share: weights, input, PyTorch's output. Arguments: SPEC SEED FOLDER."""

import sys
from pathlib import Path

import numpy as np

from edgecnn.pipeline.network import open_network
from edgecnn.runtime.torch_runner import TorchRunner
from edgecnn.sample import sample_inputs
from edgecnn.weights import write_weights

# onnx2tf looks at pictures while it converts; it fetches them unless this file is in its folder.
PICTURES, PICTURES_SHAPE = "calibration_image_sample_data_20x128x128x3_float32.npy", (20, 128, 128, 3)

spec, seed, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
network = open_network(spec, seed=seed)
assert network.module is not None
images = sample_inputs(network.preprocessing, seed)
(folder / "weights.safetensors").write_bytes(write_weights(network.module.state_dict()))
np.save(folder / "input.npy", images)
np.save(folder / "output.npy", TorchRunner(network.module)(images))
np.save(folder / PICTURES, np.random.default_rng(seed).random(PICTURES_SHAPE, dtype=np.float32))
