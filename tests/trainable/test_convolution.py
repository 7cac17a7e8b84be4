import pytest

from .onnx_text import assert_runs, draw

CASES = {
    "plain": {"body": "y = Conv (x, w)", "w": draw(3, 4, 3, 3)},
    "with a bias": {"body": "y = Conv (x, w, b)", "w": draw(3, 4, 3, 3), "b": draw(3)},
    "with an empty bias": {"body": 'y = Conv (x, w, "")', "w": draw(3, 4, 3, 3)},
    "strided, dilated, in groups": {
        "body": "y = Conv <strides = [2, 1], dilations = [1, 2], pads = [1, 2, 1, 2], group = 2> (x, w)",
        "w": draw(6, 2, 3, 3),
    },
    "padded on one side": {
        "body": "y = Conv <pads = [0, 1, 2, 3]> (x, w, b)",
        "w": draw(3, 4, 3, 3),
        "b": draw(3),
    },
    "one-dimensional": {"body": "y = Conv <pads = [1, 0]> (x, w)", "w": draw(3, 4, 3), "x": (1, 4, 7)},
    "three-dimensional": {"body": "y = Conv (x, w)", "w": draw(3, 2, 2, 2, 2), "x": (1, 2, 3, 4, 5)},
    "of a weight that is computed": {
        "body": "t = Mul (w, s) y = Conv (x, t)",
        "w": draw(3, 4, 3, 3),
        "s": draw(3, 1, 1, 1),
    },
    "transposed": {"body": "y = ConvTranspose (x, w, b)", "w": draw(4, 3, 3, 3), "b": draw(3)},
    "transposed, strided": {
        "body": "y = ConvTranspose <strides = [2, 3], pads = [1, 1, 1, 1], output_padding = [1, 2]> (x, w)",
        "w": draw(4, 3, 3, 3),
    },
    "transposed, cut on one side": {
        "body": "y = ConvTranspose <strides = [2, 2], pads = [0, 1, 2, 0], group = 2> (x, w, b)",
        "w": draw(4, 3, 3, 3),
        "b": draw(6),
    },
    "transposed, dilated": {"body": "y = ConvTranspose <dilations = [2, 1]> (x, w)", "w": draw(4, 3, 3, 3)},
    "transposed to a shape": {
        "body": "y = ConvTranspose <strides = [2, 2], output_shape = [14, 12]> (x, w)",
        "w": draw(4, 3, 3, 3),
    },
    "transposed to a larger shape": {
        "body": 'y = ConvTranspose <auto_pad = "SAME_UPPER", strides = [2, 2], output_shape = [14, 12]>'
        " (x, w)",
        "w": draw(4, 3, 3, 3),
    },
} | {
    f"{operator} {mode} by {stride}": {
        "body": f'y = {operator} <auto_pad = "{mode}", strides = [{stride}, {stride}]> (x, w)',
        "w": draw(4, 4, kernel, 3),
    }
    for operator in ("Conv", "ConvTranspose")
    for mode in ("SAME_UPPER", "SAME_LOWER", "VALID")
    for stride, kernel in ((1, 2), (2, 3))
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
