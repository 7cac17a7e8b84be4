"""Reading a foreign `.onnx` file into the canonical graph."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.graph.normalize import normalize


def load(path: Path, inputs: Mapping[str, Sequence[int]] | None = None) -> ir.Model:
    """Read a `.onnx` file and normalize it.

    Args:
        path: the file; external data beside it is read too.
        inputs: fixed shapes by input name, for graphs with dynamic dimensions.

    Raises:
        EdgeCnnError: the file is missing, truncated or not ONNX, or the graph cannot be normalized.
    """
    model = read(path)
    fix_inputs(model, inputs or {})
    return normalize(model)


def read(path: Path) -> ir.Model:
    """Read a `.onnx` file as it is."""
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise EdgeCnnError(f"there is no file {path}")
    try:
        # Weights kept in a file of their own are named relative to this one, which later steps do not know.
        model = ir.external_data.load_to_model(ir.load(path))
        for value in model.graph.initializers.values():
            _check_content(value, path)
    except (
        DecodeError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OSError,
        ir.serde.SerdeError,
    ) as error:
        raise EdgeCnnError(f"{path} is truncated or not an ONNX file") from error
    if not model.graph.outputs or not len(model.graph):
        raise EdgeCnnError(f"{path} is truncated or not an ONNX file: it holds no graph")
    return model


def fix_inputs(model: ir.Model, inputs: Mapping[str, Sequence[int]]) -> None:
    """Give the named inputs their fixed shapes, in place."""
    known = {value.name or "": value for value in model.graph.inputs}
    for name, shape in inputs.items():
        if name not in known:
            raise UnknownNameError("input", name, known)
        known[name].shape = ir.Shape(shape)


def _check_content(value: ir.Value, path: Path) -> None:
    content = value.const_value
    if content is None:
        raise EdgeCnnError(f"{path}: initializer {value.name!r} has no content")
    if content.dtype is not ir.DataType.STRING and len(content.tobytes()) != content.nbytes:
        raise EdgeCnnError(f"{path} is truncated: initializer {value.name!r} is incomplete")
