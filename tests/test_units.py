import pytest

from edgecnn import units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (units.count(76_524_800), "76.52 M"),
        (units.count(999), "999"),
        (units.count(15_470_264_320), "15.47 G"),
        (units.count(10e12), "10.00 T"),
        (units.several(0, "layer"), "0 layers"),
        (units.several(1, "layer"), "1 layer"),
        (units.several(2, "layer"), "2 layers"),
        (units.size(1023), "1023 B"),
        (units.size(5 * 1024 * 1024), "5.00 MiB"),
        (units.duration(0.00321), "3.21 ms"),
        (units.duration(2.5), "2.50 s"),
        (units.duration(0.0), "0.00 µs"),
        (units.clock(42.4), "42 s"),
        (units.clock(59.6), "1 min 00 s"),
        (units.clock(3 * 60 + 7), "3 min 07 s"),
        (units.clock(2 * 3600 + 5 * 60 + 59), "2 h 05 min"),
        (units.error(3.14e-7), "3.1e-07"),
        (units.error(0.0), "0"),
    ],
)
def test_figures_are_scaled_for_people(text, expected):
    assert text == expected
