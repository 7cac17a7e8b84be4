"""Run an ONNX graph in ONNX Runtime on the CPU."""

import importlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError, UnknownNameError

_BIG_BYTES = 1024  # weights from here on are handed over in memory instead of being serialized
_ERRORS_ONLY = 3
_CODE = re.compile(r"^\[ONNXRuntimeError\] : (\d+ : [A-Z_]+ : )?")
_INPUT_TYPE = "tensor(float)"
_HANDED_OVER = (
    ir.DataType.FLOAT,
    ir.DataType.DOUBLE,
    ir.DataType.FLOAT16,
    ir.DataType.INT8,
    ir.DataType.UINT8,
    ir.DataType.INT32,
    ir.DataType.INT64,
)


def onnxruntime() -> Any:
    """Import ONNX Runtime; this is the one place that does.

    From 1.29 on its builds for Linux, too, send Microsoft the names and hashes of models and keep a database
    in the home folder, unless this is set before the import. edgecnn sends nothing anywhere.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return importlib.import_module("onnxruntime")


class OnnxRunner:
    """A graph of one float32 input as a function of batches.

    Args:
        model: a graph, which is not changed, or a `.onnx` file.
        outputs: names of intermediate values that `values` is to give.
        optimize: whether ONNX Runtime may fuse and rearrange.
        integers: whether it may compute in integers between pairs, where it rounds a float weight, too.
        threads: how many; 0 leaves it to ONNX Runtime.
    """

    def __init__(
        self,
        model: ir.Model | str | Path,
        *,
        outputs: Sequence[str] = (),
        optimize: bool = True,
        integers: bool = True,
        threads: int = 0,
    ) -> None:
        self.name = (model.graph.name or "the graph") if isinstance(model, ir.Model) else str(model)
        self._values = list(outputs)
        if not isinstance(model, ir.Model):
            model = _read(Path(model)) if outputs else _existing(Path(model))
        # ONNX Runtime reads the weights where they lie, so they have to live as long as the session.
        self._session, self._weights = open_session(
            model, self._values, session_options(optimize, threads, integers=integers), self.name
        )
        self._input = _only_input(self._session, self.name)
        self._output = self._session.get_outputs()[0].name

    @property
    def input_shape(self) -> tuple[int | str, ...]:
        """The shape of one input, (1, c, h, w) for images; a dimension that is not fixed by its name."""
        return tuple(size if isinstance(size, int) else str(size or "any") for size in self._input.shape)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return float32 (n, ...), the first output for float32 (n, c, h, w)."""
        output = self._run(images, [self._output])[0]
        return np.asarray(output, np.float32)

    def values(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the intermediate values asked for, by name, each (n, ...)."""
        return dict(zip(self._values, self._run(images, self._values), strict=True)) if self._values else {}

    def _run(self, images: np.ndarray, names: list[str]) -> list[np.ndarray]:
        try:
            parts = self._parts(images)
            runs = [self._session.run(names, {self._input.name: part}) for part in parts]
        except errors() as error:
            raise EdgeCnnError(f"ONNX Runtime cannot run {self.name}: {first_line(error)}") from error
        return [_join(pieces, len(parts[0])) for pieces in zip(*runs, strict=True)]

    def _parts(self, images: np.ndarray) -> list[np.ndarray]:
        """Cut the batch as the graph's first dimension asks."""
        shape: list[Any] = self._input.shape
        fits = images.ndim == len(shape) and all(
            not isinstance(wanted, int) or wanted == given
            for wanted, given in zip(shape[1:], images.shape[1:], strict=True)
        )
        size = shape[0] if shape and isinstance(shape[0], int) else len(images)
        if not fits or not len(images) or len(images) % size:
            wanted = " x ".join(map(str, shape))
            raise EdgeCnnError(f"{self.name} takes images of shape {wanted}, not {images.shape}")
        images = np.ascontiguousarray(images, np.float32)
        return [images[start : start + size] for start in range(0, len(images), size)]


def run_graph(
    model: ir.Model, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return values of a graph of any number of inputs, computed node by node as they stand there."""
    session, _weights = open_session(
        model, outputs, session_options(False, 1), model.graph.name or "the graph"
    )
    try:
        arrays = session.run(list(outputs), {name: np.ascontiguousarray(inputs[name]) for name in inputs})
    except errors() as error:
        raise EdgeCnnError(f"ONNX Runtime cannot run the graph: {first_line(error)}") from error
    return dict(zip(outputs, arrays, strict=True))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise EdgeCnnError(f"there is no ONNX file {path}")
    return path


def _read(path: Path) -> ir.Model:
    from google.protobuf.message import DecodeError

    try:
        model = ir.load(_existing(path))
    except (DecodeError, ValueError) as error:
        raise EdgeCnnError(f"{path} is damaged or no ONNX file") from error
    if not len(model.graph):  # an empty file is a valid message without a graph
        raise EdgeCnnError(f"{path} holds no graph")
    return model


def session_options(optimize: bool, threads: int, *, integers: bool = True) -> Any:
    """Return quiet options, see `OnnxRunner`; 0 threads leave the number to ONNX Runtime."""
    ort = onnxruntime()

    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimize else level.ORT_DISABLE_ALL
    if not integers:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    return options


def open_session(
    model: ir.Model | Path, outputs: Sequence[str], options: Any, name: str
) -> tuple[Any, list[np.ndarray]]:
    """Return the session and the weights that it reads, which have to live as long."""
    ort = onnxruntime()

    weights: dict[str, np.ndarray] = {}
    try:
        if isinstance(model, ir.Model):
            model = model.clone()  # shares the tensors
            _expose(model.graph, outputs)
            weights = _take_out(model.graph)
            handed_over = [ort.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
            options.add_external_initializers(list(weights), handed_over)
        source = str(model) if isinstance(model, Path) else ir.to_proto(model).SerializeToString()
        session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except errors() as error:
        raise EdgeCnnError(f"ONNX Runtime cannot load {name}: {first_line(error)}") from error
    except OSError as error:  # of weights kept in a file of their own
        raise EdgeCnnError(f"cannot read the weights of {name}: {error}") from error
    return session, list(weights.values())


def _expose(graph: ir.Graph, names: Sequence[str]) -> None:
    """Make the named values outputs of the graph."""
    known = {value.name: value for node in graph for value in node.outputs if value.name}
    present = {value.name for value in graph.outputs}
    for name in names:
        if name not in known:
            raise UnknownNameError("value of the graph", name, known)
        if name not in present:
            graph.outputs.append(known[name])
            present.add(name)


def _take_out(graph: ir.Graph) -> dict[str, np.ndarray]:
    """Put a placeholder for data elsewhere in the place of every big weight; return the weights by name."""
    weights: dict[str, np.ndarray] = {}
    for name, value in graph.initializers.items():
        tensor = value.const_value
        if tensor is not None and tensor.nbytes >= _BIG_BYTES and tensor.dtype in _HANDED_OVER:
            weights[name] = np.ascontiguousarray(tensor.numpy())
            value.const_value = ir.ExternalTensor(
                "memory", 0, tensor.nbytes, tensor.dtype, shape=ir.Shape(weights[name].shape), name=name
            )
        elif isinstance(tensor, ir.ExternalTensor):  # without a path, ONNX Runtime would not find it
            value.const_value = ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=name)
    return weights


def _only_input(session: Any, name: str) -> Any:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != _INPUT_TYPE:
        found = ", ".join(f"{item.name}: {item.type}" for item in inputs) or "none"
        raise EdgeCnnError(f"{name} must have one input of type float, not {found}")
    return inputs[0]


def _join(pieces: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Join one value of every part of a batch, `size` images each; one without a batch dimension gets it."""
    has_batch = pieces[0].ndim > 0 and pieces[0].shape[0] == size
    joined = np.concatenate if has_batch else np.stack
    return pieces[0] if has_batch and len(pieces) == 1 else joined(pieces)


def errors() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises; its exceptions have no common class."""
    state = onnxruntime().capi.onnxruntime_pybind11_state
    return (
        state.EPFail,
        state.EngineError,
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoModel,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    )


def first_line(error: Exception) -> str:
    """Return what ONNX Runtime says, without its code."""
    return _CODE.sub("", str(error).strip().split("\n")[0])
