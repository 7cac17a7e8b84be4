"""Tiny graphs with QuantizeLinear -> DequantizeLinear pairs, run through ONNX Runtime and LiteRT.

Ranges are the least and greatest values of a batch. The quantizer of the project is not used here, so that
a mistake that both shared would show.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.export.tflite import count_operators, write
from edgecnn.graph.nodes import attribute, constant, output
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.onnx_runner import OnnxRunner

WEIGHT_AXIS = {"Conv": 0, "ConvTranspose": 1, "MatMul": 1}
FUSING = "Add AveragePool BatchNormalization Conv ConvTranspose Gemm MatMul MaxPool Mul Sub".split()
SHARING = (
    "AveragePool Clip Concat Dropout Flatten GlobalMaxPool Identity MaxPool Pad ReduceMax Reshape Resize"
    " Slice Squeeze Transpose Unsqueeze"
).split()
FIXED = {"Sigmoid": (1 / 256, -128), "Softmax": (1 / 256, -128), "LogSoftmax": (1 / 16, 127)}
FIXED["Tanh"] = (1 / 128, 0)


def quantize_graph(
    model: ir.Model,
    batch: np.ndarray,
    *,
    activations: bool = True,
    per_channel: bool = True,
    float_weights: tuple[str, ...] = (),
    unpaired: tuple[str, ...] = (),
) -> ir.Model:
    """Return the graph with pairs, but for weights of the nodes that give `float_weights` and some values."""
    clone = model.clone()
    for node in list(clone.graph):
        if output(node).name not in float_weights:
            _pair_weight(clone.graph, node, per_channel)
    if activations:
        values = [value for value in _paired_values(clone) if value.name not in unpaired]
        grids = _grids(clone, values, batch)
        for value in values:
            _insert(clone.graph, value, *grids[str(value.name)])
    return clone


def _pair_weight(graph: ir.Graph, node: ir.Node, per_channel: bool) -> None:
    places = (0, 1) if node.op_type in ("Add", "Sub", "Mul") else (1,)
    if node.op_type not in ("Add", "Sub", "Mul", "PRelu", "Gemm", *WEIGHT_AXIS):
        return
    for place in places:
        array = constant(node.inputs[place])
        if array is None or array.size == 1 or (node.op_type in ("Add", "Sub", "Mul") and array.ndim == 3):
            continue  # scalars and per-channel constants stay, as a BatchNorm's would
        if node.op_type not in ("Gemm", *WEIGHT_AXIS) or not per_channel:
            scale, axis = np.float32(np.abs(array).max() / 127), 1
        else:
            axis = WEIGHT_AXIS.get(node.op_type, 0 if attribute(node, "transB", 0) else 1)
            others = tuple(set(range(array.ndim)) - {axis})
            scale = (np.maximum(np.abs(array).max(axis=others), 1e-9) / 127).astype(np.float32)
        pair = _pair(graph, node.inputs[place], scale, np.zeros(scale.shape, np.int8), axis)
        node.replace_input_with(place, pair)
        graph.insert_before(node, [pair.producer().inputs[0].producer(), pair.producer()])


def _pair(graph: ir.Graph, value: ir.Value, scale: np.ndarray, zero: np.ndarray, axis: int) -> ir.Value:
    """Return the output of new Q and DQ nodes behind `value`, which are in no graph yet."""
    numbers = []
    for what, array in (("scale", scale), ("zero_point", zero)):
        tensor = ir.tensor(np.asarray(array), name=f"{value.name}.{what}")
        numbers.append(ir.Value(name=tensor.name, const_value=tensor, shape=tensor.shape))
        numbers[-1].dtype = tensor.dtype
        if tensor.name not in graph.initializers:
            graph.register_initializer(numbers[-1])
    attributes = {"axis": axis} if np.ndim(scale) else {}
    stored = ir.node("QuantizeLinear", [value, *numbers], attributes, name=f"{value.name}.quantize")
    back = ir.node(
        "DequantizeLinear", [output(stored), *numbers], attributes, name=f"{value.name}.dequantize"
    )
    shape = value.shape if value.const_value is None else ir.Shape(value.const_value.shape)
    for node, dtype, suffix in ((stored, ir.DataType.INT8, "q"), (back, ir.DataType.FLOAT, "dq")):
        output(node).name, output(node).shape, output(node).dtype = f"{value.name}.{suffix}", shape, dtype
    return output(back)


def _insert(graph: ir.Graph, value: ir.Value, scale: float, zero: int) -> None:
    uses, was_output = list(value.uses()), value.is_graph_output()
    pair = _pair(graph, value, np.float32(scale), np.int8(zero), 0)
    for use in uses:
        use.node.replace_input_with(use.idx, pair)
    if was_output:
        name = str(value.name)
        value.name, pair.name = f"{name}.raw", name
        graph.outputs[list(graph.outputs).index(value)] = pair
    nodes = [pair.producer().inputs[0].producer(), pair.producer()]
    if value.producer() is None:
        graph.insert_before(graph[0], nodes)
    else:
        graph.insert_after(value.producer(), nodes)


def _paired_values(model: ir.Model) -> list[ir.Value]:
    found = list(model.graph.inputs)
    for node in model.graph:
        uses = list(output(node).uses())
        fused = len(uses) == 1 and uses[0].node.op_type in ("Relu", "Clip") and node.op_type in FUSING
        if not fused and node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            found.append(output(node))
    return found


def _grids(model: ir.Model, values: list[ir.Value], batch: np.ndarray) -> dict[str, tuple[float, int]]:
    names = [str(value.name) for value in values]
    seen = OnnxRunner(model, outputs=[name for name in names if name not in _inputs(model)]).values(batch)
    seen |= dict.fromkeys(_inputs(model), batch)
    root = {name: name for name in names}

    def find(name: str) -> str:
        return name if root[name] == name else find(root[name])

    for node in model.graph:
        inputs = [str(value.name) for value in node.inputs if value is not None and value.name in root]
        if node.op_type in SHARING and output(_tail(node)).name in root:
            for name in inputs:
                root[find(name)] = find(str(output(_tail(node)).name))
    grids = {}
    for name in names:
        parts = [seen[other] for other in names if find(other) == find(name)]
        low = min(0.0, *(float(part.min()) for part in parts))
        high = max(0.0, *(float(part.max()) for part in parts))
        scale = np.float32(max(high - low, 1e-6) / 255)
        grids[name] = (float(scale), int(np.rint(-128 - low / scale)))
    for node in model.graph:
        if node.op_type in FIXED:
            grids[str(output(node).name)] = FIXED[node.op_type]
    return grids


def _tail(node: ir.Node) -> ir.Node:
    uses = list(output(node).uses())
    fused = len(uses) == 1 and uses[0].node.op_type in ("Relu", "Clip") and node.op_type in FUSING
    return uses[0].node if fused else node


def _inputs(model: ir.Model) -> list[str]:
    return [str(value.name) for value in model.graph.inputs]


@dataclass(frozen=True)
class Steps:
    """Outputs of both runtimes in steps of the output's grid, and what is in the file."""

    data: bytes
    operators: dict[str, int]
    onnx: np.ndarray
    litert: np.ndarray
    plain: np.ndarray  # LiteRT without XNNPACK

    @property
    def error(self) -> float:
        return float(np.abs(self.onnx - self.litert).max())

    @property
    def plain_error(self) -> float:
        return float(np.abs(self.onnx - self.plain).max())

    @property
    def response(self) -> float:
        return float(np.abs(self.onnx[0] - self.onnx[1]).max())

    @property
    def agrees(self) -> bool:
        """At most one step apart, on outputs that move by many."""
        same_shape = self.onnx.shape == self.litert.shape == self.plain.shape
        return same_shape and max(self.error, self.plain_error) < 1.01 and self.response > 8


def in_steps(model: ir.Model, batch: np.ndarray, *, of: ir.Model | None = None) -> Steps:
    """Run a graph with pairs in ONNX Runtime and `of` (the same where not given) as .tflite."""
    data = write(model if of is None else of)
    scale = constant(output_pair(model).inputs[1]).item()
    return Steps(
        data=data,
        operators=count_operators(data),
        onnx=OnnxRunner(model, optimize=False)(batch) / scale,
        litert=LitertRunner(data)(batch) / scale,
        plain=LitertRunner(data, keep_all=True)(batch) / scale,
    )


def output_pair(model: ir.Model) -> ir.Node:
    """Return the DequantizeLinear that gives the output."""
    node = model.graph.outputs[0].producer()
    assert node is not None
    assert node.op_type == "DequantizeLinear"
    return node


def draw(model: ir.Model, count: int = 6, shift: float = 0.0) -> np.ndarray:
    shape = [int(size) for size in model.graph.inputs[0].shape]
    return np.random.default_rng(0).standard_normal((count, *shape[1:]), np.float32) + np.float32(shift)


@pytest.fixture
def quantize() -> Callable[..., ir.Model]:
    return quantize_graph


@pytest.fixture
def compare_steps() -> Callable[..., Steps]:
    """Quantize a float graph by its own values, and compare."""

    def compare(model: ir.Model, *, shift: float = 0.0, **options: object) -> Steps:
        batch = draw(model, shift=shift)
        return in_steps(quantize_graph(model, batch, **options), batch)

    return compare
