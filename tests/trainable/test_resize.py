import pytest

from .onnx_text import assert_runs, floats, ints

PLACES = ("asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel")
ROUNDINGS = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
MODES = [("nearest", places, rounding) for places in PLACES for rounding in ROUNDINGS]
MODES += [(mode, places, "floor") for mode in ("linear", "cubic") for places in PLACES]


def resize(mode, places, rounding):
    attributes = {"mode": mode, "coordinate_transformation_mode": places, "nearest_mode": rounding}
    texts = ", ".join(f'{name} = "{word}"' for name, word in attributes.items())
    return f"Resize <{texts}>"


CASES = {
    f"{' '.join(mode)} to {sizes}": {
        "body": f'y = {resize(*mode)} (x, "", "", s)',
        "s": ints(1, 4, *sizes),
    }
    for mode in MODES
    for sizes in ((14, 12), (5, 9), (1, 4))
} | {
    "by scales": {"body": 'y = Resize <mode = "nearest"> (x, "", s)', "s": floats(1, 1, 2, 2)},
    "by broken scales": {"body": 'y = Resize <mode = "linear"> (x, "", s)', "s": floats(1, 1, 1.3, 0.7)},
    "by broken scales, cubic": {
        "body": 'y = Resize <mode = "cubic"> (x, "", s)',
        "s": floats(1, 1, 1.3, 1.7),
    },
    "with empty inputs": {
        "body": f"y = {resize('nearest', 'asymmetric', 'floor')} (x, r, e, s)",
        "r": floats(),
        "e": floats(),
        "s": ints(1, 4, 14, 12),
    },
    "cubic, weights inside only": {
        "body": 'y = Resize <mode = "cubic", exclude_outside = 1, cubic_coeff_a = -0.5> (x, "", "", s)',
        "s": ints(1, 4, 11, 9),
    },
    "to the same size": {"body": 'y = Resize <mode = "cubic"> (x, "", "", s)', "s": ints(1, 4, 7, 6)},
    "one axis": {"body": 'y = Resize <mode = "linear"> (x, "", "", s)', "s": ints(1, 4, 7, 11)},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_computes_what_onnx_runtime_does(case):
    assert_runs(case)
