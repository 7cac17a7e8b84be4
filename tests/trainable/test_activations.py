import numpy as np
import pytest

from .onnx_text import assert_runs, draw, floats

CASES = {
    name: {"body": f"y = {text} (x)"}
    for name, text in {
        "Relu": "Relu",
        "LeakyRelu": "LeakyRelu <alpha = 0.3>",
        "LeakyRelu by default": "LeakyRelu",
        "Elu": "Elu <alpha = 0.7>",
        "Celu": "Celu <alpha = 0.7>",
        "Selu": "Selu",
        "Selu with other constants": "Selu <alpha = 1.5, gamma = 1.1>",
        "Sigmoid": "Sigmoid",
        "HardSigmoid": "HardSigmoid",
        "HardSigmoid of torch": "HardSigmoid <alpha = 0.16666667, beta = 0.5>",
        "Tanh": "Tanh",
        "Softplus": "Softplus",
        "Softsign": "Softsign",
        "ThresholdedRelu": "ThresholdedRelu <alpha = 0.4>",
        "Softmax over channels": "Softmax <axis = 1>",
        "Softmax by default": "Softmax",
        "LogSoftmax": "LogSoftmax <axis = -2>",
        "Identity": "Identity",
        "Abs": "Abs",
        "Neg": "Neg",
        "Exp": "Exp",
        "Erf": "Erf",
        "Ceil": "Ceil",
        "Floor": "Floor",
        "Round": "Round",
        "Sign": "Sign",
        "Sin": "Sin",
        "Cos": "Cos",
        "Dropout in evaluation": "Dropout",
        "LpNormalization": "LpNormalization <axis = 1, p = 2>",
        "GlobalAveragePool": "GlobalAveragePool",
        "GlobalMaxPool": "GlobalMaxPool",
        "Cast to where it is": "Cast <to = 1>",
    }.items()
} | {
    "PRelu by channel": {"body": "y = PRelu (x, s)", "s": draw(4, 1, 1)},
    "PRelu with one slope": {"body": "y = PRelu (x, s)", "s": floats(0.3)},
    "PRelu by position": {"body": "y = PRelu (x, s)", "s": draw(4, 7, 6)},
    "Clip": {"body": "y = Clip (x, l, h)", "l": np.float32(-0.3), "h": np.float32(0.6)},
    "Clip from below": {"body": "y = Clip (x, l)", "l": np.float32(-0.3)},
    "Clip from above": {"body": 'y = Clip (x, "", h)', "h": np.float32(0.6)},
    "Clip to the upper of crossed bounds": {
        "body": "y = Clip (x, l, h)",
        "l": np.float32(0.6),
        "h": np.float32(-0.3),
    },
    "Clip nowhere": {"body": "y = Clip (x)"},
    "HardSwish": {"body": "y = HardSwish (x)", "opset": 14},
    "HardSwish, decomposed": {
        "body": "p = Add (x, three) c = Clip (p, zero, six) m = Mul (x, c) y = Div (m, six)",
        "three": np.float32(3),
        "zero": np.float32(0),
        "six": np.float32(6),
    },
    "Gelu, decomposed": {
        "body": "d = Div (x, r) e = Erf (d) p = Add (e, one) m = Mul (x, p) y = Mul (m, half)",
        "r": np.float32(2**0.5),
        "one": np.float32(1),
        "half": np.float32(0.5),
    },
    "Mish, decomposed": {"body": "s = Softplus (x) t = Tanh (s) y = Mul (x, t)"},
    "Sqrt and Log": {"body": "s = Abs (x) q = Sqrt (s) y = Log (q)"},
    "Reciprocal": {"body": "s = Exp (x) y = Reciprocal (s)"},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
