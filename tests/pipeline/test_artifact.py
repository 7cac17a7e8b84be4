"""Files that stand alone are read as they lie, or refused."""

import shutil

import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from onnx import TensorProto, helper
from torch import nn

from edgecnn.data import Dataset
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.deploy import deploy
from edgecnn.pipeline.scoring import score

SIZE, CLASSES = 4, 3
CONTRACT = {"mean": (0.0,) * 3, "std": (1.0,) * 3, "channel_order": "RGB"}
SHAPES = {"NCHW": (3, SIZE, SIZE + 1), "NHWC": (SIZE, SIZE + 1, 3)}
LABELS = np.arange(7) % CLASSES


def pictures():
    """Return pictures whose class is their brightest channel, and brightest in one corner."""
    images = np.zeros((len(LABELS), SIZE, SIZE + 1, 3), np.uint8)
    images[np.arange(len(LABELS)), 0, 1, LABELS] = 200
    return Dataset(
        name="corners", split="held-out", images=images, labels=LABELS, class_names=("r", "g", "b")
    )


def foreign(path, layout, batch=1):
    """Write a network that gives the maximum of each channel."""
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    node = helper.make_node("ReduceMax", ["x"], ["y"], axes=axes, keepdims=0)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *SHAPES[layout]])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])
    graph = helper.make_graph([node], "corners", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), path)
    return path


@pytest.mark.parametrize("layout", [None, "NCHW", "NHWC"])
def test_an_onnx_file_is_read_in_its_layout(tmp_path, layout):
    file = foreign(tmp_path / "net.onnx", layout or "NCHW")
    assert score(file, pictures(), preprocessing=CONTRACT, layout=layout).top1 == 1


@pytest.mark.parametrize("batch", [3, 16, "n"])
def test_a_file_of_any_fixed_batch_sees_every_picture(tmp_path, batch):
    found = score(foreign(tmp_path / "net.onnx", "NCHW", batch), pictures(), preprocessing=CONTRACT)
    assert (found.n, found.top1) == (7, 1)


@pytest.mark.parametrize(
    ("written", "layout", "sentence"),
    [
        ("NCHW", "NHWC", "read as NHWC, takes 5 channels of 3 x 4, and --mean is for 3; .* --layout NCHW"),
        ("NHWC", None, "read as NCHW, takes 4 channels of 5 x 3, and --mean is for 3; .* --layout NHWC"),
        ("NCHW", "CHWN", "unknown layout 'CHWN'"),
    ],
    ids=["wrong", "left out", "unknown"],
)
def test_a_layout_that_does_not_fit_is_refused(tmp_path, written, layout, sentence):
    file = foreign(tmp_path / "net.onnx", written)
    with pytest.raises(EdgeCnnError, match=sentence):
        score(file, pictures(), preprocessing=CONTRACT, layout=layout)


def test_a_tflite_file_with_channels_first_sees_them_first(tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(5, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 3 * 4, 3))
    deploy(network, "pi4", input_shape=(1, 5, 3, 4), out=tmp_path / "net.pi4")
    file = tmp_path / "net.tflite"  # its input is 1 x 3 x 4 x 5: of pictures, channels, height, width
    shutil.copy(tmp_path / "net.pi4" / "model.tflite", file)
    interpreter = Interpreter(str(file))
    interpreter.allocate_tensors()
    expected = []
    for image in pictures().images:
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1)[None] / np.float32(255))
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
        interpreter.invoke()
        expected.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).argmax())
    found = score(file, pictures(), preprocessing=CONTRACT, layout="NCHW")
    assert found.predicted.tolist() == expected
    with pytest.raises(EdgeCnnError, match="give --layout NCHW"):
        score(file, pictures(), preprocessing=CONTRACT)


def test_a_file_in_a_bundle_says_itself_how_it_lies(tmp_path):
    deploy("lenet", "pi4", out=tmp_path / "net.pi4")
    with pytest.raises(EdgeCnnError, match="leave out --layout"):
        score(tmp_path / "net.pi4" / "model.onnx", "digits", layout="NCHW")
