"""`calibration_cache`: the scales of a network's tensors in the text form that TensorRT reads for a DLA.

    TRT-8502-EntropyCalibration2
    input: 3c010a14                     the bits of float32 max |x| / 127, in hexadecimal

A DLA takes a float graph without QuantizeLinear, and one symmetric scale for each tensor. TensorRT up to 10
reads it; none has read one of these yet. Source: NVIDIA's TensorRT samples (`calibrator.h`, `*.cache`).
"""

import struct
from collections.abc import Mapping

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tensorrt.generations import generation

_LEVELS = 127


def calibration_cache(ranges: Mapping[str, tuple[float, float]], tensorrt: str) -> str:
    """Return the text of the cache.

    Args:
        ranges: lowest and highest number of every tensor, by its name in the ONNX graph.
        tensorrt: the version that will read it, such as `8.5.2`.

    Raises:
        EdgeCnnError: a range of nothing but zero, or TensorRT 11, which has no calibration caches.
    """
    major, minor, patch = (int(part) for part in (*tensorrt.split("."), "0")[:3])
    generation(tensorrt)
    if major >= 11:
        raise EdgeCnnError(f"TensorRT {tensorrt} reads no calibration cache; choose a version below 11")
    number = major * 10_000 + minor * 100 + patch if major >= 10 else major * 1000 + minor * 100 + patch
    lines = [f"TRT-{number}-EntropyCalibration2"]
    for name, (low, high) in ranges.items():
        bound = max(abs(low), abs(high))
        if not bound > 0:
            raise EdgeCnnError(f"{name!r} is always 0 on the calibration pictures, which gives it no scale")
        lines.append(f"{name}: {struct.pack('>f', bound / _LEVELS).hex()}")
    return "\n".join(lines) + "\n"
