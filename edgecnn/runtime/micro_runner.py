"""Runs a .tflite file in the interpreter for microcontrollers (TFLite Micro), compiled for this host.

Its kernels are the ones that a Cortex-M runs where nothing of the vendor replaces them: plain loops in int8.
Images are (n, c, h, w) outside and NHWC in the file, int8 there is float32 outside.
"""

import importlib
import re
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.tflite_file import read_tflite
from edgecnn.profile.tflite_profile import profile_tflite
from edgecnn.runtime.elements import to_elements, to_reals
from edgecnn.runtime.stderr import captured

INSTALL = "pip install 'edgecnn[mcu]'"
PACKAGE = "tflite-micro"
_NHWC = (0, 2, 3, 1)
_BESIDE_ACTIVATIONS = 4 * 2**20  # bytes, more than its own records take of any network of the zoo
_ARENA = re.compile(rb"Arena allocation total (\d+) bytes")


class MicroRunner:
    """A .tflite network with one input and one output, called with float32 batches (n, c, h, w).

    `keep_all` keeps every intermediate tensor for `elements()`, and measures no arena.

    Raises:
        EdgeCnnError: the interpreter is not installed, or does not know an operator of the file.
    """

    def __init__(self, model: bytes, *, keep_all: bool = False) -> None:
        if model[4:8] != b"TFL3":
            raise EdgeCnnError("this is no .tflite file (its identifier TFL3 is missing); export it again")
        self._runtime, self._keep_all = _runtime(), keep_all
        self._tensors = read_tflite(model).tensors
        self._interpreter = self._opened(model)
        self._input = self._interpreter.get_input_details(0)
        self._output = self._interpreter.get_output_details(0)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return the outputs (n, ...) of a batch (n, c, h, w), run image by image."""
        return np.concatenate([self._run(batch[index : index + 1]) for index in range(len(batch))])

    def arena_bytes(self) -> int:
        """Return what the network takes of the arena on this host, measured by the interpreter itself.

        A Cortex-M takes a little less: the interpreter's records hold pointers, which are half as wide there.
        """
        said: list[bytes] = []
        self._interpreter.set_input(np.zeros(self._input["shape"], self._input["dtype"]), 0)
        with captured(said):
            self._interpreter.invoke()
            self._interpreter.print_allocations()
        found = _ARENA.search(b"".join(said))
        if found is None:
            raise EdgeCnnError("TFLite Micro does not say how much of its arena it uses; update tflite-micro")
        return int(found[1])

    def elements(self) -> dict[int, np.ndarray]:
        """Return what every computed tensor holds after the last image, as it is stored, by its index.

        Raises:
            EdgeCnnError: the runner was made without `keep_all`.
        """
        if not self._keep_all:
            raise EdgeCnnError("the intermediate values are gone; make the runner with keep_all=True")
        return {
            index: np.asarray(self._interpreter.GetTensor(index, 0)["tensor_data"])
            for index, tensor in enumerate(self._tensors)
            if tensor.content is None
        }

    def _opened(self, model: bytes) -> Any:
        arena = profile_tflite(model).arena_bytes or 0
        total = sum(tensor.nbytes for tensor in self._tensors if tensor.content is None)
        config = self._runtime.InterpreterConfig
        said: list[bytes] = []
        try:
            with captured(said):
                return self._runtime.Interpreter.from_bytes(
                    model,
                    arena_size=_BESIDE_ACTIVATIONS + (2 * total if self._keep_all else arena),
                    intrepreter_config=config.kPreserveAllTensors
                    if self._keep_all
                    else config.kAllocationRecording,
                )
        except RuntimeError as error:
            lines = [line.decode(errors="replace").strip() for line in said]
            reason = "; ".join(line for line in lines if line) or str(error)
            raise EdgeCnnError(f"TFLite Micro cannot run the file: {reason}") from error

    def _run(self, image: np.ndarray) -> np.ndarray:
        laid_out = image.transpose(_NHWC) if image.ndim == len(_NHWC) else image
        if self._input["dtype"] == np.int8:
            laid_out = to_elements(laid_out, *_quantization(self._input))
        self._interpreter.set_input(np.ascontiguousarray(laid_out), 0)
        self._interpreter.invoke()
        found = np.asarray(self._interpreter.get_output(0))
        if self._output["dtype"] == np.int8:
            found = to_reals(found, *_quantization(self._output))
        return _to_onnx(found)


def is_installed() -> bool:
    """Tell whether the interpreter is there; nothing is imported."""
    return find_spec("tflite_micro") is not None


def _runtime() -> ModuleType:
    try:
        runtime: ModuleType = importlib.import_module("tflite_micro").runtime
    except ImportError:
        raise EdgeCnnError(f"TFLite Micro is not installed; {INSTALL}") from None
    return runtime


def _quantization(detail: Mapping[str, Any]) -> tuple[float, int]:
    found = detail["quantization_parameters"]
    return float(found["scales"][0]), int(found["zero_points"][0])


def _to_onnx(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 3, 1, 2) if array.ndim == len(_NHWC) else array
