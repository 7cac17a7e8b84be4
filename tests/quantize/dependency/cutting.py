"""What a graph computes without some of its units, found without cutting: their weights are zero."""

import numpy as np
import onnx_ir as ir

from edgecnn.quantize.dependency import Dependencies


def lines(found: Dependencies) -> list[np.ndarray]:
    every = [labels for axes in found.axes.values() for labels in axes]
    return list({labels.tobytes(): labels for labels in every if labels.any()}.values())


def some(found: Dependencies, share: float = 0.5, seed: int = 0) -> np.ndarray:
    """Draw which units are kept; no axis loses all of its places."""
    kept = np.random.default_rng(seed).random(found.units + 1) >= share
    kept[0] = True
    for labels in lines(found):
        if not kept[labels].any():
            kept[labels[0]] = True
    return kept


def silenced(found: Dependencies, kept: np.ndarray) -> ir.Model:
    """Return the graph with zeros wherever a weight belongs to a unit that is not kept."""
    clone = found.model.clone()
    for name, value in clone.graph.initializers.items():
        array = value.const_value.numpy().copy()
        for axis, labels in enumerate(found.axes.get(name, ())):
            if array.dtype.kind == "f":
                np.moveaxis(array, axis, 0)[~kept[labels]] = 0
        value.const_value = ir.Tensor(array, name=name)
    return clone
