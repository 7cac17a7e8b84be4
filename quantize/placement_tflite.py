"""Where TFLite wants pairs: on every value that an integer kernel reads or writes.

    x → Conv → Relu → MaxPool → y        pairs on x, the weight, Relu's output and y; these two share theirs

Rules by operator. An operator that fuses applies the activation behind it itself, so that nothing stands
between the two. One that shares has one scale and zero point on inputs and output, since its kernel only
moves or compares numbers. One with a fixed grid always writes that. Source: TensorFlow Lite's 8-bit
quantization specification.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.activations import bounds, fused_activation
from edgecnn.graph.nodes import constant, describe, output
from edgecnn.quantize.grid import Grid
from edgecnn.quantize.groups import Groups
from edgecnn.quantize.placement import CHANNEL_AXES, Placement, layer_weights


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How an operator computes in int8.

    Attributes:
        every: whether all its inputs are data, not only the first.
        weighted: whether its second input is a weight, quantized symmetrically.
        shares: whether inputs and output have one grid.
        fixed: the grid that its output always has.
        fuses: whether it applies the activation that follows it itself.
    """

    every: bool = False
    weighted: bool = False
    shares: bool = False
    fixed: Grid | None = None
    fuses: bool = False


_FLOAT = Rule(every=True)
_OWN = Rule()
_UNIT = Grid(scale=1 / 256, zero_point=-128)
_SHARING = (
    "AveragePool Clip DepthToSpace Flatten GlobalMaxPool MaxPool Pad ReduceMax Reshape Resize Slice"
    " SpaceToDepth Squeeze Transpose Unsqueeze"
)
_KNOWN_LIMITS = ((0.0, 6.0), (0.0, float("inf")), (-1.0, 1.0))  # RELU6, RELU and RELU_N1_TO_1 rescale

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(CHANNEL_AXES, Rule(weighted=True, fuses=True)),
    **dict.fromkeys(("Add", "Mul", "Sub"), Rule(every=True, fuses=True)),
    **dict.fromkeys("Elu GlobalAveragePool HardSwish LeakyRelu ReduceMean ReduceSum Relu".split(), _OWN),
    **dict.fromkeys(_SHARING.split(), Rule(shares=True)),
    "Concat": Rule(every=True, shares=True),
    "HardSigmoid": Rule(fixed=Grid(scale=1 / 255, zero_point=-128)),  # ends where its bounds are
    "LogSoftmax": Rule(fixed=Grid(scale=16 / 256, zero_point=127)),
    "PRelu": Rule(every=True),
    "Sigmoid": Rule(fixed=_UNIT),
    "Softmax": Rule(fixed=_UNIT),
    "Tanh": Rule(fixed=Grid(scale=1 / 128, zero_point=0)),
}


def place_for_tflite(
    model: ir.Model, allow_float: Collection[str] = (), keep_float: Collection[str] = ()
) -> Placement:
    """Place the pairs of a folded float graph.

    Args:
        model: the graph.
        allow_float: operators that may stay in float where they have no int8 form.
        keep_float: names of nodes that stay in float.

    Raises:
        EdgeCnnError: operators that have no int8 form, all of them named.
    """
    rules = _rules(model, allow_float, keep_float)
    fused = {output(node) for node, rule in rules.items() if rule.fuses and fused_activation(node)}
    activations: dict[ir.Value, None] = dict.fromkeys(model.graph.inputs)
    for node, rule in rules.items():
        read = [value for _, value in _data(node, rule)]
        activations.update(dict.fromkeys(value for value in [*read, output(node)] if value not in fused))
    groups, fixed, rescaled = _share(rules)
    return Placement(
        activations=tuple(activations),
        groups=groups,
        fixed=fixed,
        derived=frozenset(output(node) for node, rule in rules.items() if rule.shares),
        weights=layer_weights(node for node, rule in rules.items() if rule.weighted),
        rescaled=tuple(rescaled),
    )


def _rules(model: ir.Model, allow_float: Collection[str], keep_float: Collection[str]) -> dict[ir.Node, Rule]:
    rules: dict[ir.Node, Rule] = {}
    unknown: list[ir.Node] = []
    for node in model.graph:
        rule = None if node.domain else RULES.get(node.op_type)
        if node.name in keep_float or (rule is None and node.op_type in allow_float):
            rules[node] = _FLOAT
        elif rule is None:
            unknown.append(node)
        else:
            rules[node] = _OWN if node.op_type == "Clip" and bounds(node) in _KNOWN_LIMITS else rule
    _refuse(unknown)
    return rules


def _refuse(unknown: Sequence[ir.Node]) -> None:
    if unknown:
        names = sorted({node.op_type for node in unknown})
        operators, verb = ", ".join(names), "has" if len(names) == 1 else "have"
        raise EdgeCnnError(
            f"{operators} {verb} no int8 form ({describe(unknown[0])}); let it stay in float with"
            f" --allow-float {operators.replace(' ', '')}, or replace it in the network"
        )


def _data(node: ir.Node, rule: Rule) -> list[tuple[int, ir.Value]]:
    """Return the inputs that are quantized as activations are, with their indices."""
    given = list(enumerate(node.inputs)) if rule.every else [(0, node.inputs[0])]
    found = [(index, value) for index, value in given if value is not None]
    floats = [(index, value) for index, value in found if value.dtype == ir.DataType.FLOAT]
    return [each for each in floats if rule is not _FLOAT or constant(each[1]) is None]


def _share(
    rules: Mapping[ir.Node, Rule],
) -> tuple[Groups[ir.Value], dict[ir.Value, Grid], list[tuple[ir.Node, int]]]:
    """Return which values share a grid, the grids that are dictated, and where both contradict each other."""
    groups: Groups[ir.Value] = Groups()
    fixed: dict[ir.Value, Grid] = {}
    rescaled: list[tuple[ir.Node, int]] = []
    for node, rule in rules.items():
        result, data = output(node), _data(node, rule)
        if rule.fixed is not None:
            fixed[result] = rule.fixed
        if not rule.shares:
            continue
        dictated = {fixed.get(value) for _, value in data}
        if len(dictated) == 1 and None not in dictated:
            fixed[result] = fixed[data[0][1]]
        for index, value in data:
            if value in fixed and result not in fixed:
                rescaled.append((node, index))
            else:
                groups.join(value, result)
    return groups, fixed, rescaled
