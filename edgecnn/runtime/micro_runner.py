"""Runs a .tflite file in the interpreter for microcontrollers (TFLite Micro), compiled for this host.

Its kernels are the ones that a Cortex-M runs where nothing of the vendor replaces them: plain loops in int8.
Images are (n, c, h, w) outside and NHWC in the file, int8 there is float32 outside.
"""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.runtime.elements import to_elements, to_reals

_NHWC = (0, 2, 3, 1)


class MicroRunner:
    """A .tflite network with one input and one output, called with float32 batches (n, c, h, w).

    Raises:
        EdgeCnnError: the interpreter is not installed, or does not know an operator of the file.
    """

    def __init__(self, model: bytes) -> None:
        if model[4:8] != b"TFL3":
            raise EdgeCnnError("this is no .tflite file (its identifier TFL3 is missing); export it again")
        try:
            self._interpreter = _runtime().Interpreter.from_bytes(model)
        except RuntimeError as error:
            raise EdgeCnnError(f"TFLite Micro cannot run the file: {error}; see the lines above") from error
        self._input = self._interpreter.get_input_details(0)
        self._output = self._interpreter.get_output_details(0)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return the outputs (n, ...) of a batch (n, c, h, w), run image by image."""
        return np.concatenate([self._run(batch[index : index + 1]) for index in range(len(batch))])

    def _run(self, image: np.ndarray) -> np.ndarray:
        laid_out = image.transpose(_NHWC) if image.ndim == len(_NHWC) else image
        if self._input["dtype"] == np.int8:
            laid_out = to_elements(laid_out, *_quantization(self._input))
        self._interpreter.set_input(np.ascontiguousarray(laid_out), 0)
        self._interpreter.invoke()
        found = np.asarray(self._interpreter.get_output(0))
        if self._output["dtype"] == np.int8:
            found = to_reals(found, *_quantization(self._output))
        return found.transpose(0, 3, 1, 2) if found.ndim == len(_NHWC) else found


def _runtime() -> ModuleType:
    try:
        runtime: ModuleType = importlib.import_module("tflite_micro").runtime
    except ImportError:
        raise EdgeCnnError("TFLite Micro is not installed; pip install 'edgecnn[mcu]'") from None
    return runtime


def _quantization(detail: Mapping[str, Any]) -> tuple[float, int]:
    found = detail["quantization_parameters"]
    return float(found["scales"][0]), int(found["zero_points"][0])
