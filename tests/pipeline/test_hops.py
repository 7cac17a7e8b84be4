import numpy as np
import onnx_ir as ir

from edgecnn.calls import Call
from edgecnn.graph import shapes
from edgecnn.pipeline.hops import of_step
from edgecnn.quantize import Step
from edgecnn.quantize.bare import without_pairs
from edgecnn.runtime.onnx_runner import OnnxRunner

# A convolution whose weight is float between two pairs of scale 1, as `mixed` leaves one.
GRAPH = shapes.infer(
    ir.from_onnx_text("""<ir_version: 7, opset_import: ["" : 13]>
g (float[1,9,1,1] x) => (float[1,2] z)
<float[2,9,1,1] w = {0.0035, 0.0035, 0.0035, 0.0035, 0.0035, 0.0035, 0.0035, 0.0035, 1.0,
                     0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0},
 float s = {1.0}, int8 zero = {0}>
{
    q = QuantizeLinear(x, s, zero)
    d = DequantizeLinear(q, s, zero)
    y = Conv(d, w)
    r = QuantizeLinear(y, s, zero)
    e = DequantizeLinear(r, s, zero)
    z = Flatten(e)
}""")
)
# 8 * 100 * 0.0035 + 1 = 3.8 against 2: the first class; with the weight in steps of 1 / 127, 0 + 1 against 2.
X = np.array([100] * 8 + [1], np.float32).reshape(1, 9, 1, 1)


def test_the_answers_of_a_layer_in_float_between_pairs_are_those_of_its_float_weight():
    step = Step(
        call=Call("mixed", {}), matched=1, note="", lossless=False, before=without_pairs(GRAPH), after=GRAPH
    )
    parity = of_step(step, np.concatenate([X, -X]), lambda: [X])
    assert (parity.agreement, parity.agreement_n) == (1.0, 1)
    assert OnnxRunner(GRAPH)(X).argmax() == 1  # so that it could have been another
