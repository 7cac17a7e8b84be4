import sys

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import write
from edgecnn.runtime.micro_runner import MicroRunner


def file_of(body):
    return write(ir.from_onnx_text(f'<ir_version: 7, opset_import: ["" : 13]> g {body}'))


def test_a_batch_runs_image_by_image_in_onnx_layout():
    pytest.importorskip("tflite_micro", reason="TFLite Micro is not installed: pip install 'edgecnn[mcu]'")
    images = np.random.default_rng(0).standard_normal((3, 2, 4, 6), np.float32)
    runner = MicroRunner(
        file_of(
            "(float[1,2,4,6] x) => (float[1,2,2,3] y) { y = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) }"
        )
    )
    np.testing.assert_array_equal(runner(images), images.reshape(3, 2, 2, 2, 3, 2).max(axis=(3, 5)))


def test_an_operator_that_it_lacks_is_refused(capfd):
    pytest.importorskip("tflite_micro", reason="TFLite Micro is not installed: pip install 'edgecnn[mcu]'")
    with pytest.raises(EdgeCnnError, match="TFLite Micro cannot run the file"):
        MicroRunner(file_of("(float[1,5,4,4] x) => (float[1,5,4,4] y) { y = LRN<size=3>(x) }"))


def test_without_the_interpreter_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(EdgeCnnError, match=r"pip install 'edgecnn\[mcu\]'"):
        MicroRunner(file_of("(float[1,5] x) => (float[1,5] y) { y = Relu(x) }"))


def test_anything_else_is_refused():
    with pytest.raises(EdgeCnnError, match="no .tflite file"):
        MicroRunner(b"PK\3\4" * 9)
