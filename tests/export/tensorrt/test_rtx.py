"""NVIDIA's own parser and builder take every graph that edgecnn makes for TensorRT, and refuse what is wrong.

TensorRT-RTX builds without a GPU. Its engines are for other chips than a Jetson's: a refusal is strong
evidence, an acceptance proves nothing for TensorRT 8. It is no dependency: where its two wheels are missing
these tests are skipped.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgecnn.export.board
from edgecnn.calls import Call, parse_recipe
from edgecnn.export.tensorrt import ERROR, lint, to_fp16
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import Context, compress
from edgecnn.sample import sample_inputs

HERE, TESTS = Path(__file__).parent, Path(__file__).parents[2]
SCRIPTS = Path(edgecnn.export.board.__file__).parent
WHEELS = "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.0 tensorrt_rtx_cu13_bindings==1.7.1.116"
MODULES = ("onnxruntime_ep_nv_tensorrt_rtx", "tensorrt_rtx_bindings")

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, MODULES)),
    reason=f"TensorRT-RTX is not installed: pip install --no-deps {WHEELS}",
)

# One network of each kind of layer or connection, narrow and small.
NETWORKS = {
    "alexnet": {"res": 67, "width": 0.25},
    "densenet": {"options": {"depth": 22}},
    "googlenet": {"res": 64, "width": 0.25},
    "lenet5": {},
    "mobilenet": {"res": 32, "width": 0.25},
    "resnet20": {"width": 0.5},
    "squeezenet1_0": {"res": 64, "width": 0.25},
    "unet": {"res": 188, "width": 0.25},
    "vgg11": {"res": 32, "width": 0.25},
}


def build(folder, graphs):
    """Build each graph in one process of build_engine.py's functions; return what came of each by name."""
    for name, model in graphs.items():
        (folder / f"{name}.onnx").write_bytes(to_bytes(model))
    path = os.pathsep.join([str(TESTS / "standins" / "rtx"), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-B", str(HERE / "build_with_rtx.py"), str(SCRIPTS), str(folder)]
    ran = subprocess.run(
        words, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)["built"]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_graph_of_a_network_is_parsed_and_built(name, tmp_path):
    network = open_network(name, **NETWORKS[name])
    images = sample_inputs(network.preprocessing, 2)
    context = Context(images=lambda: [images], scheme="tensorrt")
    folded = compress(network.graph, parse_recipe("fold"))[-1].after
    weighted = [str(node.name) for node in folded.graph if node.op_type in ("Conv", "Gemm")]

    def quantized(then="", **settings):
        calls = [Call("int8", {"allow_float": "LRN", **settings}), *parse_recipe(then or "fold")]
        return compress(network.graph, calls if then else calls[:1], context=context)[-1].after

    graphs = {
        "fp32": folded,
        "fp16": to_fp16(folded),
        "int8": quantized(),
        "int8-per-tensor": quantized(per_channel=False),
        "int8-mixed": quantized("fp16", keep_float=f"{weighted[0]},{weighted[-1]}"),
    }
    found = build(tmp_path, graphs)
    assert {name: each.get("error") for name, each in found.items()} == dict.fromkeys(graphs)


SMALL = """
g (float[1,3,8,8] input) => (float[1,4,8,8] output)
<float[4,3,3,3] w, float[4] b, float s, float sw, int8 z, int8 zw, float[4] sb, int32[4] bq, int32 zb>
{
    q = QuantizeLinear(input, s, z)
    x = DequantizeLinear(q, s, z)
    wq = QuantizeLinear(w, sw, zw)
    wx = DequantizeLinear(wq, sw, zw)
    output = Conv <kernel_shape=[3,3], pads=[1,1,1,1]> (x, wx, BIAS)
}
"""
RIGHT = {"s": 0.02, "sw": 0.01, "z": 0, "zw": 0, "w": 0.5, "b": 0.1, "sb": 0.0002, "bq": 3, "zb": 0}


def small(graph, bias="b", **weights):
    text = SMALL.replace("BIAS", bias)
    if bias == "bx":
        text = text.replace("    output", "    bx = DequantizeLinear <axis=0> (bq, sb)\n    output")
    model = graph(text, **(RIGHT | weights))
    used = {value.name for node in model.graph for value in node.inputs if value is not None}
    for name in [name for name in model.graph.initializers if name not in used]:
        del model.graph.initializers[name]
    return model


def test_the_small_graph_itself_is_built(graph, tmp_path):
    assert "bytes" in build(tmp_path, {"int8": small(graph)})["int8"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"z": 3}, "zero point"),
        ({"zw": -2}, "zero point"),
        ({"bias": "bx"}, "input has type Int32 but must have type"),
        ({"s": 0.0}, "[Ss]cale"),
        ({"sw": -0.01}, "[Ss]cale"),
    ],
    ids=["activation zero point", "weight zero point", "int32 bias", "scale 0", "negative scale"],
)
def test_what_our_linter_refuses_nvidias_parser_refuses(graph, tmp_path, wrong, reason):
    model = small(graph, **wrong)
    assert [finding for finding in lint(model, ["10.3.0"]) if finding.severity == ERROR]
    error = build(tmp_path, {"int8": model})["int8"]["error"]
    assert error.startswith("TensorRT 1.7.1.116 cannot read int8.onnx:")
    assert re.search(reason, error)


def test_an_operator_that_it_does_not_know_is_named(graph, tmp_path):
    model = graph("g (float[1,3] input) => (float[1,3] output) { output = org.example.Thing(input) }")
    assert "Thing" in build(tmp_path, {"fp32": model})["fp32"]["error"]
    assert [finding.rule for finding in lint(model)] == ["operator"]
