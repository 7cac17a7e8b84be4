"""What a layer reads and gives at places drawn from its output's map, as rows of a matrix.

Y[p, o] = Σ_(c, i, j) X[p, (c, i, j)] W[o, (c, i, j)]        one row X[p] for each place p and picture
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.graph.nodes import attribute, output, static_shape

Places = np.ndarray  # (parts, places, 2), rows and columns of an output; no places where it is no map


def draw_places(node: ir.Node, parts: int, each: int, draw: np.random.Generator) -> Places:
    """Draw so many places of a layer's output for each part of the pictures, at most as many as there are."""
    shape = static_shape(output(node))
    if len(shape) < 4:
        return np.zeros((parts, 0, 2), np.int64)
    size = (parts, min(each, shape[2] * shape[3]))
    return np.stack([draw.integers(0, shape[2], size), draw.integers(0, shape[3], size)], axis=2)


def outputs_at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return rows (pictures x places, c) of an output (n, c, h, w), or (n, c) as it is."""
    if values.ndim == 2:
        return values
    at = values[:, :, places[:, 0], places[:, 1]]
    return at.transpose(0, 2, 1).reshape(-1, values.shape[1])


def inputs_of(node: ir.Node, parts: Sequence[np.ndarray], places: Places) -> np.ndarray:
    """Return rows (parts x pictures x places, groups, columns) of what a layer reads, float32."""
    rows = [_windows(node, part, each) for part, each in zip(parts, places, strict=True)]
    joined = np.concatenate(rows)
    return joined.reshape(len(joined), attribute(node, "group", 1), -1)


def _windows(node: ir.Node, values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the windows (n x places, c x h x w) of an input (n, c, h, w); (n, c) as it is."""
    if values.ndim == 2:
        return values
    top, left, bottom, right = attribute(node, "pads", (0, 0, 0, 0))
    padded = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)))
    along = [
        places[:, axis, None] * attribute(node, "strides", (1, 1))[axis]
        + np.arange(static_shape(node.inputs[1])[2 + axis]) * attribute(node, "dilations", (1, 1))[axis]  # type: ignore[arg-type]
        for axis in (0, 1)
    ]
    found = padded[:, :, along[0][:, :, None], along[1][:, None, :]]  # (n, c, places, h, w)
    return found.transpose(0, 2, 1, 3, 4).reshape(len(values) * len(places), -1)
