import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.precision import precision_of
from edgecnn.quantize import Context, compress
from edgecnn.quantize.fp16 import fp16
from edgecnn.runtime.onnx_runner import OnnxRunner

BODY = "{ a = Conv(x, w, b) r = Relu(a) y = Conv(r, v) }"
WEIGHTS = {"w": (4, 4, 3, 3), "b": (4,), "v": (4, 4, 1, 1)}


def test_weights_are_halved_and_the_ends_stay_float32(graph, pictures):
    model = graph(BODY, **WEIGHTS)
    result = fp16(model)
    assert (result.matched, precision_of(result.model), precision_of(model)) == (3, "fp16", "fp32")
    ends = [*result.model.graph.inputs, *result.model.graph.outputs]
    assert {value.dtype for value in ends} == {ir.DataType.FLOAT}
    batch = np.concatenate(pictures()())
    np.testing.assert_allclose(OnnxRunner(result.model)(batch), OnnxRunner(model)(batch), atol=0.05)


def test_behind_int8_pairs_stay_and_the_rest_is_halved(graph, pictures):
    context = Context(images=pictures(), scheme="tensorrt")
    steps = compress(graph(BODY, **WEIGHTS), parse_recipe("int8 | fp16"), context=context)
    mixed = steps[-1].after.graph
    assert precision_of(steps[-1].after) == "int8"
    assert {mixed.initializers[name].dtype for name in ("w", "v", "w.scale", "x.scale")} == {
        ir.DataType.FLOAT
    }
    assert mixed.initializers["b"].dtype == ir.DataType.FLOAT16
    batch = np.concatenate(pictures()())
    whole, half = (OnnxRunner(step.after)(batch) for step in steps[-2:])
    assert np.abs(whole - half).max() < 0.05 * np.abs(whole).max()


def test_a_second_time_is_refused(graph):
    with pytest.raises(EdgeCnnError, match="already"):
        fp16(fp16(graph(BODY, **WEIGHTS)).model)
