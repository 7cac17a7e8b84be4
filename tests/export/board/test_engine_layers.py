"""engine_layers.py: the precision that each layer of an engine got, beside the one its graph asks for."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

VERSIONS = sorted(
    (path.stem for path in (Path(__file__).parents[2] / "standins" / "tensorrt_api").glob("*.json")),
    key=lambda text: [int(digits) for digits in text.split(".")],
)
ORIN = {"gpu": "Orin", "sm": "8.7"}


@pytest.fixture
def layers(empty_bundle):
    return empty_bundle.script("engine_layers")


def layer(name, kind, key="Format/Datatype", **more):
    return {"Name": name, "LayerType": "CaskConvolution", "Inputs": [{"Name": "x", key: kind}], **more}


@pytest.mark.parametrize(
    ("key", "kind", "precision"),
    [
        ("Format/Datatype", "Thirty-two wide channel vectorized row major Int8 format", "int8"),
        ("Format/Datatype", "Channel major FP16 format where channel % 8 == 0", "fp16"),
        ("Format/Datatype", "Row major linear FP32", "fp32"),
        ("Format/Datatype", "Half", "fp16"),
        ("Format/Datatype", "Float", "fp32"),
        ("DataType", "Int8", "int8"),
        ("DataType", "BFloat16", "bf16"),
        ("Format/Datatype", "N/A due to dynamic shapes", None),
    ],
)
def test_the_words_of_every_version_are_read(layers, key, kind, precision):
    assert layers.precision_of(layer("a", kind, key)) == precision


@pytest.mark.parametrize(
    "name",
    [
        "conv",
        "conv + relu",
        "w + w_quantize + conv + relu",
        "conv || other",
        "PWN(conv, relu)",
        "[CONVOLUTION]-[x] + conv",
    ],
)
def test_a_layer_stands_for_every_node_in_its_name(layers, name):
    found = layers.compare({"conv": "int8"}, [layer(name, "Int8")])
    assert (found["got"], found["not_told"], found["other"]) == ({"int8": 1}, 0, [])


def test_the_nodes_of_a_layer_are_read_from_its_metadata_too(layers):
    named = layer("__myl_Conv_1", "Half", Metadata="[ONNX Layer: a]\x1e[ONNX Layer: b]")
    assert layers.compare({"a": "fp16", "b": "int8"}, [named]) == {
        "asked": {"fp16": 1, "int8": 1},
        "got": {"fp16": 2},
        "not_told": 0,
        "other": [{"layer": "b", "asked": "int8", "got": "fp16"}],
    }


@pytest.mark.parametrize(
    "name", ["{ForeignNode[conv...fc]}", "Reformatting CopyNode for Input Tensor 0 to conv", "convolution"]
)
def test_what_does_not_tell_a_layer_is_not_taken_for_one(layers, name):
    assert layers.compare({"conv": "int8"}, [layer(name, "Float")])["not_told"] == 1


@pytest.mark.parametrize("inputs", [None, [], ["x"], [{}], {"x": 1}])
def test_a_layer_without_types_is_not_told(layers, inputs):
    assert layers.compare({"a": "fp32"}, [{"Name": "a", "Inputs": inputs}])["not_told"] == 1


@pytest.mark.parametrize("text", ["", "[]", "{", '{"Layers": ["a", "b"]}', '{"Layers": 3}', "{}"], ids=repr)
def test_an_answer_without_layers_is_none(layers, text):
    class Engine:
        def create_engine_inspector(self):
            return self

        def get_engine_information(self, _kind):
            return text

    class Tensorrt:
        class LayerInformationFormat:
            JSON = 1

    assert layers.read(Tensorrt, Engine()) == []


def test_a_sentence_names_a_few_layers(layers):
    asked = {f"conv{index}": "int8" for index in range(9)}
    engine = [layer(name, "Half") for name in list(asked)[:7]]
    assert layers.sentence(layers.compare(asked, engine)) == (
        "layers with weights asked for 9 in int8; the engine has 7 in fp16, 2 inside compiled blocks, not"
        " told; not as asked: conv0 (fp16), conv1 (fp16), conv2 (fp16), conv3 (fp16), conv4 (fp16) and 2 more"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_an_engine_says_what_each_layer_got_in_every_version(int8_bundle, jetson, version):
    jetson(version, in_fp16=("fc",), **ORIN)
    ran = int8_bundle.build("--json")
    assert ran.json["layers"] == {
        "asked": {"int8": 2},
        "got": {"int8": 1, "fp16": 1},
        "not_told": 0,
        "other": [{"layer": "fc", "asked": "int8", "got": "fp16"}],
    }
    record = json.loads((int8_bundle.folder / "model.int8.engine.json").read_text())
    assert record["layers"] == ran.json["layers"]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_float_engines_get_what_they_ask_for(int8_bundle, jetson, precision):
    jetson("8.2.1", in_a_block=("fc",), **ORIN)
    ran = int8_bundle.build("--precision", precision)
    assert (
        f"layers with weights asked for 2 in {precision}; the engine has 1 in {precision},"
        " 1 inside compiled blocks, not told"
    ) in ran.out.splitlines()


def test_a_bundle_that_does_not_say_what_it_asks_for_is_built_without(int8_bundle, jetson):
    entries = [
        {key: value for key, value in each.items() if key != "layers"}
        for each in int8_bundle.manifest["artifacts"]
    ]
    int8_bundle.change(artifacts=entries)
    jetson("10.3.0", **ORIN)
    assert "layers" not in int8_bundle.build("--json").json


def test_an_engine_that_cannot_be_read_back_is_there_all_the_same(int8_bundle, jetson):
    found = jetson("10.3.0", **ORIN)
    found.tensorrt.Runtime.deserialize_cuda_engine = lambda _self, _plan: None
    ran = int8_bundle.build("--json")
    assert (ran.code, "layers" in ran.json) == (0, False)
    assert "its layers cannot be read" in ran.err


@pytest.mark.parametrize("told", [None, "", "[1]", '{"Layers": 7}', '{"Layers": ["a", 1]}'])
def test_an_inspector_that_tells_nothing_names_no_layer(layers, told):
    inspector = SimpleNamespace(get_engine_information=lambda _: told)
    engine = SimpleNamespace(create_engine_inspector=lambda: inspector)
    tensorrt = SimpleNamespace(LayerInformationFormat=SimpleNamespace(JSON=1))
    assert layers.read(tensorrt, engine) == []
