"""How much a unit of channels matters, by its weights or by what the loss would miss.

    l1, l2    Σ |w|,  √ Σ w²                over the filters, rows and columns that go with the unit
    gamma     |γ|                           of the BatchNorms on it (Liu et al. 2017, arXiv:1708.06519)
    taylor    √ Σ_batches (Σ w ∂L/∂w)²      first order (Molchanov et al. 2019, arXiv:1906.10771)

A filter in front of a BatchNorm counts as it stands. Its scale changes no output, but weight decay has drawn
to zero those that the loss did not need; folded, γ w / √(σ² + ε), they look alive again. Fashion-MNIST's
MobileNet at half of its mult-adds had 91.4 % after one epoch of distillation this way and 89.7 % the other
(measured).
Without labels, L is the cross-entropy with the class that the network itself finds most likely.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Value
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.graph.nodes import constant
from edgecnn.graph.roles import PARAMETER, role
from edgecnn.quantize.context import Context
from edgecnn.quantize.dependency.site import FIXED
from edgecnn.quantize.dependency.trace import Dependencies

_PICTURES = 256  # that taylor looks at
_BATCH = 16

Importance = Callable[[Dependencies, Context], np.ndarray]  # (units + 1,), the first of no meaning


def _l1(found: Dependencies, _context: Context) -> np.ndarray:
    return _summed(found, {name: np.abs(array) for name, array in _weights(found).items()})


def _l2(found: Dependencies, _context: Context) -> np.ndarray:
    return np.asarray(np.sqrt(_summed(found, {name: array**2 for name, array in _weights(found).items()})))


def _gamma(found: Dependencies, _context: Context) -> np.ndarray:
    scales = {}
    for node in found.model.graph:
        if node.op_type == "BatchNormalization" and node.inputs[1] is not None:
            array = constant(node.inputs[1])
            if array is not None:
                scales[str(node.inputs[1].name)] = np.abs(array)
    if not scales:
        raise EdgeCnnError("the graph has no BatchNorm to rank by; give importance=l2, or taylor")
    return _summed(found, scales)


def _taylor(found: Dependencies, context: Context) -> np.ndarray:
    if context.images is None:
        raise EdgeCnnError("importance=taylor needs pictures (--images DATA)")
    total = np.zeros(found.units + 1)
    for products in _products(found.model, context):
        total += _summed(found, products) ** 2
    return np.sqrt(total)


def _products(model: ir.Model, context: Context) -> Iterator[Mapping[str, np.ndarray]]:
    """Yield w ∂L/∂w of every weight, batch by batch."""
    import torch
    from torch.nn.functional import cross_entropy

    from edgecnn.quantize.pictures import cut_up
    from edgecnn.trainable import to_module

    assert context.images is not None
    module = to_module(model, freeze_batch_norm=True).train(mode=False)
    for seen, part in enumerate(cut_up(context.images(), _BATCH)):
        if seen * _BATCH >= _PICTURES:
            return
        module.zero_grad()
        outputs = module(torch.from_numpy(part))
        cross_entropy(outputs, outputs.detach().argmax(1)).backward()  # type: ignore[no-untyped-call]
        named = {name: each for name, each in module.named_parameters() if each.grad is not None}
        yield {
            name: (each * each.grad).detach().numpy() for name, each in named.items() if each.grad is not None
        }


IMPORTANCES: dict[str, Importance] = {"l1": _l1, "l2": _l2, "gamma": _gamma, "taylor": _taylor}


def check_ranked(settings: Mapping[str, Value]) -> None:
    """Raise `EdgeCnnError` for an importance that there is not, and a number of pictures that is none."""
    if settings["importance"] not in IMPORTANCES:
        raise UnknownNameError("importance", settings["importance"], IMPORTANCES)
    if int(settings["pictures"]) < 0:
        raise EdgeCnnError(f"pictures={settings['pictures']} is no number of pictures; give 0 or more")


def _weights(found: Dependencies) -> dict[str, np.ndarray]:
    """Return the weights of more than one axis, as they stand."""
    arrays = {}
    for name, value in found.model.graph.initializers.items():
        array = constant(value)
        if array is not None and array.ndim > 1 and array.dtype.kind == "f" and role(value) == PARAMETER:
            arrays[name] = array.astype(np.float64)
    return arrays


def _summed(found: Dependencies, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return for each unit the sum over all that goes with it."""
    total = np.zeros(found.units + 1)
    for name, array in arrays.items():
        for axis, labels in enumerate(found.axes.get(name, ())):
            if (labels != FIXED).any():
                each = array.sum(axis=tuple(other for other in range(array.ndim) if other != axis))
                total += np.bincount(labels, each, len(total))
    return total
