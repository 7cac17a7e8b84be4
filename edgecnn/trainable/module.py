"""`Trainable`: the module that runs a graph's plan."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.roles import STATISTIC
from edgecnn.trainable.plan import Plan
from edgecnn.trainable.weights import Weight

_CONSTANTS = "constants_of_the_graph"


class _Scope(nn.Module):
    """Holds the weights whose names begin alike, as the parts of the original module did."""


class Trainable(nn.Module):
    """A graph as a module: (n, ...) → (n, ...), for any number n of images.

    Parameters, statistics and, where they are trained, scales are in the state dict, under the names of the
    graph's initializers. `edgecnn.trainable.to_graph` gives the graph with the values of the moment.

    In training mode BatchNorm takes the batch's statistics and updates the running ones, and Dropout drops.
    """

    def __init__(self, plan: Plan, *, frozen: frozenset[str]) -> None:
        super().__init__()
        self._plan = plan
        # Where each weight and constant is, by place; looked up anew at each call, since it may be replaced.
        self._leaves: list[tuple[int, nn.Module, str]] = []
        for number, weight in enumerate(plan.weights):
            tensor = _content(plan.model, weight)
            parameter = weight.role != STATISTIC
            leaf = nn.Parameter(tensor, requires_grad=weight.name not in frozen) if parameter else tensor
            self._leaves.append((len(plan.inputs) + number, *self._add(weight, leaf)))
        self._add_constants(plan)

    def forward(self, *inputs: Tensor) -> Any:
        """Return the graph's output, or a tuple where it has several."""
        plan, training = self._plan, self.training
        plan.check([each.shape for each in inputs])
        values: list[Any] = [*inputs, *[None] * (plan.places - len(inputs))]
        for place, scope, name in self._leaves:
            values[place] = getattr(scope, name)
        for step in plan.steps:
            arguments = [values[place] for place in step.reads]
            result = step.function(training, *arguments) if step.by_mode else step.function(*arguments)
            if step.spreads:
                for place, part in zip(step.writes, result, strict=True):
                    values[place] = part
            else:
                values[step.writes[0]] = result
            for place in step.frees:
                values[place] = None
        results = tuple(values[place] for place in plan.outputs)
        return results[0] if len(results) == 1 else results

    def places(self) -> list[tuple[Weight, nn.Module, str]]:
        """Return each weight, the module that holds it, and its name there: to freeze or parametrize it."""
        leaves = self._leaves[: len(self._plan.weights)]
        return [
            (weight, scope, name) for weight, (_, scope, name) in zip(self._plan.weights, leaves, strict=True)
        ]

    def _now(self) -> tuple[Plan, list[Tensor]]:
        """Return the plan, and the tensors of its weights as the next call would read them."""
        leaves = self._leaves[: len(self._plan.weights)]
        return self._plan, [getattr(scope, name) for _, scope, name in leaves]

    def _add(self, weight: Weight, leaf: Tensor) -> tuple[nn.Module, str]:
        """Register a weight under its initializer's name, dots opening scopes; return where it is."""
        *scopes, name = self._path(weight)
        scope: nn.Module = self
        for part in scopes:
            if part not in scope._modules:
                scope.add_module(part, _Scope())
            scope = scope.get_submodule(part)
        if isinstance(leaf, nn.Parameter):
            scope.register_parameter(name, leaf)
        else:
            scope.register_buffer(name, leaf)
        return scope, name

    def _path(self, weight: Weight) -> list[str]:
        """Return a path that is free: what begins with another weight's or a method's name has no dots."""
        parts = [part for part in weight.name.split(".") if part] or ["weight"]
        if not self._is_free(parts):
            parts = ["_".join(parts)]
        while not self._is_free(parts):
            parts[-1] += "_"
        return parts

    def _is_free(self, parts: Sequence[str]) -> bool:
        scope: nn.Module = self
        for part in parts[:-1]:
            if part in scope._modules:
                scope = scope.get_submodule(part)
            else:
                return not hasattr(scope, part)
        return not hasattr(scope, parts[-1])

    def _add_constants(self, plan: Plan) -> None:
        scope = _Scope()
        self.add_module(_CONSTANTS, scope)
        for place, array in plan.constants.items():
            scope.register_buffer(str(place), torch.from_numpy(np.array(array)), persistent=False)
            self._leaves.append((place, scope, str(place)))


def _content(model: ir.Model, weight: Weight) -> Tensor:
    """Return a copy of an initializer's content, so that training never writes to the graph."""
    content = model.graph.initializers[weight.name].const_value
    if content is None:
        raise EdgeCnnError(f"initializer {weight.name!r} has no content; open the network with its weights")
    if content.dtype is ir.DataType.BFLOAT16:
        raise EdgeCnnError(f"initializer {weight.name!r} is of type bfloat16, which cannot be trained here")
    return torch.from_numpy(np.array(content.numpy()))
