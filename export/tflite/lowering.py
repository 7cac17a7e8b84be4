"""The TFLite graph under construction, and where each ONNX value is in it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import fusion
from edgecnn.export.tflite.layout import NHWC, Block, Held, memory_order, standard
from edgecnn.export.tflite.program import FUSED, KINDS, Operator, Options, Tensor
from edgecnn.export.tflite.quantization import Quantization
from edgecnn.export.tflite.refusal import refuse
from edgecnn.graph.nodes import describe, output, static_shape

# Constants up to this size are compared by content, so that zero biases and shapes are stored once.
_COMPARED_BYTES = 1 << 16


class Lowering:
    """What the handlers write to: tensors, operators, and the layout of every ONNX value so far."""

    def __init__(self, names: Iterable[str], *, dynamic: bool = False, half: bool = False) -> None:
        self.dynamic = dynamic  # int8 weights go to float32 operators that round their inputs as they run
        self.half = half  # float weights are float16 in the file
        self.result: Quantization | None = None  # of the node being written; None where it is float32
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.scratch_names: set[str] = set()
        self.held: dict[str, Held] = {}
        self.absorbed: set[ir.Node] = set()
        self._names = set(names)
        self._constants: dict[object, int] = {}
        self._converted: dict[tuple[int, Quantization | None], int] = {}

    # ---- reading ----

    def stored(self, node: ir.Node, place: int = 0) -> Held:
        """Return how the file holds a computed input of `node`, in whatever type."""
        value = node.inputs[place]
        if value is None or value.name not in self.held:
            raise refuse(node, f"its input {place} is not computed by the graph", "fold constants first")
        return self.held[value.name]

    def value(self, node: ir.Node, place: int = 0) -> Held:
        """Return how the file holds a computed input of `node`, in float32 where the node computes so."""
        held = self.stored(node, place)
        return held if self.result else replace(held, index=self.converted(held.index, None))

    def quantization(self, held: Held) -> Quantization | None:
        """Return the quantization of the tensor that holds a value, None where it is float32."""
        return self.tensors[held.index].quantization

    def converted(self, index: int, quantization: Quantization | None) -> int:
        """Return a tensor in another quantization (None: float32), by an operator where it differs."""
        tensor = self.tensors[index]
        if tensor.quantization == quantization and tensor.dtype != np.float16:
            return index
        if (index, quantization) not in self._converted:
            code = "QUANTIZE" if quantization else "DEQUANTIZE"
            version = 3 if tensor.dtype == np.float16 else 2 if tensor.quantization else 1
            result = self.tensor(
                self._unused(f"{tensor.name}:{'int8' if quantization else 'float32'}"),
                tensor.shape,
                quantization=quantization,
            )
            self.scratch_names.add(self.tensors[result].name)
            self.emit(code, (index,), result, {}, version)
            self._converted[index, quantization] = result
        return self._converted[index, quantization]

    def image(self, node: ir.Node, place: int = 0) -> Held:
        """Return a 4-D input of `node` as NHWC."""
        held = self.value(node, place)
        if len(held.shape) != len(NHWC):
            raise refuse(node, f"its input has {len(held.shape)} axes", "only (n, c, h, w) is supported")
        return self.arranged(node, held, NHWC)

    def arranged(self, node: ir.Node, held: Held, axes: tuple[int, ...]) -> Held:
        """Return `held` with the given axes; only axes of length 1 may move, by a RESHAPE."""
        if held.axes == axes:
            return held
        if held.blocks or held.order != memory_order(held.shape, axes):
            raise refuse(
                node,
                "it needs the axes of its input in another order, which is a TRANSPOSE on the device",
                "move the Transpose or Reshape before it out of the network",
            )
        shape = tuple(held.shape[axis] for axis in axes)
        name = f"{self.tensors[held.index].name}:view"
        inputs, like = (held.index, self.shape_constant(shape)), self.quantization(held)
        index = self.scratch("RESHAPE", inputs, shape, name, like=like, newShape=shape)
        return Held(index=index, shape=held.shape, axes=axes)

    # ---- writing ----

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        data: np.ndarray | None = None,
        *,
        quantization: Quantization | None = None,
    ) -> int:
        """Add a tensor of `data`'s type, int8 where it is quantized, else float32; return its index."""
        dtype = np.dtype(np.int8 if quantization else np.float32) if data is None else data.dtype
        entry = Tensor(name=name, shape=tuple(shape), dtype=dtype, data=data, quantization=quantization)
        self.tensors.append(entry)
        return len(self.tensors) - 1

    def constant(
        self,
        array: np.ndarray,
        name: str,
        shape: Sequence[int] | None = None,
        *,
        variant: object = None,
        quantization: Quantization | None = None,
    ) -> int:
        """Return the tensor of a constant called `name` (of `shape` where given), the same for equal ones.

        A large one is told by name, layout and `variant`, which says what was computed from the named array.
        """
        shape = tuple(array.shape if shape is None else shape)
        key: object = (name, variant, shape, array.shape, array.strides, array.dtype.str, quantization)
        if array.nbytes <= _COMPARED_BYTES:
            key = (array.dtype.str, shape, array.tobytes(), quantization)
        if key not in self._constants:
            index = self.tensor(self._unused(name), shape, array, quantization=quantization)
            self._constants[key] = index
        return self._constants[key]

    def shape_constant(self, numbers: Sequence[int] | Sequence[Sequence[int]]) -> int:
        """Return the int32 constant that holds a shape, axes or paddings."""
        array = np.asarray(numbers, np.int32)
        return self.constant(array, "int32:" + "x".join(map(str, array.ravel())))

    def target(self, node: ir.Node) -> tuple[ir.Value, Options]:
        """Return the value that `node`'s operator writes, and the activation it takes over from there."""
        found = fusion.follower(node, self.result)
        if found is None:
            return output(node), {"fusedActivationFunction": FUSED["NONE"]}
        consumer, name = found
        self.absorbed.add(consumer)
        return output(consumer), {"fusedActivationFunction": FUSED[name]}

    def produce(
        self,
        code: str,
        inputs: Sequence[int],
        value: ir.Value,
        *,
        axes: tuple[int, ...] | None = None,
        blocks: tuple[Block, ...] = (),
        version: int = 0,
        **options: Any,
    ) -> None:
        """Write the operator that computes `value`, laid out by `axes` (standard where not given)."""
        shape = static_shape(value)
        axes = standard(len(shape)) if axes is None else axes
        index = self.tensor(str(value.name), [shape[axis] for axis in axes], quantization=self.result)
        self.emit(code, inputs, index, options, version)
        self.held[str(value.name)] = Held(index=index, shape=shape, axes=axes, blocks=blocks)

    def scratch(
        self,
        code: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        name: str,
        *,
        like: Quantization | None,
        **options: Any,
    ) -> int:
        """Write an operator whose result is no ONNX value; return the tensor (file shape `shape`).

        `like` is its quantization: the input's for what moves elements only, else the node's result's.
        """
        index = self.tensor(self._unused(name), shape, quantization=like)
        self.scratch_names.add(self.tensors[index].name)
        self.emit(code, inputs, index, options, 0)
        return index

    def emit(self, code: str, inputs: Sequence[int], result: int, options: Options, version: int) -> None:
        """Append an operator, in the version asked for or the kind's own."""
        version = max(version, self._least_version(code, (*inputs, result)))
        self.operators.append(
            Operator(code=code, inputs=tuple(inputs), outputs=(result,), version=version, options=options)
        )

    def _least_version(self, code: str, indices: Sequence[int]) -> int:
        """Return the lowest version of an operator that takes tensors of these types, the result last."""
        kind, types = KINDS[code], [self.tensors[index].dtype for index in indices]
        if np.dtype(np.int8) not in types:
            return kind.version
        return kind.hybrid if kind.hybrid and types[-1] == np.float32 else kind.int8

    def alias(self, node: ir.Node, held: Held) -> None:
        """Say that the output of `node` is what the file already holds."""
        self.held[str(output(node).name)] = held

    def expect(self, node: ir.Node, shape: Sequence[int]) -> None:
        """Raise `EdgeCnnError` where the graph declares another shape than the operator gives."""
        declared = static_shape(output(node))
        if declared != tuple(shape):
            raise EdgeCnnError(
                f"{describe(node)} gives {tuple(shape)} but the graph declares {declared};"
                " clear the stale shapes and infer them again"
            )

    def _unused(self, name: str) -> str:
        """Return `name`, numbered where a tensor or an ONNX value has it."""
        candidate, number = name, 1
        while candidate in self._names:
            candidate, number = f"{name}:{number}", number + 1
        self._names.add(candidate)
        return candidate
