"""Convert a network to .tflite with litert-torch. Arguments: SPEC WEIGHTS SAMPLE OUTPUT."""

import sys
from pathlib import Path

import litert_torch
import numpy as np
import torch

# The zoo's modules, without edgecnn's dependencies; at the end, so that no folder shadows a library.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from edgecnn.models import build
from edgecnn.spec import ModelSpec
from edgecnn.weights import load_into, read_weights

spec, weights, sample, output = sys.argv[1:]
module = build(ModelSpec.parse(spec))
load_into(module, read_weights(weights), weights)
image = torch.from_numpy(np.load(sample)[:1])  # (1, c, h, w)
litert_torch.convert(module.eval(), (image,)).export(output)
