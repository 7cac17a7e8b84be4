"""float.onnx to an int8 .onnx with ONNX Runtime. Arguments: FOLDER OUTPUT METHOD CHANNELS (all | each)."""

import sys
from pathlib import Path

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

folder, output, method, channels = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
pictures = np.load(folder / "calibration.npy")


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Gives one picture after another."""

    def __init__(self) -> None:
        self.left = iter(pictures)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next picture, or None."""
        picture = next(self.left, None)
        return None if picture is None else {"input": picture[None]}


prepared = output.with_suffix(".prepared.onnx")
quant_pre_process(folder / "float.onnx", prepared)
quantize_static(
    prepared,
    output,
    Reader(),
    quant_format=QuantFormat.QDQ,
    per_channel=channels == "each",
    activation_type=QuantType.QInt8,
    weight_type=QuantType.QInt8,
    calibrate_method=CalibrationMethod[method],
)
