import re
from pathlib import Path

import numpy as np
import pytest

import edgecnn.export.tflite
from edgecnn.errors import EdgeCnnError
from edgecnn.export.micro.operators import OPERATORS, check_operators, method
from edgecnn.export.tflite import write
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor, read_tflite


def graph_of(name, count=1, made=(0.5, 0)):
    """A graph of one operator with so many inputs, whose result has the scale and zero point `made`."""
    tensors = [
        TfliteTensor(
            name=f"t{index}", shape=(1, 4), dtype="int8", content=None, is_variable=False, dynamic_axes=(),
            scales=(scale,), zero_points=(zero,),
        )
        for index, (scale, zero) in enumerate([*[(0.5, 0)] * count, made])
    ]  # fmt: skip
    ends = tuple(range(count)), (count,)
    operator = TfliteOperator(name=name, version=1, inputs=ends[0], outputs=ends[1], options={})
    return TfliteGraph(tensors=tuple(tensors), operators=(operator,), inputs=ends[0], outputs=ends[1])


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        ("CONV_2D", "AddConv2D"),
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("L2_POOL_2D", "AddL2Pool2D"),
        ("PADV2", "AddPadV2"),
        ("PRELU", "AddPrelu"),
        ("SPACE_TO_DEPTH", "AddSpaceToDepth"),
        ("SPLIT_V", "AddSplitV"),
        ("LOG_SOFTMAX", "AddLogSoftmax"),
    ],
)
def test_an_operator_is_registered_by_the_method_of_its_name(operator, name):
    assert method(operator) == name
    assert operator in OPERATORS


def test_what_it_has_passes(model):
    check_operators(read_tflite(model), "cortex-m7")


@pytest.mark.parametrize("name", ["LOCAL_RESPONSE_NORMALIZATION", "RELU_N1_TO_1", "GELU"])
def test_an_operator_that_it_has_not_is_refused_by_name_and_place(name):
    with pytest.raises(EdgeCnnError, match=f"cortex-m7 runs TFLite Micro, which has no {name} .at 't1'."):
        check_operators(graph_of(name), "cortex-m7")


def test_ten_tensors_are_joined_at_most():
    check_operators(graph_of("CONCATENATION", 10), "m")
    with pytest.raises(EdgeCnnError, match="whose CONCATENATION joins 10 tensors at most, not 11 .at 't11'"):
        check_operators(graph_of("CONCATENATION", 11), "m")


def test_a_relu6_that_changes_the_scale_is_refused():
    check_operators(graph_of("RELU6", made=(0.5, 0)), "m")
    with pytest.raises(EdgeCnnError, match="whose RELU6 clips and cannot change the scale"):
        check_operators(graph_of("RELU6", made=(0.25, 0)), "m")


def test_of_what_the_writer_writes_little_is_missing():
    sources = Path(edgecnn.export.tflite.__file__).parent.glob("*.py")
    from ai_edge_litert import schema_py_generated as schema

    words = {word for each in sources for word in re.findall(r'"([A-Z][A-Z0-9_]+)"', each.read_text())}
    written = {word for word in words if hasattr(schema.BuiltinOperator, word)}
    assert len(written) > 40
    assert written - OPERATORS == {"LOCAL_RESPONSE_NORMALIZATION", "RELU_N1_TO_1"}


@pytest.mark.parametrize("made", [10, 11])
def test_the_interpreter_draws_the_same_line(made):
    pytest.importorskip("tflite_micro", reason="TFLite Micro is not installed: pip install 'edgecnn[mcu]'")
    import onnx_ir as ir

    from edgecnn.runtime.micro_runner import MicroRunner

    joined = f"y = Concat<axis=1>({', '.join('x' * made)})"
    text = (
        f'<ir_version: 7, opset_import: ["" : 13]> g (float[1,2] x) => (float[1,{2 * made}] y) {{ {joined} }}'
    )
    file = write(ir.from_onnx_text(text))
    if made > 10:
        with pytest.raises(EdgeCnnError, match="kMaxInputNum"):
            MicroRunner(file)
    else:
        assert MicroRunner(file)(np.ones((1, 2), np.float32)).shape == (1, 20)
