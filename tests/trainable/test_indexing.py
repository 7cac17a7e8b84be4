import numpy as np
import pytest

from .onnx_text import assert_runs, draw, ints

CASES = {
    "Slice": {"body": "y = Slice (x, s, e)", "s": ints(0, 1), "e": ints(1, 3)},
    "Slice with axes and steps": {
        "body": "y = Slice (x, s, e, axes, t)",
        "s": ints(1, -5),
        "e": ints(1000, -1),
        "axes": ints(1, -1),
        "t": ints(2, 3),
    },
    "Slice backwards": {
        "body": "y = Slice (x, s, e, axes, t)",
        "s": ints(-1, 4),
        "e": ints(-(2**63) + 1, 0),
        "axes": ints(1, 2),
        "t": ints(-1, -2),
    },
    "Slice of all": {"body": "y = Slice (x, s, e)", "s": ints(0, 0), "e": ints(1, 4)},
    "Split": {"body": "p, q = Split <axis = 1> (x) y = Mul (p, q)"},
    "Split into unequal parts": {"body": "p, q = Split <axis = 1> (x, s) y = Mul (p, q)", "s": ints(3, 1)},
    "Gather": {"body": "y = Gather <axis = 1> (x, k)", "k": ints(2, 0, -1)},
    "Gather of one": {"body": "y = Gather <axis = 2> (x, k)", "k": np.int64(3)},
    "Gather of a table": {"body": "y = Gather <axis = -1> (x, k)", "k": np.array([[0, 1], [5, 2]], np.int64)},
    "Concat": {"body": "r = Relu (x) y = Concat <axis = 1> (x, r, x)"},
    "Concat with a constant": {"body": "y = Concat <axis = -3> (c, x)", "c": draw(1, 2, 7, 6)},
    "Pad": {"body": "y = Pad (x, p, v)", "p": ints(0, 1, 2, 0, 0, 0, 1, 3), "v": np.float32(0.5)},
    "Pad by nothing said": {"body": "y = Pad (x, p)", "p": ints(0, 1, 0, 0, 0, 0, 0, 0)},
    "Pad that cuts off": {"body": "y = Pad (x, p)", "p": ints(0, 0, -1, 2, 0, 0, -2, 0)},
    "Pad by reflection": {"body": 'y = Pad <mode = "reflect"> (x, p)', "p": ints(0, 0, 2, 1, 0, 0, 3, 0)},
    "Pad by the edge": {"body": 'y = Pad <mode = "edge"> (x, p)', "p": ints(0, 1, 2, 1, 0, 0, 3, 0)},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
