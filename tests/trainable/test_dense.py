import pytest

from .onnx_text import assert_runs, draw, floats

CASES = {
    "Gemm": {"body": "y = Gemm (x, w, b)", "w": draw(5, 3), "b": draw(3), "x": (1, 5)},
    "Gemm, transposed": {"body": "y = Gemm <transB = 1> (x, w)", "w": draw(3, 5), "x": (1, 5)},
    "Gemm with factors": {
        "body": "y = Gemm <transB = 1, alpha = 0.5, beta = 2.0> (x, w, b)",
        "w": draw(3, 5),
        "b": draw(3),
        "x": (1, 5),
    },
    "Gemm of one bias": {"body": "y = Gemm (x, w, b)", "w": draw(5, 3), "b": draw(1, 1), "x": (1, 5)},
    "Gemm of a number": {"body": "y = Gemm (x, w, b)", "w": draw(5, 3), "b": floats(2.0)[0], "x": (1, 5)},
    "Gemm, both transposed": {
        "body": "t = Transpose (x) y = Gemm <transA = 1, transB = 1> (t, w)",
        "w": draw(3, 5),
        "x": (1, 5),
    },
    "Gemm of weights first": {
        "body": "t = Gemm <transB = 1> (w, x) y = Transpose (t)",
        "w": draw(3, 5),
        "x": (1, 5),
    },
    "MatMul": {"body": "y = MatMul (x, w)", "w": draw(5, 3), "x": (1, 5)},
    "MatMul by image": {"body": "t = Transpose <perm = [0, 1, 3, 2]> (x) y = MatMul (x, t)"},
    "MatMul of maps": {"body": "y = MatMul (w, x)", "w": draw(3, 7)},
    "MatMul of maps by channel": {"body": "y = MatMul (x, w)", "w": draw(4, 6, 2)},
    "MatMul of columns": {
        "body": "t = Transpose (x) m = MatMul (w, t) y = Transpose (m)",
        "w": draw(3, 5),
        "x": (1, 5),
    },
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
