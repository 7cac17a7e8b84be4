import numpy as np
import pytest

from .onnx_text import assert_runs, draw, ints

CASES = {
    "Flatten": {"body": "y = Flatten (x)"},
    "Flatten from the last": {"body": "y = Flatten <axis = -3> (x)"},
    "Reshape to the graph's batch": {"body": "y = Reshape (x, s)", "s": ints(1, 28, 6)},
    "Reshape with the rest": {"body": "y = Reshape (x, s)", "s": ints(1, -1)},
    "Reshape with the batch as the rest": {"body": "y = Reshape (x, s)", "s": ints(-1, 168)},
    "Reshape that copies": {"body": "y = Reshape (x, s)", "s": ints(0, 0, -1)},
    "Reshape behind a transposition": {
        "body": "t = Transpose <perm = [1, 0, 2, 3]> (x) r = Reshape (t, s)"
        " y = Transpose <perm = [1, 0, 2]> (r)",
        "s": ints(4, 1, 42),
    },
    "channel shuffle": {
        "body": "r = Reshape (x, s) t = Transpose <perm = [0, 2, 1, 3, 4]> (r) y = Reshape (t, u)",
        "s": ints(1, 2, 2, 7, 6),
        "u": ints(1, 4, 7, 6),
    },
    "Reshape to a computed shape": {
        "body": "h = Shape (x) b = Gather (h, zero) u = Unsqueeze (b, axes)"
        " s = Concat <axis = 0> (u, rest) y = Reshape (x, s)",
        "y": (1, 168),
        "zero": np.int64(0),
        "axes": ints(0),
        "rest": ints(-1),
    },
    "Reshape to a constant of a node": {
        "body": "s = Constant <value_ints = [1, 24, 7]> () y = Reshape (x, s)"
    },
    "Transpose": {"body": "y = Transpose <perm = [0, 2, 3, 1]> (x)"},
    "Squeeze": {"body": "m = GlobalAveragePool (x) y = Squeeze (m, axes)", "axes": ints(2, -1)},
    "Unsqueeze": {"body": "y = Unsqueeze (x, axes)", "axes": ints(1, -1)},
    "Unsqueeze before the images": {
        "body": "u = Unsqueeze (x, axes) s = Squeeze (u, axes) y = Relu (s)",
        "axes": ints(0),
    },
    "Expand": {"body": "m = GlobalAveragePool (x) y = Expand (m, s)", "s": ints(1, 4, 3, 2)},
    "Expand of fewer axes": {"body": "y = Expand (x, s)", "s": ints(7, 1)},
    "Expand of a constant": {
        "body": "e = Expand (c, s) y = Mul (x, e)",
        "c": draw(4, 1, 1),
        "s": ints(1, 4, 7, 6),
    },
    "Tile": {"body": "y = Tile (x, r)", "r": ints(1, 2, 1, 3)},
    "DepthToSpace": {"body": "y = DepthToSpace <blocksize = 2> (x)", "x": (1, 8, 3, 2)},
    "DepthToSpace CRD": {"body": 'y = DepthToSpace <blocksize = 2, mode = "CRD"> (x)', "x": (1, 8, 3, 2)},
    "SpaceToDepth": {"body": "y = SpaceToDepth <blocksize = 2> (x)", "x": (1, 3, 4, 6)},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
