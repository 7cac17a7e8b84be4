"""float.onnx to an int8 .onnx with NVIDIA's ModelOpt. Arguments: FOLDER OUTPUT METHOD."""

import sys
from pathlib import Path

import modelopt.onnx.quantization as quantization
import numpy as np

folder, output, method = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
quantization.quantize(
    str(folder / "float.onnx"),
    quantize_mode="int8",
    calibration_data=np.load(folder / "calibration.npy"),
    calibration_method=method,
    output_path=output,
)
