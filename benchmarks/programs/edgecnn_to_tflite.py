"""Convert a network to .tflite with edgecnn: record, fold, write. Arguments: SPEC WEIGHTS SAMPLE OUTPUT."""

import sys
from pathlib import Path

import numpy as np

from edgecnn.calls import parse_recipe
from edgecnn.export import tflite
from edgecnn.export.recorder import record
from edgecnn.models import build
from edgecnn.quantize import compress
from edgecnn.spec import ModelSpec
from edgecnn.weights import load_into, read_weights

spec, weights, sample, output = sys.argv[1:]
module = build(ModelSpec.parse(spec))
load_into(module, read_weights(weights), weights)
shape = np.load(sample, mmap_mode="r")[:1].shape  # (1, c, h, w)
graph = compress(record(module, shape), parse_recipe("fold"))[-1].after
Path(output).write_bytes(tflite.write(graph))
