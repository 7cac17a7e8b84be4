"""From a graph to the kernels TensorRT makes of it: what is fused, and what each of them reads and writes.

    Conv → BatchNormalization → Relu        one kernel
    Conv → Add(·, x) → Relu                 one kernel, where x was computed before
    x → QuantizeLinear → DequantizeLinear   what computed x writes int8, and what reads it reads int8

Views, casts between kernels and pairs on weights are none. Engines may be fused further, or less far: the
fit says how much that matters. Source: NVIDIA TensorRT developer guide, "Types of fusions" and "Explicit
quantization".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import onnx_ir as ir

from edgecnn.graph.activations import only_reader
from edgecnn.graph.nodes import attribute, constant, output, static_shape
from edgecnn.profile.graph_profile import kind
from edgecnn.profile.mult_adds import operator

CONVOLUTION, DEPTHWISE, GROUPED = "convolution", "depthwise convolution", "grouped convolution"
DENSE, TRANSPOSED = "fully connected", "transposed convolution"
POOLING, REDUCTION, POINTWISE = "pooling", "reduction", "pointwise"
_MATRIX = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_POOLS = ("AveragePool", "MaxPool")
_REDUCTIONS = ("GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMean", "ReduceSum")
_GATES = ("HardSigmoid", "Sigmoid")
_UNARY = frozenset(
    "Abs BatchNormalization Clip Elu Erf Exp HardSigmoid HardSwish LeakyRelu Log Neg PRelu Pow Reciprocal"
    " Relu Selu Sigmoid Softplus Softsign Sqrt Tanh".split()
)
_BINARY = frozenset("Add Div Max Min Mul Sub".split())
_VIEWS = frozenset("Cast DequantizeLinear Dropout Flatten Identity Reshape Squeeze Unsqueeze".split())
# What gives int8 on where it gets int8.
_INT8_ON = _VIEWS - {"DequantizeLinear"} | {"Concat", *_POOLS}
_READS_A_PART = ("Gather", "Slice", "Split")  # of its input: as much as it writes


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel.

    Attributes:
        name: of its first node.
        kind: its nodes, as profiles call them.
        family: which kernels share coefficients.
        groups: independent matrix products, each of `positions` by `depth` times `depth` by `columns`.
        positions: output positions of one group, or rows.
        columns: output channels of one group.
        depth: input channels of one group.
        taps: of the filter or window.
        moved_bytes: activations that it reads and writes.
        weight_bytes: weights that it reads.
    """

    name: str
    kind: str
    family: str
    groups: int = 1
    positions: int
    columns: int
    depth: int = 1
    taps: int = 1
    moved_bytes: int
    weight_bytes: int


@dataclass(frozen=True, kw_only=True)
class GpuGraph:
    """The kernels of a graph in order, and the bytes of its input and output and of all weights."""

    kernels: tuple[Kernel, ...]
    copied_bytes: int
    weight_bytes: int


def kernels_of(model: ir.Model) -> GpuGraph:
    """Return the kernels of a folded graph of fixed shapes."""
    images = [value for value in model.graph.inputs if not value.is_initializer()]
    kernels = tuple(_Fusing(model).kernels())
    return GpuGraph(
        kernels=kernels,
        copied_bytes=sum(_elements(value) * _width(value) for value in (*images, *model.graph.outputs)),
        weight_bytes=sum(kernel.weight_bytes for kernel in kernels),
    )


class _Fusing:
    """Goes through the nodes in order; a node that an earlier kernel has taken is none of its own."""

    def __init__(self, model: ir.Model) -> None:
        self._nodes = list(model.graph)
        self._done: set[ir.Node] = set()
        self._quantized = any(node.op_type == "QuantizeLinear" for node in self._nodes)
        self._held: dict[ir.Value, bool] = {}

    def kernels(self) -> Iterator[Kernel]:
        """Give the kernels in order."""
        for node in self._nodes:
            if node in self._done:
                continue
            self._done.add(node)
            if not _is_free(node):
                chain = [node, *self._fused(node)]
                self._done.update(chain)
                yield self._kernel(chain)

    def _fused(self, first: ir.Node) -> Iterator[ir.Node]:
        """Give the pointwise nodes that a kernel applies to what it computed, one after another."""
        if first.op_type not in (*_MATRIX, *_UNARY, *_BINARY):
            return
        taken, value = {first}, output(first)
        while gate := self._next(value, taken):
            taken.update(gate)
            yield from gate
            value = output(gate[-1])

    def _next(self, value: ir.Value, taken: set[ir.Node]) -> list[ir.Node]:
        reader = only_reader(value)
        if reader is None:
            return _swish(value)
        same = _elements(output(reader)) == _elements(value)
        if reader.op_type in _UNARY and reader.inputs[0] is value:
            return [reader]
        if reader.op_type not in _BINARY or not same:
            return []
        others = [_source(each)[0] for each in reader.inputs if each is not None and each is not value]
        makers = [each.producer() for each in others]
        ready = all(maker is None or maker in self._done or maker in taken for maker in makers)
        return [reader] if ready else []

    def _kernel(self, chain: list[ir.Node]) -> Kernel:
        first, result = chain[0], output(chain[-1])
        inside = {output(node) for node in chain}
        read: dict[tuple[ir.Value, bool], int] = {}
        weights: dict[ir.Value, int] = {}
        for value in (each for node in chain for each in node.inputs if each is not None):
            source, as_int8 = _source(value)
            if source.is_initializer() or constant(source) is not None:
                weights[source] = _elements(source) * (1 if as_int8 else _width(source))
            elif source not in inside:
                read[source, as_int8] = _elements(source) * (1 if as_int8 else self._written(source))
        written = sum(_elements(each) * self._written(each) for each in (result, *chain[-1].outputs[1:]))
        moved = written + (written if first.op_type in _READS_A_PART else sum(read.values()))
        family, extents = _extents(first)
        own = self._own_precision(first, result, any(as_int8 for _, as_int8 in read))
        return Kernel(
            name=first.name or result.name or "",
            kind=" + ".join([kind(first), *(node.op_type for node in chain[1:])]),
            family=family + own,
            moved_bytes=moved,
            weight_bytes=sum(weights.values()),
            **extents,
        )

    def _own_precision(self, first: ir.Node, result: ir.Value, reads_int8: bool) -> str:
        """Return what a kernel of a quantized graph computes in, where that is not what such graphs have."""
        if not self._quantized or first.op_type == "QuantizeLinear":
            return ""
        half = result.dtype == ir.DataType.FLOAT16 and not self._is_int8(result)
        is_float = first.op_type in _MATRIX and not reads_int8
        return " in fp16" if half and not reads_int8 else " in fp32" if is_float else ""

    def _written(self, value: ir.Value) -> int:
        return 1 if self._is_int8(value) else _width(value)

    def _is_int8(self, value: ir.Value) -> bool:
        """Tell whether all that read a value read it in int8, so that it is written so."""
        if not self._quantized or not value.uses() or value.producer() is None or value.is_graph_output():
            return False
        if value not in self._held:
            self._held[value] = False  # a graph has no circles; this only ends the search early
            self._held[value] = all(
                node.op_type == "QuantizeLinear" or (node.op_type in _INT8_ON and self._is_int8(output(node)))
                for node, _ in value.uses()
            )
        return self._held[value]


def _is_free(node: ir.Node) -> bool:
    """Tell whether a node costs nothing: a view, a pair on a weight, or what a kernel before it does."""
    source, as_int8 = _source(node.inputs[0]) if node.inputs and node.inputs[0] is not None else (None, False)
    if source is None or source.is_initializer():
        return node.op_type in (*_VIEWS, "QuantizeLinear", "Constant")
    if node.op_type == "QuantizeLinear" or (node.op_type == "Cast" and not as_int8):
        return source.producer() is not None  # else it brings the input to what the first layer reads
    return node.op_type in _VIEWS


def _source(value: ir.Value) -> tuple[ir.Value, bool]:
    """Return the value behind views and pairs that lies in memory, and whether it is read in int8."""
    as_int8 = False
    while (maker := value.producer()) is not None and maker.inputs and maker.inputs[0] is not None:
        if maker.op_type not in (*_VIEWS, "QuantizeLinear"):
            break
        as_int8 = as_int8 or maker.op_type in ("DequantizeLinear", "QuantizeLinear")
        value = maker.inputs[0]
    return value, as_int8


def _swish(value: ir.Value) -> list[ir.Node]:
    """Return the gate and the Mul of x * gate(x), where nothing else reads either."""
    readers = {node for node, _ in value.uses()}
    gates = [node for node in readers if node.op_type in _GATES]
    rest = readers - {*gates}
    if value.is_graph_output() or len(gates) != 1 or len(rest) != 1:
        return []
    (product,) = rest
    return (
        [gates[0], product] if product.op_type == "Mul" and only_reader(output(gates[0])) is product else []
    )


def _elements(value: ir.Value) -> int:
    return math.prod(static_shape(value))


def _width(value: ir.Value) -> int:
    """Return the bytes of an element as the graph has it."""
    return 4 if value.dtype is None else math.ceil(value.dtype.itemsize)


def _extents(node: ir.Node) -> tuple[str, dict[str, int]]:
    """Return the family of a kernel, and how much it computes."""
    if node.op_type in _MATRIX:
        return _matrix(node)
    shape = static_shape(output(node))
    columns = shape[1] if len(shape) > 1 else 1
    extents = {"positions": math.prod(shape) // max(1, columns), "columns": columns}
    if node.op_type in _POOLS:
        return POOLING, extents | {"taps": math.prod(attribute(node, "kernel_shape", (1,)))}
    if node.op_type in _REDUCTIONS:
        return REDUCTION, extents
    pointwise = node.op_type in (*_UNARY, *_BINARY, "Cast", "QuantizeLinear")
    return POINTWISE if pointwise else operator(node), extents


def _matrix(node: ir.Node) -> tuple[str, dict[str, int]]:
    assert node.inputs[0] is not None
    assert node.inputs[1] is not None
    image, weight, shape = (static_shape(each) for each in (*node.inputs[:2], output(node)))  # type: ignore[arg-type]
    if node.op_type in ("Gemm", "MatMul"):
        rows = math.prod(shape[:-1])
        depth = image[0] if attribute(node, "transA", 0) else image[-1]
        return DENSE, {"positions": rows, "columns": shape[-1], "depth": depth}
    groups, taps = attribute(node, "group", 1), math.prod(weight[2:])
    if node.op_type == "ConvTranspose":
        positions = image[0] * math.prod(image[2:])
        extents = {"positions": positions, "columns": weight[1] * taps, "depth": weight[0] // groups}
        return TRANSPOSED, extents | {"groups": groups}
    extents = {"positions": shape[0] * math.prod(shape[2:]), "columns": weight[0] // groups}
    extents |= {"depth": weight[1], "taps": taps, "groups": groups}
    if groups > 1:
        return DEPTHWISE if weight[1] == 1 else GROUPED, extents
    return DENSE if extents["positions"] == 1 else CONVOLUTION, extents
