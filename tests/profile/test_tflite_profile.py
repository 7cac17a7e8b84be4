import json

import numpy as np
import onnx_ir as ir
import pytest
from torch import nn

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import write
from edgecnn.graph import shapes
from edgecnn.graph.tflite_file import read_tflite
from edgecnn.profile import profile_tflite


def written(body: str, **weights: np.ndarray) -> bytes:
    tensors = [ir.tensor(array.astype(np.float32), name=name) for name, array in weights.items()]
    text = f'<ir_version: 7, opset_import: ["" : 13]> g {body}'
    return write(shapes.infer(ir.from_onnx_text(text, initializers=tensors)))


CONV = (
    "(float[1,6,10,10] x) => (float[1,12,5,10] y) { y = Conv<group=2, pads=[1,2,1,2], strides=[2,1]>(x, w) }"
)
DEPTHWISE = "(float[1,6,10,10] x) => (float[1,12,8,8] y) { y = Conv<group=6>(x, w) }"
TRANSPOSED = "(float[1,6,10,10] x) => (float[1,4,20,20] y) { y = ConvTranspose<strides=[2,2]>(x, w) }"
CROPPED = (
    "(float[1,6,10,10] x) => (float[1,4,19,19] y) { y = ConvTranspose<strides=[2,2], pads=[1,1,1,1]>(x, w) }"
)
GEMM = "(float[1,20] x) => (float[1,7] y) { y = Gemm<transB=1>(x, w) }"
FUSED = "(float[1,6,10,10] x) => (float[1,4,10,10] y) { a = Conv(x, w) y = Relu(a) }"
NORM = "(float[1,6,10,10] x) => (float[1,6,10,10] y) { y = BatchNormalization(x, g, b, m, v) }"


@pytest.mark.parametrize(
    ("body", "shapes", "expected"),
    [
        (CONV, {"w": (12, 3, 3, 5)}, (5 * 10) * 12 * (6 // 2) * (3 * 5)),
        (DEPTHWISE, {"w": (12, 1, 3, 3)}, (8 * 8) * 12 * (3 * 3)),
        (TRANSPOSED, {"w": (6, 4, 2, 2)}, (10 * 10) * 6 * 4 * (2 * 2)),
        (CROPPED, {"w": (6, 4, 3, 3)}, (10 * 10) * 6 * 4 * (3 * 3)),
        (GEMM, {"w": (7, 20)}, 20 * 7),
        (FUSED, {"w": (4, 6, 1, 1)}, 10 * 10 * 6 * 4),
        (NORM, dict.fromkeys("gbmv", (6,)), 0),
    ],
    ids=["grouped", "depthwise", "transposed", "transposed, cut", "dense", "fused", "normalization"],
)
def test_mult_adds_are_those_of_the_formula(body, shapes, expected):
    data = written(body, **{name: np.ones(shape) for name, shape in shapes.items()})
    assert profile_tflite(data).mult_adds == expected


# Normalizations that nothing folds into, crops, transposed convolutions, grouped ones, slices; the contract
# tests compare the mult-adds of every architecture.
NETWORKS = [
    *("alexnet", "googlenet", "lenet5", "mobilenet", "resnet20", "squeezenet1_1", "unet"),
    "densenet(depth=22, res=32)",
]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_costs_as_much_in_its_file_as_in_its_graph(name, tflite, small):
    text = name if "(" in name else small(name)
    graph, file = edgecnn.costs(text), profile_tflite(tflite(text))
    assert file.unknown_ops == ()
    assert file.mult_adds == graph.mult_adds
    assert (file.receptive_field, file.stride) == (graph.receptive_field, graph.stride)


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_pixels_see_the_same_in_both(padding, stride, tflite):
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride, padding, dilation=2),
        nn.MaxPool2d(3, stride, min(padding, 1)),
        nn.ConvTranspose2d(2, 1, 3, 2, padding),
        nn.Upsample(scale_factor=2, mode="bilinear" if stride == 1 else "nearest"),
    )
    file, graph = (
        profile_tflite(tflite(network, (1, 1, 33, 33))),
        edgecnn.costs(network, input_shape=(1, 1, 33, 33)),
    )
    assert file.receptive_field == graph.receptive_field
    assert file.stride == graph.stride == stride * stride / 4


def test_parameters_are_those_of_the_folded_network(tflite):
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 6 * 6, 5)).eval()
    result = profile_tflite(tflite(network, (1, 3, 8, 8)))
    assert result.parameters == (8 * 3 * 9 + 8) + (5 * 288 + 5)
    assert [layer.kind for layer in result.layers] == ["CONV_2D 3x3", "RESHAPE", "FULLY_CONNECTED"]
    assert [layer.shape for layer in result.layers] == [(1, 6, 6, 8), (1, 288), (1, 5)]
    conv = result.layers[0]
    assert conv.moved_bytes == 4 * (3 * 8 * 8 + (8 * 3 * 9 + 8) + 8 * 6 * 6)
    assert conv.arithmetic_intensity == (6 * 6 * 8 * 27) / conv.moved_bytes


def replaced(data: bytes, change) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    change(schema, model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def fused() -> bytes:
    return written(FUSED, w=np.ones((4, 6, 1, 1)))


def test_an_unknown_operator_is_named_and_never_zero(fused):
    def to_cumsum(schema, model):
        code = model.operatorCodes[0]
        code.builtinCode, code.deprecatedBuiltinCode = schema.BuiltinOperator.CUMSUM, 127

    result = profile_tflite(replaced(fused, to_cumsum))
    assert result.unknown_ops == ("CUMSUM",)
    assert [layer.mult_adds for layer in result.layers] == [None]
    assert result.arithmetic_intensity is None
    assert result.receptive_field is None


def test_a_custom_operator_is_called_by_its_own_name(fused):
    def to_custom(schema, model):
        code = model.operatorCodes[0]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = b"Detection"

    assert profile_tflite(replaced(fused, to_custom)).unknown_ops == ("Detection",)


def test_a_file_whose_image_has_no_fixed_size_is_refused(fused):
    def loosen(_schema, model):
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shapeSignature = [-1, -1, -1, 6]

    with pytest.raises(EdgeCnnError, match="not fixed"):
        profile_tflite(replaced(fused, loosen))


def test_a_file_whose_batch_alone_is_open_is_profiled_for_one_image(fused):
    def loosen(_schema, model):
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shapeSignature = [-1, 10, 10, 6]

    assert profile_tflite(replaced(fused, loosen)).to_json() == profile_tflite(fused).to_json()


@pytest.mark.parametrize("cut", [0, 7, 40, 200])
def test_a_damaged_file_is_an_error_of_one_sentence(fused, cut):
    with pytest.raises(EdgeCnnError, match="export it again"):
        profile_tflite(fused[:cut])


def test_eight_bit_elements_take_a_byte(fused):
    def to_int8(schema, model):
        for tensor in model.subgraphs[0].tensors:
            tensor.type = schema.TensorType.INT8

    tensors = read_tflite(replaced(fused, to_int8)).tensors
    assert {tensor.nbytes for tensor in tensors} == {10 * 10 * 6, 10 * 10 * 4, 6 * 4, 4}


def test_costs_takes_a_file_and_refuses_to_change_it(fused, tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(fused)
    assert json.dumps(edgecnn.costs(path).to_json())
    with pytest.raises(EdgeCnnError, match="leave out --width"):
        edgecnn.costs(str(path), width=0.5)
    with pytest.raises(EdgeCnnError, match="there is no file"):
        edgecnn.costs(tmp_path / "other.tflite")
