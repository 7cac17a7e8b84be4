import onnx_ir as ir

from edgecnn.graph import shapes
from edgecnn.profile import profile


def test_a_skip_stays_alive_until_it_is_read():
    text = """<ir_version: 7, opset_import: ["" : 13]>
    g (float[1,100] x, float[50,100] w, float[100,50] v) => (float[1,100] y)
    { a = Gemm<transB=1>(x, w)  b = Gemm<transB=1>(a, v)  y = Add(b, x) }"""
    model = shapes.infer(ir.from_onnx_text(text))
    for name, shape in (("w", (50, 100)), ("v", (100, 50))):
        value = next(value for value in model.graph.inputs if value.name == name)
        model.graph.inputs.remove(value)
        value.shape = ir.Shape(shape)
        model.graph.initializers.add(value)
    # x, a and b while b is computed; then x, b and y.
    assert profile(model).peak_activation_bytes == 4 * max(100 + 50 + 100, 100 + 100 + 100)
