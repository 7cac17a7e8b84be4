"""From the graph to a module that trains, and back."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
import torch

from edgecnn.errors import EdgeCnnError
from edgecnn.graph import roles
from edgecnn.trainable.module import Trainable
from edgecnn.trainable.planning import make_plan
from edgecnn.trainable.weights import SCALE, Weight


def to_module(model: ir.Model, *, freeze_batch_norm: bool = False, train_scales: bool = False) -> Trainable:
    """Return a module that computes what the graph does, for any number of images, and trains.

    Its parameters are the graph's (`edgecnn.graph.roles` says which initializers are), as copies.
    QuantizeLinear and DequantizeLinear act as fake quantization with a straight-through gradient.

    Args:
        model: canonical (see `edgecnn.graph.normalize`), with weights; it is never changed.
        freeze_batch_norm: whether BatchNorm keeps its statistics, scale and shift also in training.
        train_scales: whether quantization scales are parameters, too (learned step size, Esser et al. 2020).

    Returns:
        float32 (n, c, h, w) → float32 (n, ...), for any n.

    Raises:
        EdgeCnnError: an operator or attribute that has no gradient here, or a node that would mix images; the
            node is named, and nothing has run.
    """
    plan = make_plan(model, freeze_batch_norm=freeze_batch_norm, train_scales=train_scales)
    nodes = list(plan.model.graph)
    frozen = {weight.name for weight in plan.weights if freeze_batch_norm and weight.of_batch_norm(nodes)}
    return Trainable(plan, frozen=frozenset(frozen))


def to_graph(module: Trainable) -> ir.Model:
    """Return a new graph with the module's weights as they are now; names, metadata and types are kept.

    What did not change is the same tensor as in the original graph. An initializer that was read in two roles
    and changed in one becomes two.

    Args:
        module: what `to_module` made; it is not changed.

    Returns:
        A graph with the nodes of the one that the module was made of.

    Raises:
        EdgeCnnError: a scale is no longer positive, or a weight has another shape.
    """
    plan, tensors = module._now()
    clone = plan.model.clone()
    by_name: dict[str, list[tuple[Weight, np.ndarray]]] = {}
    for weight, tensor in zip(plan.weights, tensors, strict=True):
        for name in weight.initializers:
            by_name.setdefault(name, []).append((weight, _as_stored(clone.graph.initializers[name], tensor)))
    for name, weights in by_name.items():
        _write(clone.graph, clone.graph.initializers[name], weights)
    return clone


def _as_stored(value: ir.Value, tensor: torch.Tensor) -> np.ndarray:
    """Return the content in the initializer's own type."""
    stored = value.const_value
    assert stored is not None
    if tuple(tensor.shape) != tuple(stored.shape):
        raise EdgeCnnError(
            f"{value.name!r} has the shape {tuple(tensor.shape)} now, and {stored.shape} in the graph"
        )
    return np.array(tensor.detach().cpu().numpy(), stored.numpy().dtype, order="C")


def _write(graph: ir.Graph, value: ir.Value, weights: Sequence[tuple[Weight, np.ndarray]]) -> None:
    """Give an initializer its first weight's content, and every reader what its own weight has become."""
    original = value.const_value
    assert original is not None
    before = original.numpy()
    if all(array.tobytes() == before.tobytes() for _, array in weights):
        return
    first, content = weights[0]
    if first.role == SCALE and not (np.isfinite(content).all() and (content > 0).all()):
        raise EdgeCnnError(f"the scale {value.name!r} became {content.min()}; train at a lower rate")
    positions = {id(node): position for position, node in enumerate(graph)}
    uses = {use: (weight.role, array) for weight, array in weights for use in weight.uses}
    added: dict[bytes, ir.Value] = {content.tobytes(): value}
    for use in list(value.uses()):
        role, array = uses.get((positions[id(use.node)], use.idx), (roles.CONSTANT, before))
        if array.tobytes() not in added:
            added[array.tobytes()] = _initializer(graph, value, role, array)
        use.node.replace_input_with(use.idx, added[array.tobytes()])
    value.const_value = ir.Tensor(content, name=value.name)


def _initializer(graph: ir.Graph, value: ir.Value, role: str, array: np.ndarray) -> ir.Value:
    """Register an initializer like another one, for one role of it."""
    name = f"{value.name}_{role}"
    while name in graph.initializers:
        name += "_"
    new = ir.Value(name=name, shape=value.shape, type=value.type, const_value=ir.Tensor(array, name=name))
    graph.register_initializer(new)
    return new
