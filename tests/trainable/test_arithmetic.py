import numpy as np
import pytest

from .onnx_text import assert_runs, draw, floats, ints

CASES = {
    "Add of a channel": {"body": "y = Add (x, b)", "b": draw(4, 1, 1)},
    "Add of more axes": {
        "body": "s = Add (b, x) y = Squeeze (s, axes)",
        "b": draw(1, 1, 1, 1, 1),
        "axes": ints(0),
    },
    "Sub from a number": {"body": "y = Sub (b, x)", "b": np.float32(1.7159)},
    "Sub of a tensor": {"body": "y = Sub (x, b)", "b": draw(1, 4, 1, 6)},
    "Mul by a number in a list": {"body": "y = Mul (x, b)", "b": floats(0.1)},
    "Div of a number": {"body": "e = Exp (x) y = Div (b, e)", "b": np.float32(3)},
    "Pow": {"body": "y = Pow (x, b)", "b": np.float32(2)},
    "Pow of an integer": {"body": "y = Pow (x, b)", "b": np.int64(3)},
    "Pow of tensors": {"body": "e = Exp (x) y = Pow (e, b)", "b": draw(4, 1, 1)},
    "of itself": {"body": "y = Mul (x, x)"},
    "Sum of three": {"body": "r = Relu (x) y = Sum (x, r, b)", "b": draw(6)},
    "Mean of three": {"body": "r = Relu (x) y = Mean (x, r, b)", "b": draw(6)},
    "Max": {"body": "n = Neg (x) y = Max (x, n, b)", "b": np.float32(0.5)},
    "Min": {"body": "y = Min (x, b)", "b": draw(4, 1, 1)},
    "Where": {"body": "g = Greater (x, b) n = Neg (x) y = Where (g, x, n)", "b": np.float32(0.1)},
    "Where of constants": {
        "body": "g = Less (x, b) y = Where (g, x, c)",
        "b": np.float32(0.1),
        "c": np.float32(2),
    },
    "comparisons": {
        "body": "p = GreaterOrEqual (x, b) q = LessOrEqual (x, c)"
        " o = And (p, q) n = Not (o) y = Cast <to = 1> (n)",
        "b": np.float32(-0.5),
        "c": np.float32(0.5),
    },
    "Or, Xor and Equal": {
        "body": "p = Greater (x, b) q = Equal (x, x) r = Or (p, q) s = Xor (p, r) y = Cast <to = 1> (s)",
        "b": np.float32(0.2),
    },
    "integers": {
        "body": "k = Cast <to = 7> (x) d = Div (k, b) s = Mul (k, k) p = Add (s, c) q = Div (b, p)"
        " t = Add (d, q) y = Cast <to = 1> (t)",
        "b": np.int64(20),
        "c": np.int64(1),
        "scaled": 9,
    },
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
