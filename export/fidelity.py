"""Does a quantized file compute what its Q/DQ graph says? Counted in steps, the scale of a value.

Layer by layer: the graph is cut at every pair. ONNX Runtime gets the file's own value behind each pair and
computes up to the next one, so that no error is carried from layer to layer:

    steps(v) = max |v_file - v_onnx| / scale(v) <= 1

Biases are rounded before to what int32 can hold, multiples of s_in s_w: where that is larger than the scale
of the result, no file can do better.

End to end: ONNX Runtime's two ways to run the graph, with and without its optimizations, differ by some
steps already where rounding goes another way and grows; the file may be one further from the nearer of them.
On a handful of pictures these steps are chance themselves, so a quarter of them is allowed on top:

    steps(file, nearer) <= 1.25 steps(one, other) + 1
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgecnn.errors import VerificationError
from edgecnn.graph.nodes import attribute, constant, output
from edgecnn.runtime import Runner

MOST_STEPS = 1
_CHANCE = 1.25
_FLOAT_STEPS = 255
_ROUNDING = 0.01  # float32 values are whole steps but for their own rounding
_DQ = "DequantizeLinear"
_BIASED = ("Conv", "ConvTranspose", "Gemm")


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How far a file is from its graph, in steps of the output.

    Attributes:
        step: of the output, in its unit: its scale, or a 255th of its range where it is float32.
        steps: from the nearer of ONNX Runtime's two results.
        own_steps: from one of these results to the other.
    """

    step: float
    steps: float
    own_steps: float

    @property
    def allowed(self) -> float:
        """The steps allowed: one more than ONNX Runtime's own, and their chance."""
        return _CHANCE * self.own_steps + MOST_STEPS + _ROUNDING

    @property
    def holds(self) -> bool:
        """Whether the file is within the steps allowed."""
        return self.steps <= self.allowed


def fidelity(model: ir.Model, runner: Runner, images: np.ndarray) -> Fidelity:
    """Compare the outputs of a file for images (n, c, h, w) with those of its graph."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    found = runner(images)
    plain, optimized = (OnnxRunner(model, optimize=optimize)(images) for optimize in (False, True))
    step = _output_step(model, plain)
    return Fidelity(
        step=step,
        steps=min(_distance(found, other) for other in (plain, optimized)) / step,
        own_steps=_distance(plain, optimized) / step,
    )


def layer_steps(model: ir.Model, values: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return for each paired value how many steps the file is from ONNX Runtime on the file's own inputs.

    Args:
        model: the Q/DQ graph.
        values: of the file on one image, by the ONNX name of what a QuantizeLinear reads, in real numbers.
    """
    from edgecnn.runtime.onnx_runner import run_graph

    cut = model.clone()
    _round_biases(cut.graph)
    pairs = {name: pair for name, pair in _pairs(cut).items() if name in values}
    found = {name: _on_grid(values[name], pair) for name, pair in pairs.items()}
    given = {str(value.name): values[str(value.name)] for value in cut.graph.inputs if value.name in values}
    cut.graph.outputs.clear()
    for name, pair in pairs.items():
        given[f"{name}:given"] = found[name]
        _feed(cut.graph, output(pair), f"{name}:given")
    computed = run_graph(cut, given, [str(output(pair).name) for pair in pairs.values()])
    return {
        name: _distance(computed[str(output(pair).name)], found[name]) / _step(pair)
        for name, pair in pairs.items()
    }


def _round_biases(graph: ir.Graph) -> None:
    """Round, in place, each bias of an int8 layer to a multiple of the scale that its int32 has."""
    for node in graph:
        old = node.inputs[2] if node.op_type in _BIASED and len(node.inputs) > 2 else None
        bias = constant(old)
        image, weight = (_scale_behind(value) for value in (*node.inputs[:2], None, None)[:2])
        gain, beta = attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)
        if old is None or bias is None or image is None or weight is None or beta == 0:
            continue
        products = image.astype(np.float64).ravel() * weight.ravel() * (gain / beta)
        rounded = (np.rint(bias.ravel() / products) * products).astype(np.float32)
        tensor = ir.Tensor(rounded, name=f"{output(node).name}:bias")
        value = ir.Value(name=tensor.name, const_value=tensor, shape=tensor.shape)
        value.dtype = tensor.dtype
        graph.register_initializer(value)
        node.replace_input_with(2, value)
        if not old.uses():
            graph.initializers.pop(str(old.name))


def _scale_behind(value: ir.Value | None) -> np.ndarray | None:
    node = None if value is None else value.producer()
    return constant(node.inputs[1]) if node is not None and node.op_type == _DQ else None


def _pairs(model: ir.Model) -> dict[str, ir.Node]:
    """Return the DequantizeLinear of every paired activation, by the name of what is quantized."""
    found = {}
    for node in model.graph:
        quantize = node.inputs[0].producer() if node.op_type == _DQ and node.inputs[0] is not None else None
        value = None if quantize is None else quantize.inputs[0]
        if quantize is not None and value is not None and constant(value) is None:
            found[str(value.name)] = node
    return found


def _feed(graph: ir.Graph, value: ir.Value, name: str) -> None:
    """Let everything that reads `value` read an input of the graph instead."""
    fed = ir.Value(name=name, shape=value.shape, type=ir.TensorType(ir.DataType.FLOAT))
    ir.convenience.replace_all_uses_with(value, fed)
    graph.inputs.append(fed)


def _on_grid(array: np.ndarray, pair: ir.Node) -> np.ndarray:
    """Return float32 values as the pair gives them."""
    scale, zero = constant(pair.inputs[1]), constant(pair.inputs[2])
    assert scale is not None
    assert zero is not None
    limits = np.iinfo(zero.dtype)
    steps = np.clip(np.rint(array / scale) + zero.astype(np.float32), limits.min, limits.max)
    return np.asarray((steps - zero) * scale, np.float32)


def _step(pair: ir.Node) -> float:
    scale = constant(pair.inputs[1])
    assert scale is not None
    return float(scale.item())


def _output_step(model: ir.Model, outputs: np.ndarray) -> float:
    """Return the scale of the output; of one that stayed in float32, a 255th of its range."""
    node = model.graph.outputs[0].producer()
    if node is not None and node.op_type == _DQ:
        return _step(node)
    return float(np.ptp(outputs)) / _FLOAT_STEPS or 1.0


def _distance(left: np.ndarray, right: np.ndarray) -> float:
    if left.shape != right.shape:
        raise VerificationError(f"the quantized file gives {left.shape} where the graph gives {right.shape}")
    return float(np.abs(left.astype(np.float64) - right).max(initial=0.0))


def check_layers(model: ir.Model, values: Mapping[str, np.ndarray]) -> None:
    """Raise `VerificationError` that names the layer of the file that is furthest from the graph's."""
    steps = layer_steps(model, values)
    worst = max(steps, key=lambda name: steps[name], default=None)
    if worst is not None and not steps[worst] <= MOST_STEPS + _ROUNDING:
        raise VerificationError(
            f"{worst!r} of the quantized file is {steps[worst]:.1f} steps from the graph's, where"
            f" {MOST_STEPS} is allowed"
        )
