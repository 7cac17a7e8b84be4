import numpy as np
import pytest
import torch

from edgecnn.trainable import to_module

from .onnx_text import assert_runs, draw, graph

CASES = {
    "BatchNormalization": {
        "body": "y = BatchNormalization <epsilon = 0.01> (x, s, b, m, v)",
        "s": draw(4),
        "b": draw(4),
        "m": draw(4),
        "v": draw(4) ** 2 + 0.1,
    },
    "InstanceNormalization": {"body": "y = InstanceNormalization (x, s, b)", "s": draw(4), "b": draw(4)},
    "LRN": {"body": "y = LRN <size = 3, alpha = 0.5, beta = 0.7, bias = 2.0> (x)"},
    "LRN of more than all": {"body": "y = LRN <size = 9, alpha = 0.9> (x)"},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)


@pytest.mark.parametrize("size", [2, 4, 5])
def test_lrn_sums_over_the_window_of_the_specification(size):
    """ONNX Runtime refuses even sizes, for which torch's window lies one channel off."""
    module = to_module(graph(f"y = LRN <size = {size}, alpha = 0.5, beta = 0.7, bias = 2.0> (x)"))
    images = draw(3, 4, 6, 6)
    before, after = (size - 1) // 2, -(-(size - 1) // 2)  # floor and ceiling of (size - 1) / 2
    sums = [(images[:, max(c - before, 0) : c + after + 1] ** 2).sum(1) for c in range(4)]
    expected = images / (2.0 + 0.5 / size * np.stack(sums, 1)) ** 0.7
    np.testing.assert_allclose(module(torch.from_numpy(images)), expected, rtol=1e-5)
