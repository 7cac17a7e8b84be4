"""What an int8 network needs of a microcontroller: RAM for TFLite Micro's arena, flash for the file.

    RAM = activations + records + scratch        flash = file + runtime

The activations are planned as the interpreter does (`arena.py`). Its records, on a 64-bit host:

    records = 1024 + 176 operators + 24 tensors + 8 channels        (a multiplier and a shift each)

a file that is not written yet:

    file = weights + 4 biases + 24 channels + 150 tensors           (scales and zero points of both)

Both were read off files of the zoo; `tests/profile/test_footprint.py` holds them against the real ones.
"""

from dataclasses import dataclass, replace
from typing import Any

from edgecnn.device import DeviceProfile
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor
from edgecnn.profile.cmsis_nn import scratch_bytes
from edgecnn.profile.tflite_profile import activations_bytes

# The interpreter's core takes 16 KB on a Cortex-M3 (TensorFlow's documentation, "TensorFlow Lite for
# Microcontrollers"), with the kernels of a network 20 to 50 KB (applied-ee.github.io, "TensorFlow Lite
# Micro").
RUNTIME_BYTES = 64 * 1024
MEASURED, PREDICTED = "measured", "predicted"
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What a network needs.

    Attributes:
        arena_bytes: of RAM, with the plain kernels.
        arena_kind: `measured` by the interpreter on this host, or `predicted`.
        scratch_bytes: of RAM, what Arm's kernels (CMSIS-NN) ask for besides, predicted.
        model_bytes: of flash, the file.
        model_kind: `measured`, or `predicted` where it is not written yet.
    """

    arena_bytes: int
    arena_kind: str
    scratch_bytes: int
    model_bytes: int
    model_kind: str

    @property
    def ram_bytes(self) -> int:
        """The arena to set aside."""
        return self.arena_bytes + self.scratch_bytes

    @property
    def flash_bytes(self) -> int:
        """The file and the runtime; the firmware's own code comes on top."""
        return self.model_bytes + RUNTIME_BYTES

    def fits(self, device: DeviceProfile) -> bool:
        """Tell whether RAM and, where the device has its own, flash hold it."""
        limits = ((self.ram_bytes, device.memory_bytes), (self.flash_bytes, device.flash_bytes))
        return all(limit is None or needed <= limit for needed, limit in limits)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        sums = {"ram_bytes": self.ram_bytes, "flash_bytes": self.flash_bytes, "runtime_bytes": RUNTIME_BYTES}
        return {**vars(self), "scratch_kind": PREDICTED, "runtime_kind": "published", **sums}


def footprint(graph: TfliteGraph, device: DeviceProfile, model_bytes: int) -> Footprint:
    """Return what a file of so many bytes needs, its arena predicted."""
    return Footprint(
        arena_bytes=activations_bytes(graph) + _records(graph),
        arena_kind=PREDICTED,
        scratch_bytes=scratch_bytes(graph, device),
        model_bytes=model_bytes,
        model_kind=MEASURED,
    )


def footprint_as_int8(graph: TfliteGraph, device: DeviceProfile, io: str) -> Footprint:
    """Return what the float32 graph of a file would need in int8, all of it predicted."""
    found = _in_int8(graph) if io == "int8" else _with_float_ends(_in_int8(graph))
    model = sum(tensor.content.nbytes for tensor in found.tensors if tensor.content is not None)
    model += 24 * _channels(found) + 150 * len(found.tensors)
    return replace(footprint(found, device, model), model_kind=PREDICTED)


def _records(graph: TfliteGraph) -> int:
    return 1024 + 176 * len(graph.operators) + 24 * len(graph.tensors) + 8 * _channels(graph)


def _channels(graph: TfliteGraph) -> int:
    weighted = [operator for operator in graph.operators if operator.name in _WEIGHTED]
    return sum(graph.tensors[operator.outputs[0]].shape[-1] for operator in weighted)


def _in_int8(graph: TfliteGraph) -> TfliteGraph:
    """Return the graph with the types and sizes that quantization gives its tensors."""
    biases = {
        operator.inputs[-1]
        for operator in graph.operators
        if operator.name in _WEIGHTED and len(graph.tensors[operator.inputs[-1]].shape) == 1
    }
    tensors = [
        tensor if tensor.dtype != "float32" else _quantized(tensor, "int32" if index in biases else "int8")
        for index, tensor in enumerate(graph.tensors)
    ]
    return replace(graph, tensors=tuple(tensors))


def _quantized(tensor: TfliteTensor, dtype: str) -> TfliteTensor:
    content = tensor.content
    if content is not None and dtype == "int8":
        content = content[: content.nbytes // 4]
    return replace(tensor, dtype=dtype, content=content)


def _with_float_ends(graph: TfliteGraph) -> TfliteGraph:
    """Return the graph with a float32 input and output, converted inside."""
    ends = (*graph.inputs, *graph.outputs)
    tensors = [*graph.tensors, *(replace(graph.tensors[index], dtype="float32") for index in ends)]
    floats = range(len(graph.tensors), len(tensors))
    inputs, outputs = tuple(floats[: len(graph.inputs)]), tuple(floats[len(graph.inputs) :])
    forth = [_conversion("QUANTIZE", *pair) for pair in zip(inputs, graph.inputs, strict=True)]
    back = [_conversion("DEQUANTIZE", *pair) for pair in zip(graph.outputs, outputs, strict=True)]
    return TfliteGraph(
        tensors=tuple(tensors), operators=(*forth, *graph.operators, *back), inputs=inputs, outputs=outputs
    )


def _conversion(name: str, given: int, made: int) -> TfliteOperator:
    return TfliteOperator(name=name, version=1, inputs=(given,), outputs=(made,), options={})
