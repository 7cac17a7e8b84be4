import numpy as np
import pytest

from .onnx_text import assert_runs, draw, floats

CASES = {
    "per tensor, uint8 by default": {
        "body": "q = QuantizeLinear (x, s) y = DequantizeLinear (q, s)",
        "s": np.float32(0.011),
    },
    "per tensor, with a zero point": {
        "body": "q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)",
        "s": np.float32(0.017),
        "z": np.uint8(93),
    },
    "per tensor, int8": {
        "body": "q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)",
        "s": np.float32(0.013),
        "z": np.int8(-7),
    },
    "activations by channel": {
        "body": "q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)",
        "s": floats(0.01, 0.02, 0.03, 0.015),
        "z": np.array([3, -4, 5, 0], np.int8),
    },
    "weights by output channel": {
        "body": "q = QuantizeLinear <axis = 0> (w, s, z) d = DequantizeLinear <axis = 0> (q, s, z)"
        " y = Conv (x, d)",
        "w": draw(3, 4, 3, 3),
        "s": floats(0.01, 0.02, 0.03),
        "z": np.array([0, 0, 0], np.int8),
    },
    "weights that are integers": {
        "body": "d = DequantizeLinear <axis = 0> (w, s) y = Conv (x, d)",
        "w": (draw(3, 4, 3, 3) * 40).astype(np.int8),
        "s": floats(0.01, 0.02, 0.03),
    },
    "biases that are integers": {
        "body": "d = DequantizeLinear (b, s) y = Conv (x, w, d)",
        "w": draw(3, 4, 3, 3),
        "b": np.array([100000, -70000, 3], np.int32),
        "s": np.float32(1e-5),
    },
    "a pool between": {
        "body": "q = QuantizeLinear (x, s, z) p = MaxPool <kernel_shape = [2, 2]> (q)"
        " y = DequantizeLinear (p, s, z)",
        "s": np.float32(0.02),
        "z": np.uint8(120),
    },
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
