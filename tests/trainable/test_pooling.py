import pytest

from .onnx_text import assert_runs

CASES = (
    {
        f"{operator}: {name}": {"body": f"y = {operator} <{text}> (x)"}
        for operator in ("MaxPool", "AveragePool")
        for name, text in {
            "2x2": "kernel_shape = [2, 2], strides = [2, 2]",
            "overlapping": "kernel_shape = [3, 2], strides = [2, 1]",
            "padded": "kernel_shape = [3, 3], pads = [1, 1, 1, 1]",
            "padded on one side": "kernel_shape = [3, 3], pads = [0, 1, 2, 0], strides = [2, 2]",
            "padded by more than half": "kernel_shape = [3, 3], pads = [2, 2, 2, 2]",
            "ceil": "kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1",
            "ceil and 3x3": "kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1",
            "ceil and padded": "kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1",
            "ceil by 3": "kernel_shape = [2, 2], strides = [3, 3], pads = [1, 1, 1, 1], ceil_mode = 1",
            "ceil, below": "ceil_mode = 1, kernel_shape = [3, 3], strides = [2, 2], pads = [0, 0, 1, 0]",
            "SAME_UPPER": 'kernel_shape = [2, 2], auto_pad = "SAME_UPPER"',
            "SAME_LOWER": 'kernel_shape = [2, 3], strides = [2, 2], auto_pad = "SAME_LOWER"',
            "VALID": 'kernel_shape = [2, 3], strides = [2, 2], auto_pad = "VALID"',
        }.items()
    }
    | {
        f"AveragePool that counts padding: {name}": {
            "body": f"y = AveragePool <count_include_pad = 1, {text}> (x)"
        }
        for name, text in {
            "padded": "kernel_shape = [3, 3], pads = [1, 1, 1, 1]",
            "padded on one side": "kernel_shape = [3, 3], pads = [0, 1, 2, 0], strides = [2, 2]",
            "ceil and padded": "kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1",
            "ceil": "kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1",
            "ceil, less above": "ceil_mode = 1, kernel_shape = [3, 3], strides = [2, 2], pads = [0, 1, 1, 1]",
        }.items()
    }
    | {
        "MaxPool: dilated": {"body": "y = MaxPool <kernel_shape = [2, 3], dilations = [2, 2]> (x)"},
        "MaxPool: dilated, ceil": {
            "body": "y = MaxPool <kernel_shape = [2, 2], dilations = [2, 3], strides = [2, 2], ceil_mode = 1>"
            " (x)"
        },
        "MaxPool: dilated, padded on one side": {
            "body": "y = MaxPool <kernel_shape = [2, 3], dilations = [2, 2], pads = [0, 1, 1, 0]> (x)"
        },
        "MaxPool: one-dimensional": {
            "body": "y = MaxPool <kernel_shape = [2], pads = [1, 0]> (x)",
            "x": (1, 3, 8),
        },
        "AveragePool: three-dimensional": {
            "body": "y = AveragePool <kernel_shape = [2, 2, 2]> (x)",
            "x": (1, 2, 4, 4, 4),
        },
        "GlobalAveragePool: one-dimensional": {"body": "y = GlobalAveragePool (x)", "x": (1, 3, 8)},
        "GlobalMaxPool: three-dimensional": {"body": "y = GlobalMaxPool (x)", "x": (1, 3, 2, 3, 4)},
    }
)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
