"""Calibrate a folded graph with ONNX Runtime. Arguments: GRAPH COUNT OBSERVER; prints the seconds as JSON.

Everything is at `quantize_static`'s defaults, but for the bins of entropy: at its default of 128 it returns
the ranges of minmax, so that the 2048 of TensorRT are asked for.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import create_calibrator
from pictures import draw

_BINS = 2048
_METHODS = {
    "minmax": (CalibrationMethod.MinMax, {}),
    "percentile": (CalibrationMethod.Percentile, {}),
    "entropy": (CalibrationMethod.Entropy, {"num_bins": _BINS}),
}


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Gives one picture after the other."""

    def __init__(self, name: str, pictures: Iterator[np.ndarray]) -> None:
        self._name, self._pictures = name, pictures

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next picture, or None."""
        picture = next(self._pictures, None)
        return None if picture is None else {self._name: picture}


graph, count, observer = sys.argv[1:]
source = onnx.load(graph).graph.input[0]
shape = tuple(size.dim_value for size in source.type.tensor_type.shape.dim)
method, options = _METHODS[observer]
with tempfile.TemporaryDirectory() as folder:
    start = time.perf_counter()
    calibrator = create_calibrator(
        graph, augmented_model_path=f"{folder}/augmented.onnx", calibrate_method=method, extra_options=options
    )
    calibrator.collect_data(Reader(source.name, draw(shape, int(count))))
    found = calibrator.compute_data()
    seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "values": len(found.data)}))
