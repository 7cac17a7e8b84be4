"""float.onnx to an int8 .tflite with edgecnn as a library. Arguments: FOLDER OUTPUT RECIPE."""

import sys
from pathlib import Path

import numpy as np

from edgecnn.calls import parse_recipe
from edgecnn.export import tflite
from edgecnn.graph.load import load
from edgecnn.quantize import Context, compress

folder, output, recipe = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
pictures = np.load(folder / "calibration.npy")
context = Context(images=lambda: (pictures[start : start + 16] for start in range(0, len(pictures), 16)))
graph = compress(load(folder / "float.onnx"), parse_recipe(recipe), context=context)[-1].after
Path(output).write_bytes(tflite.write(graph))
