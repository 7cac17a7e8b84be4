import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import UnsupportedOperatorError, lower, write
from edgecnn.export.tflite.packing import ALIGNMENT
from edgecnn.runtime.litert_runner import LitertRunner


@pytest.fixture
def model(graph, normal):
    body = """(float[1,3,8,8] image) => (float[1,5] scores) {
      c = Conv<strides=[2,2], pads=[1,1,1,1]>(image, w, b)  r = Relu(c)
      f = Flatten(r)  scores = Gemm<transB=1>(f, v) }"""
    return graph(body, w=normal(4, 3, 3, 3), b=normal(4), v=normal(5, 64))


def read(data):
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(data, 0)


def test_the_file_says_what_it_is(model):
    data = write(model)
    assert data[4:8] == b"TFL3"
    assert read(data).version == 3
    assert len(data) % ALIGNMENT == 0


def test_every_constant_lies_on_a_16_byte_boundary(model):
    from ai_edge_litert import schema_py_generated as schema

    data = write(model)
    file = schema.Model.GetRootAs(data, 0)
    starts = []
    for number in range(file.BuffersLength()):
        buffer = file.Buffers(number)
        if not buffer.DataIsNone():
            field = buffer._tab.Offset(4)  # the vtable's first field: data
            starts.append(buffer._tab.Vector(field))
            assert buffer.DataAsNumpy().tobytes() == data[starts[-1] : starts[-1] + buffer.DataLength()]
    assert len(starts) >= 4
    assert {start % 16 for start in starts} == {0}


def test_the_signature_has_the_names_of_the_graph(model):
    (signature,) = read(write(model)).signatureDefs
    assert signature.signatureKey == b"serving_default"
    assert [entry.name for entry in signature.inputs] == [b"image"]
    assert [entry.name for entry in signature.outputs] == [b"scores"]


def test_tensors_have_the_names_of_the_values_that_they_hold(model):
    names = [tensor.name.decode() for tensor in read(write(model)).subgraphs[0].tensors]
    assert len(set(names)) == len(names)
    assert {"image", "r", "scores", "w", "b", "v"} <= set(names)
    assert "c" not in names  # the Relu is in the convolution


def test_an_output_seen_through_views_keeps_its_name(graph, normal):
    body = "(float[1,3,4,5] x) => (float[1,3,4,5] y) { c = Conv(x, w) d = Identity(c) y = Dropout(d) }"
    data = write(graph(body, w=normal(3, 3, 1, 1)))
    file = read(data)
    assert file.subgraphs[0].tensors[file.subgraphs[0].outputs[0]].name == b"y"
    values = LitertRunner(data, keep_all=True)
    result = values(np.ones((1, 3, 4, 5), np.float32))
    assert set(values.values()) == {"x", "c", "d", "y"}
    np.testing.assert_array_equal(values.values()["c"], result)


def test_an_output_that_needed_a_view_has_its_name_once(graph):
    body = "(float[1,12] x) => (float[1,1,3,4] y) { y = Reshape(x, s) }"
    data = write(graph(body, s=np.asarray([1, 1, 3, 4])))
    names = [tensor.name for tensor in read(data).subgraphs[0].tensors]
    assert len(set(names)) == len(names)
    runner = LitertRunner(data, keep_all=True)
    x = np.arange(12, dtype=np.float32).reshape(1, 12)
    np.testing.assert_array_equal(runner(x), x.reshape(1, 1, 3, 4))
    assert set(runner.values()) == {"x", "y"}


def test_the_program_says_which_tensor_holds_which_value(model):
    program = lower(model)
    assert set(program.held) == {"image", "r", "f", "scores"}
    assert {name: program.tensors[held.index].name for name, held in program.held.items() if name != "f"} == {
        name: name for name in ("image", "r", "scores")
    }
    assert program.held["image"].axes == (0, 2, 3, 1)
    assert program.held["f"].blocks == ((4, 4, 4),)


def test_equal_graphs_give_equal_bytes(model):
    assert write(model) == write(model.clone())


def test_the_graph_stays_as_it_was(model):
    before = ir.to_proto(model).SerializeToString()
    write(model)
    assert ir.to_proto(model).SerializeToString() == before


def test_equal_constants_are_stored_once(graph, normal):
    body = "(float[1,3,4,4] x) => (float[1,3,4,4] y) { a = Conv(x, w) b = Conv(a, w) y = Conv(b, w) }"
    constants = [
        tensor.name for tensor in lower(graph(body, w=normal(3, 3, 1, 1))).tensors if tensor.data is not None
    ]
    assert constants == ["w", "zeros:3"]


def test_weights_are_not_copied_before_they_are_written(model):
    (weight,) = [tensor for tensor in lower(model).tensors if tensor.name == "w"]
    assert np.shares_memory(weight.data, model.graph.initializers["w"].const_value.numpy())


def test_a_file_beyond_2_gib_is_refused(graph):
    # A broadcast array takes no memory, whatever its shape says.
    huge = np.broadcast_to(np.float32(0), (2**15, 2**14))
    model = graph(
        "(float[1,16384] x) => (float[1,32768] y) { y = Gemm<transB=1>(x, w) }", w=np.ones((1, 1), np.float32)
    )
    model.graph.initializers["w"].const_value = ir.Tensor(huge, name="w")
    with pytest.raises(EdgeCnnError, match=r"2\.00 GiB, more than the format's 2 GiB"):
        write(model)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("y = Frobnicate(x)", "Frobnicate node 'y'.*does not know this operator; it knows .*Conv"),
        ("y = custom.Relu(x)", "custom.Relu node 'y'.*does not know this operator"),
        ("y = Relu<alpha=2.0>(x)", "Relu node 'y'.*does not know its attribute alpha"),
        ("i = Cast<to=7>(x) y = Cast<to=1>(i)", "Cast node 'i'"),
    ],
    ids=["operator", "domain", "attribute", "integers"],
)
def test_what_the_writer_does_not_know_is_refused_by_name(nodes, message):
    head = '<ir_version: 7, opset_import: ["" : 13, "custom" : 1]> g'
    text = f"{head} (float[1,3,4,4] x) => (float[1,3,4,4] y) {{ {nodes} }}"
    with pytest.raises(UnsupportedOperatorError, match=message):
        write(ir.from_onnx_text(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["" : 9]> g (float[1,3] x) => (float[1,3] y) { y = Relu(x) }', "opset 9, .* takes 13 to 20"),
        ('["" : 13]> g (double[1,3] x) => (double[1,3] y) { y = Relu(x) }', "input 'x' is DOUBLE"),
        ('["" : 13]> g (float[N,3] x) => (float[N,3] y) { y = Relu(x) }', r"shape of 'x'.*\[N,3\].*--input"),
        (
            '["" : 13]> g (float[1,3] x) => (float[1,3] x) { y = Relu(x) }',
            "output 'x' is a constant or an input",
        ),
        (
            '["" : 13]> g (float[1,3] x) => (float[1,3] y, float[1,3] z) { y = Relu(x) z = Identity(y) }',
            "the same tensor",
        ),
        ('["" : 13]> g (float[1,1,1,1,3] x) => (float[1,1,1,1,3] y) { y = Relu(x) }', "more than 4 axes"),
    ],
    ids=["opset", "double", "dynamic", "output is input", "output twice", "five axes"],
)
def test_graphs_that_the_format_cannot_hold_are_refused(text, message):
    with pytest.raises(EdgeCnnError, match=message):
        write(ir.from_onnx_text(f"<ir_version: 7, opset_import: {text}"))


def test_a_stale_shape_is_refused(graph, normal):
    body = "(float[1,3,8,8] x) => (float[1,4,7,7] y) { c = Conv(x, w) y = Relu(c) }"
    model = graph(body, w=normal(4, 3, 3, 3))
    model.graph[0].outputs[0].shape = ir.Shape([1, 4, 7, 7])
    with pytest.raises(EdgeCnnError, match=r"gives \(1, 4, 6, 6\) but the graph declares \(1, 4, 7, 7\)"):
        write(model)
