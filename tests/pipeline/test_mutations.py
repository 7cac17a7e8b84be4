"""The gates can fail: each mistake, made on purpose at each hop, must stop the export."""

import numpy as np
import onnx_ir as ir
import pytest

import edgecnn
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export import artifacts, compilers
from edgecnn.export.recorder import record as true_record
from edgecnn.export.tflite import write as true_write
from edgecnn.graph.check import check
from edgecnn.graph.precision import precision_of
from edgecnn.quantize import passes
from edgecnn.quantize.fold import fold as true_fold
from edgecnn.quantize.passes import Result

MODEL = "mobilenet(width=0.25, res=32, classes=10)"


def change(model: ir.Model, name: str, edit) -> ir.Model:
    """Return a copy in which `edit` was applied to one initializer's array."""
    clone = model.clone()
    value = clone.graph.initializers[name]
    array = value.const_value.numpy().copy()
    edit(array)
    value.const_value = ir.tensor(array, name=name)
    return clone


def drop_relu(model: ir.Model) -> ir.Model:
    clone = model.clone()
    node = [node for node in clone.graph if node.op_type == "Relu"][5]
    node.outputs[0].replace_all_uses_with(node.inputs[0])
    clone.graph.remove(node, safe=True)
    return clone


def swap_colours(array: np.ndarray) -> None:
    array[:, [0, 2]] = array[:, [2, 0]]


def swap_outputs(array: np.ndarray) -> None:
    array[[0, 1]] = array[[1, 0]]


def zero_filter(array: np.ndarray) -> None:
    array[3] = 0


def zero_largest(array: np.ndarray) -> None:
    array.reshape(-1)[np.abs(array).argmax()] = 0


def double(array: np.ndarray) -> None:
    array *= 2


def double_one(array: np.ndarray) -> None:
    array[0] *= 2


STEM, DEPTHWISE, POINTWISE = "conv_stem.weight", "blocks.2.0.conv_dw.weight", "blocks.3.2.conv_pw.weight"
MUTATIONS = {
    "a dropped layer": drop_relu,
    "a zeroed filter": lambda model: change(model, DEPTHWISE, zero_filter),
    "one zeroed weight": lambda model: change(model, POINTWISE, zero_largest),
    "red and blue swapped": lambda model: change(model, STEM, swap_colours),
    "two output channels swapped": lambda model: change(model, POINTWISE, swap_outputs),
    "two classes swapped": lambda model: change(model, "classifier.weight", swap_outputs),
    "a layer's scale off by 2": lambda model: change(model, DEPTHWISE, double),
    "one channel's scale off by 2": lambda model: change(model, POINTWISE, double_one),
    "a bias off by 2": lambda model: change(model, "classifier.bias", double_one),
}


def at_recording(monkeypatch, mutate) -> None:
    monkeypatch.setattr("edgecnn.export.recorder.record", lambda *a, **k: mutate(true_record(*a, **k)))


def at_folding(monkeypatch, mutate) -> None:
    def broken(model: ir.Model) -> Result:
        result = true_fold(model)
        return Result(model=mutate(result.model), matched=result.matched, note=result.note)

    entry = passes.PASSES["fold"]
    monkeypatch.setitem(passes.PASSES._items, "fold", passes.Pass(**{**vars(entry), "function": broken}))


def at_writing(monkeypatch, mutate) -> None:
    monkeypatch.setattr(compilers.tflite, "write", lambda model, **how: true_write(mutate(model), **how))


HOPS = {"pytorch → onnx": at_recording, "onnx → fold": at_folding, "onnx → model.tflite": at_writing}


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS)
def test_a_mistake_stops_the_export_at_its_hop(monkeypatch, tmp_path, mutate, hop):
    HOPS[hop](monkeypatch, mutate)
    with pytest.raises(VerificationError, match=f"{hop}: outputs differ"):
        edgecnn.deploy(MODEL, "pi4", out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


FIRST = {
    "pytorch → onnx": "blocks.2.0.conv_dw",
    "onnx → fold": "blocks.2.0.bn1",  # a folded convolution gives the value that its BatchNorm gave
    "onnx → model.tflite": "blocks.2.0.relu",  # and in TFLite that of the fused activation
}


@pytest.mark.parametrize(("hop", "layer"), FIRST.items())
def test_the_first_layer_that_differs_is_named(monkeypatch, tmp_path, hop, layer):
    HOPS[hop](monkeypatch, MUTATIONS["a layer's scale off by 2"])
    with pytest.raises(VerificationError, match=f"the first layer that differs is '{layer}'"):
        edgecnn.deploy(MODEL, "pi4", out=tmp_path / "out")


def stale_shape(model: ir.Model) -> ir.Model:
    clone = model.clone()
    list(clone.graph)[4].outputs[0].shape = ir.Shape([1, 8, 16, 17])
    return clone


def stale_weight_shape(model: ir.Model) -> ir.Model:
    clone = model.clone()
    clone.graph.initializers[STEM].shape = ir.Shape([8, 3, 3, 4])
    return clone


@pytest.mark.parametrize("mutate", [stale_shape, stale_weight_shape])
@pytest.mark.parametrize("hop", ["pytorch → onnx", "onnx → fold"])
def test_a_stale_shape_stops_the_export(monkeypatch, tmp_path, mutate, hop):
    HOPS[hop](monkeypatch, mutate)
    with pytest.raises(EdgeCnnError, match=r"declare|not valid ONNX|shape"):
        edgecnn.deploy(MODEL, "pi4", out=tmp_path / "out")


def test_a_stale_shape_is_named_by_the_checker():
    graph = true_fold(true_record(edgecnn_module(), (1, 3, 32, 32))).model
    check(graph)
    with pytest.raises(VerificationError):
        check(stale_shape(graph))


def edgecnn_module():
    from edgecnn.models import build

    return build(edgecnn.ModelSpec.parse(MODEL))


def test_a_wrong_opset_stops_the_export_for_a_jetson(monkeypatch, tmp_path):
    def later(model: ir.Model) -> ir.Model:
        model.opset_imports[""] = 17
        return model

    at_recording(monkeypatch, later)
    with pytest.raises(EdgeCnnError, match="opset 13 and the graph is at opset 17"):
        edgecnn.deploy(MODEL, "jetson", out=tmp_path / "out")


def test_a_wrong_fp16_graph_stops_the_export(monkeypatch, tmp_path):
    true_half = compilers.tensorrt.to_fp16

    def broken(model: ir.Model) -> ir.Model:
        return true_half(change(model, POINTWISE, swap_outputs))

    monkeypatch.setattr(compilers.tensorrt, "to_fp16", broken)
    with pytest.raises(VerificationError, match=r"model.fp16.onnx: outputs differ"):
        edgecnn.deploy(MODEL, "jetson", out=tmp_path / "out")


def test_an_int8_file_that_is_not_the_graph_stops_the_export(monkeypatch, tmp_path):
    true_bytes = artifacts.to_bytes

    def broken(model: ir.Model) -> bytes:
        if precision_of(model) != "int8":
            return true_bytes(model)
        spoiled = model.clone()
        scale = next(value for name, value in spoiled.graph.initializers.items() if name.endswith(".scale"))
        scale.const_value = ir.tensor(scale.const_value.numpy() * 2, name=scale.name)
        return true_bytes(spoiled)

    monkeypatch.setattr(artifacts, "to_bytes", broken)
    asked = edgecnn.Quantization(int8=True, calibrate="shapes", calibrate_images=4)
    with pytest.raises(VerificationError, match=r"model.int8.onnx: outputs differ"):
        edgecnn.deploy(MODEL, "jetson", out=tmp_path / "out", quantization=asked)
    assert list(tmp_path.iterdir()) == []
