"""Convert a network to .onnx with torch's own exporter. Arguments: SPEC WEIGHTS SAMPLE OUTPUT."""

import sys

import numpy as np
import torch

from edgecnn.models import build
from edgecnn.spec import ModelSpec
from edgecnn.weights import load_into, read_weights

spec, weights, sample, output = sys.argv[1:]
module = build(ModelSpec.parse(spec))
load_into(module, read_weights(weights), weights)
image = torch.from_numpy(np.load(sample)[:1])  # (1, c, h, w)
torch.onnx.export(
    module, (image,), output, dynamo=True, input_names=["input"], output_names=["output"], external_data=False
)
