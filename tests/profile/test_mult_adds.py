import onnx_ir as ir
import pytest

from edgecnn.graph import shapes
from edgecnn.profile import profile


def graph(text: str) -> ir.Model:
    return shapes.infer(ir.from_onnx_text('<ir_version: 7, opset_import: ["" : 13]> ' + text))


CONV = """g (float[1,6,10,10] x, float[12,3,3,5] w) => (float[1,?,?,?] y)
    { y = Conv<group=2, kernel_shape=[3,5], pads=[1,2,1,2], strides=[2,1]>(x, w) }"""
TRANSPOSED = """g (float[1,6,10,10] x, float[6,2,2,2] w) => (float[1,?,?,?] y)
    { y = ConvTranspose<group=3, strides=[2,2]>(x, w) }"""
GEMM = "g (float[1,20] x, float[7,20] w, float[7] b) => (float[1,7] y) { y = Gemm<transB=1>(x, w, b) }"
MATMUL = "g (float[1,20] x, float[20,7] w) => (float[1,7] y) { y = MatMul(x, w) }"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CONV, (5 * 10) * 12 * (6 // 2) * (3 * 5)),
        (TRANSPOSED, (10 * 10) * 6 * (6 // 3) * (2 * 2)),
        (GEMM, 20 * 7),
        (MATMUL, 20 * 7),
    ],
    ids=["Conv", "ConvTranspose", "Gemm", "MatMul"],
)
def test_mult_adds_are_those_of_the_formula(text, expected):
    assert profile(graph(text)).mult_adds == expected


def test_an_unknown_operator_is_named_and_never_zero():
    result = profile(graph("g (float[1,4] x) => (float[1,4] y) { a = Relu(x) b = Cos(a) y = Erf(b) }"))
    assert result.unknown_ops == ("Cos",)
    assert [layer.mult_adds for layer in result.layers] == [0, None, 0]
    assert result.to_json()["unknown_ops"] == ["Cos"]
