import struct

import pytest

from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.export.tensorrt import calibration_cache

HEADERS = {"8.5.2": "TRT-8502-EntropyCalibration2", "10.3.0": "TRT-100300-EntropyCalibration2"}


@pytest.mark.parametrize(("version", "header"), HEADERS.items())
def test_each_tensor_has_the_bits_of_its_symmetric_scale(version, header):
    text = calibration_cache({"input": (-1.0, 0.5), "conv": (0.0, 254.0)}, version)
    first, one, other = text.splitlines()
    assert first == header
    assert one == f"input: {struct.pack('>f', 1 / 127).hex()}"
    assert other == "conv: 40000000"  # 254 / 127 = 2


def test_a_tensor_without_a_scale_is_refused():
    with pytest.raises(EdgeCnnError, match="'dead' is always 0"):
        calibration_cache({"dead": (0.0, 0.0)}, "8.5.2")


def test_versions_without_caches_are_refused():
    with pytest.raises(EdgeCnnError, match="reads no calibration cache"):
        calibration_cache({"x": (0.0, 1.0)}, "11.4.1")
    with pytest.raises(UnknownNameError):
        calibration_cache({"x": (0.0, 1.0)}, "7.1.3")
