"""Runs a .tflite file in LiteRT (or its predecessor tflite-runtime), in ONNX's layout.

Images are (n, c, h, w) outside and NHWC in the file. A tensor holds the ONNX value of its name; where that
is not so, edgecnn's files carry a note: `{value: {tensor, shape, axes, blocks}}`, file axis i being ONNX
axis `axes[i]`, and `{tensor: null}` for a tensor that is no ONNX value. What is int8 in the file is float32
outside: real = scale (q - zero_point), with the scale and zero point that the tensor carries.
"""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.runtime.elements import to_elements, to_reals
from edgecnn.runtime.stderr import without_line

NOTES = "edgecnn.values"
_MODULES = ("ai_edge_litert", "tflite_runtime")
_NHWC = (0, 2, 3, 1)
_KERNELS = {False: "AUTO", True: "BUILTIN_WITHOUT_DEFAULT_DELEGATES"}  # by whether all values are kept
_CHATTER = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


class LitertRunner:
    """A .tflite network with one input and one output, called with float32 batches (n, c, h, w).

    `threads` is the number of CPU threads. `keep_all` keeps every intermediate tensor for `values()`; it
    runs the plain kernels without XNNPACK, which fuses intermediate values away. `reference` runs LiteRT's
    reference kernels, loops without any tuning.

    Raises:
        EdgeCnnError: no runtime is installed, or the file is damaged, no .tflite file, or of another kind.
    """

    def __init__(
        self, model: bytes | Path, *, threads: int = 1, keep_all: bool = False, reference: bool = False
    ) -> None:
        self._data = _read(model)
        self._keep_all = keep_all
        kernels = "BUILTIN_REF" if reference else _KERNELS[keep_all]
        self._interpreter = _interpreter(self._data, threads, kernels, keep_all=keep_all)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise EdgeCnnError(
                f"the file has {len(inputs)} inputs and {len(outputs)} outputs, not one of each"
            )
        self._input, self._output = inputs[0], outputs[0]
        for end in (self._input, self._output):
            if end["dtype"] != np.float32 and not (end["dtype"] == np.int8 and end["quantization"][0]):
                raise EdgeCnnError(
                    f"the file's {end['name']!r} is {np.dtype(end['dtype']).name},"
                    " not float32 or int8 with a scale"
                )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input as ONNX has it, (1, c, h, w) for images."""
        shape = tuple(int(size) for size in self._input["shape"])
        return (shape[0], shape[3], shape[1], shape[2]) if len(shape) == len(_NHWC) else shape

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return the outputs (n, ...) of a batch (n, c, h, w), run image by image.

        Raises:
            EdgeCnnError: the batch is not float32 or its images have another shape than the network's.
        """
        wanted = self.input_shape
        if batch.dtype != np.float32 or batch.shape[1:] != wanted[1:] or batch.shape[0] % wanted[0]:
            raise EdgeCnnError(
                f"the input is {batch.dtype} {batch.shape}, the network takes float32 {('n', *wanted[1:])}"
            )
        steps = range(0, len(batch), wanted[0])
        results = [self._run(batch[start : start + wanted[0]]) for start in steps]
        return np.concatenate(results) if results else self._empty()

    def values(self) -> dict[str, np.ndarray]:
        """Return every value of the last image by its ONNX name, in ONNX's layout.

        Raises:
            EdgeCnnError: the runner was made without `keep_all`.
        """
        if not self._keep_all:
            raise EdgeCnnError("the intermediate values are gone; make the runner with keep_all=True")
        details = {detail["name"]: detail for detail in self._interpreter.get_tensor_details()}
        computed, notes = _computed_and_notes(self._data)
        found = {
            name: _to_onnx(self._tensor(detail))
            for name, detail in details.items()
            if detail["index"] in computed and name not in notes
        }
        for name, note in notes.items():
            if note is not None:
                found[name] = _from_note(self._tensor(details[note["tensor"]]), note)
        return found

    def elements(self) -> dict[int, np.ndarray]:
        """Return what every computed tensor holds after the last image, as it is stored, by its index.

        Raises:
            EdgeCnnError: the runner was made without `keep_all`.
        """
        if not self._keep_all:
            raise EdgeCnnError("the intermediate values are gone; make the runner with keep_all=True")
        computed, _ = _computed_and_notes(self._data)
        return {index: np.asarray(self._interpreter.get_tensor(index)) for index in sorted(computed)}

    def _tensor(self, detail: Mapping[str, Any]) -> np.ndarray:
        return _from_tensor(np.asarray(self._interpreter.get_tensor(detail["index"])), detail)

    def _run(self, images: np.ndarray) -> np.ndarray:
        laid_out = images.transpose(_NHWC) if images.ndim == len(_NHWC) else images
        self._interpreter.set_tensor(self._input["index"], _to_tensor(laid_out, self._input))
        self._interpreter.invoke()
        return _to_onnx(self._tensor(self._output))

    def _empty(self) -> np.ndarray:
        shape = _to_onnx(np.empty(self._output["shape"], np.float32)).shape
        return np.empty((0, *shape[1:]), np.float32)


def _to_tensor(values: np.ndarray, detail: Mapping[str, Any]) -> np.ndarray:
    """Return float32 values in the tensor's type."""
    if detail["dtype"] == np.float32:
        return np.ascontiguousarray(values)
    return np.ascontiguousarray(to_elements(values, *detail["quantization"]))


def _from_tensor(array: np.ndarray, detail: Mapping[str, Any]) -> np.ndarray:
    """Return what a tensor holds: float32 where it is quantized, else as it is."""
    return to_reals(array, *detail["quantization"]) if detail["quantization"][0] else array


def _read(model: bytes | Path) -> bytes:
    if isinstance(model, bytes):
        name, data = "the model", model
    else:
        name, data = str(model), _file(model)
    if data[4:8] != b"TFL3":
        raise EdgeCnnError(f"{name} is no .tflite file (its identifier TFL3 is missing)")
    return data


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EdgeCnnError(f"{path} cannot be read: {error.strerror}") from error


def _runtime() -> ModuleType:
    """Return the interpreter module of whichever runtime is installed."""
    for name in _MODULES:
        try:
            return importlib.import_module(f"{name}.interpreter")
        except ImportError:
            continue
    raise EdgeCnnError("no TFLite runtime is installed; pip install ai-edge-litert")


def _interpreter(data: bytes, threads: int, kernels: str, *, keep_all: bool) -> Any:
    runtime = _runtime()
    try:
        with without_line(_CHATTER):
            interpreter = runtime.Interpreter(
                model_content=data,
                num_threads=threads,
                experimental_op_resolver_type=runtime.OpResolverType[kernels],
                experimental_preserve_all_tensors=keep_all,
            )
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise EdgeCnnError(f"the TFLite runtime cannot load the file: {reason}") from error
    return interpreter


def _computed_and_notes(data: bytes) -> tuple[set[int], dict[str, Any]]:
    """Return the tensors of the file that are no constants, and its note about values (if it has one)."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise EdgeCnnError(
            "values() reads the file with LiteRT's schema; pip install ai-edge-litert"
        ) from None
    model = schema.Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    buffers = [graph.Tensors(index).Buffer() for index in range(graph.TensorsLength())]
    computed = {index for index, buffer in enumerate(buffers) if model.Buffers(buffer).DataIsNone()}
    for index in range(model.MetadataLength()):
        if model.Metadata(index).Name() == NOTES.encode():
            text = model.Buffers(model.Metadata(index).Buffer()).DataAsNumpy().tobytes()
            return computed, json.loads(text)
    return computed, {}


def _to_onnx(array: np.ndarray) -> np.ndarray:
    return array.transpose(0, 3, 1, 2) if array.ndim == len(_NHWC) else array


def _from_note(array: np.ndarray, note: Mapping[str, Any]) -> np.ndarray:
    """Return a tensor as the ONNX value that its note describes."""
    shape, axes = note["shape"], note["axes"]
    if not note["blocks"]:
        return array.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes))
    parts, start = [], 0
    for channels, height, width in note["blocks"]:
        part = array[:, start : start + channels * height * width]
        image = part.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        parts.append(image.reshape(len(array), -1))
        start += part.shape[1]
    return np.concatenate(parts, axis=1)
