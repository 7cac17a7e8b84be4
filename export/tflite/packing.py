"""The bytes of a .tflite file.

A flatbuffer is built from its end to its start. Weights lie at the very end, each on a 16-byte boundary as
the runtimes' kernels expect; only the tables before them go through the flatbuffers library, which holds the
offsets to the weights as numbers. So every weight is written once, straight into the result.
"""

import io
import json
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite.program import KINDS, Operator, Program, Tensor
from edgecnn.export.tflite.quantization import Quantization
from edgecnn.runtime.litert_runner import NOTES
from edgecnn.version import __version__

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
ALIGNMENT = 16
SIGNATURE = "serving_default"
LARGEST_BYTES = 2**31 - 1
_LENGTH_BYTES = 4


def pack(program: Program) -> bytes:
    """Return the file; equal programs give equal bytes.

    Raises:
        EdgeCnnError: the file would exceed 2 GiB, which the format's 32-bit offsets cannot address.
    """
    from ai_edge_litert import schema_py_generated as schema

    data: list[np.ndarray] = []
    tables = _tables(_model(schema, program), data)
    starts = _starts(data, len(tables))
    total = starts[-1]
    if total > LARGEST_BYTES:
        raise EdgeCnnError(
            f"the .tflite file would have {total / 2**30:.2f} GiB, more than the format's 2 GiB;"
            " use a narrower or quantized network"
        )
    file = io.BytesIO()
    file.write(tables)
    file.seek(total - 1)
    file.write(b"\0")  # allocates the rest, zeroed, in one step
    with file.getbuffer() as view:
        for array, start in zip(data, starts, strict=False):
            view[start - _LENGTH_BYTES : start] = array.nbytes.to_bytes(_LENGTH_BYTES, "little")
            dtype = array.dtype.newbyteorder("<")
            place = np.frombuffer(view, dtype, count=array.size, offset=start).reshape(array.shape)
            np.copyto(place, array)
            del place  # the view cannot be released while an array looks at it
    return file.getvalue()


def _starts(data: Sequence[np.ndarray], position: int) -> list[int]:
    """Return where each array starts, behind its length, and where the file ends."""
    starts = []
    for array in data:
        position = _aligned(position + _LENGTH_BYTES)
        starts.append(position)
        position += array.nbytes
    return [*starts, _aligned(position)]


def _aligned(position: int) -> int:
    return -(-position // ALIGNMENT) * ALIGNMENT


def _tables(model: Any, data: list[np.ndarray]) -> bytes:
    """Return everything but the weights, and append the weights to `data` in the order of the file."""
    import flatbuffers

    class Builder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
        """Keeps arrays out of the buffer: a negative offset lies behind its end."""

        weights_end = 0

        def CreateNumpyVector(self, x: np.ndarray) -> int:  # noqa: N802  # flatbuffers' name
            data.append(x)
            start = _aligned(self.weights_end + _LENGTH_BYTES)
            self.weights_end = start + x.nbytes
            return _LENGTH_BYTES - start

    builder = Builder(1024)
    builder.minalign = ALIGNMENT
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _model(schema: ModuleType, program: Program) -> Any:
    """Return the object tree that flatbuffers packs."""
    model = schema.ModelT()
    model.version = SCHEMA_VERSION
    model.description = f"edgecnn {__version__}"
    model.buffers = [schema.BufferT()]  # buffer 0 is empty: tensors that are computed
    codes = sorted({(operator.code, operator.version) for operator in program.operators})
    model.operatorCodes = [_operator_code(schema, *code) for code in codes]
    graph = schema.SubGraphT()
    graph.name = "main"
    graph.tensors = [_tensor(schema, model, tensor) for tensor in program.tensors]
    graph.operators = [_operator(schema, codes, operator) for operator in program.operators]
    graph.inputs, graph.outputs = list(program.inputs.values()), list(program.outputs.values())
    model.subgraphs = [graph]
    model.signatureDefs = [_signature(schema, program)]
    if program.notes:
        text = json.dumps(program.notes, sort_keys=True, separators=(",", ":")).encode()
        note = schema.MetadataT()
        note.name, note.buffer = NOTES, _buffer(schema, model, np.frombuffer(text, np.uint8))
        model.metadata = [note]
    return model


def _operator_code(schema: ModuleType, code: str, version: int) -> Any:
    entry = schema.OperatorCodeT()
    entry.builtinCode = getattr(schema.BuiltinOperator, code)
    entry.deprecatedBuiltinCode = min(entry.builtinCode, 127)  # what readers before schema 3a look at
    entry.version = version
    return entry


def _buffer(schema: ModuleType, model: Any, array: np.ndarray) -> int:
    buffer = schema.BufferT()
    buffer.data = array
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _tensor(schema: ModuleType, model: Any, tensor: Tensor) -> Any:
    entry = schema.TensorT()
    entry.name, entry.shape = tensor.name, list(tensor.shape)
    entry.type = getattr(schema.TensorType, tensor.dtype.name.upper())
    entry.buffer = 0 if tensor.data is None else _buffer(schema, model, tensor.data)
    if tensor.quantization is not None:
        entry.quantization = _quantization(schema, tensor.quantization)
    return entry


def _quantization(schema: ModuleType, found: Quantization) -> Any:
    entry = schema.QuantizationParametersT()
    # Lists, since arrays are kept out of the tables; old runtimes want a zero point for each scale.
    entry.scale, entry.zeroPoint = list(found.scale), [found.zero_point] * len(found.scale)
    entry.quantizedDimension = found.axis if found.per_channel else 0
    return entry


def _operator(schema: ModuleType, codes: Sequence[tuple[str, int]], operator: Operator) -> Any:
    entry = schema.OperatorT()
    entry.opcodeIndex = codes.index((operator.code, operator.version))
    entry.inputs, entry.outputs = list(operator.inputs), list(operator.outputs)
    table = KINDS[operator.code].options
    if table is not None:
        entry.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        entry.builtinOptions = getattr(schema, f"{table}T")()
    for name, value in operator.options.items():
        if not hasattr(entry.builtinOptions, name):
            raise TypeError(f"{operator.code} has no option {name}")
        setattr(entry.builtinOptions, name, value)
    return entry


def _signature(schema: ModuleType, program: Program) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE
    signature.inputs = [_tensor_map(schema, *pair) for pair in program.inputs.items()]
    signature.outputs = [_tensor_map(schema, *pair) for pair in program.outputs.items()]
    return signature


def _tensor_map(schema: ModuleType, name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry
