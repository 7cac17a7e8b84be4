"""float.tflite to an int8 .tflite with ai-edge-quantizer. Arguments: FOLDER OUTPUT."""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe

folder, output = Path(sys.argv[1]), sys.argv[2]
pictures = np.load(folder / "calibration.npy").transpose(0, 2, 3, 1)
model = folder / "float.tflite"
key, signature = next(iter(Interpreter(str(model)).get_signature_list().items()))
made = quantizer.Quantizer(str(model), recipe.static_wi8_ai8())
data = {key: [{signature["inputs"][0]: picture[None]} for picture in pictures]}
made.quantize(made.calibrate(data)).export_model(output)
