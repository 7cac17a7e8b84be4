"""Training a graph of pairs: its scales as factors, its weights within their range.

    s = s_0 exp(θ)          w' = clip(w, -127 s, 127 s),  ∂w'/∂s = ±127 / √(N 127) where w is outside

Both are parametrizations: the module computes with s and w', and s and w' are what is written to the graph.
"""

from collections.abc import Mapping
from dataclasses import replace

import onnx_ir as ir
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from edgecnn.graph.nodes import attribute, constant
from edgecnn.quantize.bare import pairs
from edgecnn.quantize.context import Context
from edgecnn.quantize.grid import HIGHEST
from edgecnn.quantize.learning.lead import lead
from edgecnn.quantize.lesson import Lesson
from edgecnn.quantize.outputs import like, returning
from edgecnn.quantize.placement_tflite import RULES
from edgecnn.quantize.refit import refit
from edgecnn.quantize.teach import Taught, check_pair
from edgecnn.trainable import Trainable, to_graph, to_module
from edgecnn.trainable.weights import Weight

_DICTATED = frozenset(name for name, rule in RULES.items() if rule.fixed is not None)


def teach_rounded(
    student: ir.Model, teacher: ir.Model, context: Context, lesson: Lesson, *, scales: bool
) -> Taught:
    """Return a quantized graph with weights, biases and, where asked for, scales that a teacher has taught.

    Args:
        student: with pairs.
        teacher: its float network.
        context: as `teach` takes it; the training is in float32, whatever precision it asks for.
        lesson: how.
        scales: whether scales learn, too.
    """
    check_pair(student, teacher, lesson)
    assert context.training is not None
    # In 16 bits a value has fewer digits than its place between two steps of the grid needs.
    context = replace(context, training=replace(context.training, precision="fp32"))
    shown = returning(student)
    module = to_module(shown, train_scales=scales)
    _parametrize(module, shown)
    course = lead(module, to_module(returning(teacher)), context, lesson, name="qat")
    return Taught(model=refit(like(student, to_graph(module))), course=course)


def _parametrize(module: Trainable, model: ir.Model) -> None:
    """Make scales factors and keep weights within their range; freeze what an operator dictates."""
    places = {name: place for place in module.places() for name in place[0].initializers}
    for quantize, _ in pairs(model.graph):
        source, scale = quantize.inputs[:2]
        assert source is not None
        assert scale is not None
        _, scope, name = places.get(str(scale.name), (None, None, ""))
        if scope is not None and not parametrize.is_parametrized(scope, name):
            producer = source.producer()
            dictated = producer is not None and producer.op_type in _DICTATED
            getattr(scope, name).requires_grad_(not dictated)
            parametrize.register_parametrization(scope, name, _Factor(getattr(scope, name)))
    for quantize, _ in pairs(model.graph):
        _bound(quantize, places)


def _bound(quantize: ir.Node, places: Mapping[str, tuple[Weight, nn.Module, str]]) -> None:
    """Keep a weight within its range: a parameter behind a symmetric pair."""
    value, scaling, points = quantize.inputs[:3]
    scale, zero = constant(scaling), constant(points)
    if value is None or scaling is None or scale is None or zero is None or zero.any():
        return
    if str(value.name) not in places:
        return
    _, scope, name = places[str(value.name)]
    axis, rank = attribute(quantize, "axis", 1), getattr(scope, name).dim()
    along = None if scale.size == 1 else [-1 if each == axis % rank else 1 for each in range(rank)]
    trained = places.get(str(scaling.name))
    kept = (trained[1], trained[2]) if trained else torch.from_numpy(scale.copy())
    parametrize.register_parametrization(scope, name, _Within(kept, along))


class _Factor(nn.Module):
    """A positive number as exp(θ) of what it was at first."""

    first: Tensor

    def __init__(self, first: Tensor) -> None:
        super().__init__()
        self.register_buffer("first", first.detach().clone())

    def forward(self, logarithm: Tensor) -> Tensor:
        return self.first * logarithm.exp()

    def right_inverse(self, value: Tensor) -> Tensor:
        return (value / self.first).log()


class _Within(nn.Module):
    """A weight that stays within 127 steps of its scale, which is read where it is kept."""

    def __init__(self, scale: "Tensor | tuple[nn.Module, str]", along: list[int] | None) -> None:
        super().__init__()
        if isinstance(scale, Tensor):
            self.register_buffer("scale", scale)
            scale = (self, "scale")
        self._place = (scale,)  # in a tuple, so that the other module does not become a part of this one
        self._along = along

    def forward(self, weight: Tensor) -> Tensor:
        ((scope, name),) = self._place
        scale = getattr(scope, name)
        g = (weight.numel() / scale.numel() * HIGHEST) ** -0.5
        bound = HIGHEST * (scale * g + (scale - scale * g).detach())
        bound = bound if self._along is None else bound.reshape(self._along)
        return torch.minimum(torch.maximum(weight, -bound), bound)

    def right_inverse(self, value: Tensor) -> Tensor:
        return value
