import pytest

from .onnx_text import assert_runs, ints

CASES = {
    f"{name}{', dropping axes' * (1 - keep)}": {
        "body": f"e = Exp (x) y = {name} <keepdims = {keep}, axes = [1, -1]> (e)"
    }
    for name in "L1 L2 LogSum LogSumExp Max Mean Min Prod SumSquare".split()
    for name in [f"Reduce{name}"]
    for keep in (0, 1)
} | {
    "ReduceSum": {"body": "y = ReduceSum <keepdims = 0> (x, axes)", "axes": ints(2, 3)},
    "ReduceSum of nothing": {"body": "y = ReduceSum <noop_with_empty_axes = 1> (x)"},
    "ReduceMean of the spatial axes": {"body": "y = ReduceMean <axes = [2, 3]> (x)"},
    "ArgMax": {"body": "k = ArgMax <axis = 1, keepdims = 0> (x) y = Cast <to = 1> (k)"},
    "ArgMin": {"body": "k = ArgMin <axis = -1> (x) y = Cast <to = 1> (k)"},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
