import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import OperatorRecord, count_operators, read_operators, write


@pytest.fixture
def data(graph, normal):
    body = """(float[1,4,6,6] x) => (float[1,2] y) {
      c = Conv<group=2>(x, w) p = GlobalAveragePool(c) y = Flatten(p) }"""
    return write(graph(body, w=normal(2, 2, 3, 3)))


def test_operators_are_read_with_version_and_types(data):
    floats = ("float32",)
    assert read_operators(data) == [
        OperatorRecord(name="CONV_2D", version=6, inputs=floats * 3, outputs=floats),
        OperatorRecord(name="MEAN", version=1, inputs=("float32", "int32"), outputs=floats),
        OperatorRecord(name="RESHAPE", version=1, inputs=("float32", "int32"), outputs=floats),
    ]


def test_operators_are_counted(data):
    assert count_operators(data) == {"CONV_2D": 1, "MEAN": 1, "RESHAPE": 1}


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: b"PK\3\4" * 9, lambda data: data[:60]])
def test_anything_else_is_refused(data, spoil):
    with pytest.raises(EdgeCnnError, match="export it again"):
        read_operators(spoil(data))
