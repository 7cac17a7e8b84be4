import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export.tflite import check_grids, check_precisions, layer_precisions, read_back, write

BODY = """(float[1,3,8,8] x) => (float[1,5] y) {
  c = Conv<pads=[1,1,1,1]>(x, w, b)  r = Relu(c)  n = LRN<size=3>(r)  d = Conv(n, v)
  p = GlobalAveragePool(d)  f = Flatten(p)  y = Gemm<transB=1>(f, u) }"""


@pytest.fixture
def batch():
    return np.random.default_rng(1).standard_normal((4, 3, 8, 8), np.float32)


@pytest.fixture
def floats(graph, normal):
    return graph(BODY, w=normal(4, 3, 3, 3), b=normal(4), v=normal(6, 4, 1, 1), u=normal(5, 6))


def precisions(model, data):
    return {layer.node: (layer.asked, layer.got) for layer in layer_precisions(model, data)}


def test_what_was_asked_and_got_is_told_for_each_layer(floats, batch, quantize):
    model = quantize(floats, batch)
    found = precisions(model, write(model))
    assert found["LRN node 'n'"] == ("int8", "float32")
    for layer in ("Conv node 'c'", "Conv node 'd'", "GlobalAveragePool node 'p'", "Gemm node 'y.raw'"):
        assert found[layer] == ("int8", "int8")


def test_int8_asked_and_float_got_is_an_error_unless_it_is_allowed(floats, batch, quantize):
    model = quantize(floats, batch)
    data = write(model)
    with pytest.raises(VerificationError, match=r"LRN node 'n' computes in float32.*keep that node"):
        check_precisions(model, data)
    check_precisions(model, data, ["LRN"])


def test_a_layer_with_a_paired_weight_whose_result_is_not_paired_is_an_error(floats, batch, quantize):
    model = quantize(floats, batch, unpaired=("y",))
    with pytest.raises(VerificationError, match="asked for int8, but Gemm node 'y' computes in float32"):
        check_precisions(model, write(model), ["LRN"])


def test_a_graph_quantized_for_tensorrt_is_refused(floats, batch, quantize):
    model = quantize(floats, batch)
    model.metadata_props["edgecnn.scheme"] = "tensorrt"
    with pytest.raises(EdgeCnnError, match="quantized by the rules of tensorrt"):
        write(model)


def test_a_layer_that_is_to_stay_in_float_is_not_asked_for(floats, batch, quantize):
    model = quantize(floats, batch, float_weights=("d",))
    data = write(model)
    assert precisions(model, data)["Conv node 'd'"] == ("float32", "float32")
    check_precisions(model, data, ["LRN"])


def test_a_float_file_of_a_quantized_graph_is_an_error(floats, batch, quantize):
    model = quantize(floats, batch)
    with pytest.raises(VerificationError, match="asked for int8, but Conv node 'c' computes in float32"):
        check_precisions(model, write(floats), ["LRN"])


def test_the_read_back_counts_islands_and_changes_of_scale(floats, batch, quantize):
    found = read_back(write(quantize(floats, batch)))
    assert found.islands == ("LOCAL_RESPONSE_NORMALIZATION",)
    assert (found.transposed, found.rescaled) == (0, 1)  # the one behind the LRN


def test_the_read_back_says_how_int8_inputs_and_outputs_are_quantized(floats, batch, quantize):
    model = quantize(floats, batch)
    found = read_back(write(model, io="int8"))
    initializers = model.graph.initializers
    for end, name, tensor in ((found.inputs, "x", "x"), (found.outputs, "y.raw", "y")):
        (record,) = end
        scale, zero = (
            initializers[f"{prefix}.{what}"]
            for prefix in (name.replace("y.raw", "y"),)
            for what in ("scale", "zero_point")
        )
        assert (record.name, record.dtype) == (tensor, "int8")
        assert record.scale == scale.const_value.numpy()
        assert record.zero_point == zero.const_value.numpy()


def changed(model, name, change):
    clone = model.clone()
    value = clone.graph.initializers[name]
    value.const_value = ir.tensor(change(value.const_value.numpy()), name=name)
    return clone


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("r.scale", lambda scale: scale * np.float32(2)),
        ("r.zero_point", lambda zero: (zero + 1).astype(np.int8)),
        ("w.scale", lambda scale: np.ascontiguousarray(scale[::-1])),
        ("u.scale", lambda scale: scale * np.float32(0.5)),
    ],
    ids=["scale off by 2", "zero point off by one", "channel scales swapped", "weight scale off by 2"],
)
def test_another_grid_than_the_graphs_is_an_error(floats, batch, quantize, name, change):
    model = quantize(floats, batch)
    data = write(model)
    check_grids(model, data)
    with pytest.raises(VerificationError, match=f"another scale .* for '{name.split('.')[0]}'"):
        check_grids(changed(model, name, change), data)
