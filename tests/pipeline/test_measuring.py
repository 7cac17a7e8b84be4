"""What a device sends for its outputs is read as what it is: untrusted bytes."""

import io
import struct

import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.measuring import _read_outputs


def npy(header: str, content: bytes = b"") -> bytes:
    """Return a .npy file with any header."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def of(shape: str, kind: str = "<f4", content: bytes = b"") -> bytes:
    return npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}", content)


def test_an_array_is_read_as_it_was_written():
    outputs = np.arange(6, dtype=np.float32).reshape(2, 3)
    file = io.BytesIO()
    np.save(file, outputs)
    found = _read_outputs(file.getvalue(), "board")
    assert (found.shape, found.tolist()) == ((2, 3), outputs.tolist())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 no zip",
        b"\x80\x04N.",
        of("(1000000000000,)"),
        of(f"({10**30},)"),
        of("(-1, -6)", content=bytes(24)),
        of("(2,)", content=bytes(9)),
        of("(1,)", "<f8", bytes(8)),
        of("(1,)", "|O", bytes(8)),
        npy("((((((("),
        npy("{'descr': '''"),
    ],
    ids=[
        "nothing",
        "zip",
        "pickle",
        "4 TB",
        "endless",
        "negative",
        "more",
        "float64",
        "objects",
        "open",
        "text",
    ],
)
def test_what_is_no_array_of_its_size_is_refused(data):
    with pytest.raises(EdgeCnnError, match=r"^board: the outputs that it sent are no (array|float32 array)"):
        _read_outputs(data, "board")
