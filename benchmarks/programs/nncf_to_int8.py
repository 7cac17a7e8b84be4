"""float.onnx to an int8 .onnx with NNCF. Arguments: FOLDER OUTPUT BIAS (fast | full)."""

import sys
from pathlib import Path

import nncf
import numpy as np
import onnx

folder, output, bias = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
pictures = np.load(folder / "calibration.npy")
dataset = nncf.Dataset([picture[None] for picture in pictures], lambda picture: {"input": picture})
made = nncf.quantize(
    onnx.load(folder / "float.onnx"),
    dataset,
    subset_size=len(pictures),
    fast_bias_correction=bias == "fast",
)
onnx.save(made, output)
