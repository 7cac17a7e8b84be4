import sys

import numpy as np
import onnx_ir as ir
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import write
from edgecnn.runtime.litert_runner import LitertRunner


def file_of(body):
    return write(ir.from_onnx_text(f'<ir_version: 7, opset_import: ["" : 13]> g {body}'))


@pytest.fixture(scope="module")
def pool():
    pool = "MaxPool<kernel_shape=[2,2], strides=[2,2]>"
    return file_of(f"(float[1,2,4,6] x) => (float[1,2,2,3] y) {{ n = Neg(x) y = {pool}(n) }}")


def batch(n, shape=(2, 4, 6)):
    return np.random.default_rng(n).standard_normal((n, *shape), np.float32)


def pooled(images):
    n, c, h, w = images.shape
    return (-images).reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))


@pytest.mark.parametrize("n", [1, 3])
def test_a_batch_runs_image_by_image_in_onnx_layout(pool, n):
    result = LitertRunner(pool)(batch(n))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, pooled(batch(n)))


def test_an_empty_batch_gives_an_empty_result(pool):
    assert LitertRunner(pool)(batch(0)).shape == (0, 2, 2, 3)


def test_a_file_and_its_bytes_are_the_same(pool, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(pool)
    np.testing.assert_array_equal(LitertRunner(path, threads=2)(batch(1)), LitertRunner(pool)(batch(1)))


def test_a_result_survives_the_next_call(pool):
    runner = LitertRunner(pool)
    first = runner(batch(1))
    kept = first.copy()
    runner(batch(2))
    np.testing.assert_array_equal(first, kept)


def test_a_batch_in_the_callers_layout_may_be_a_view(pool):
    images = batch(3)[::-1]
    np.testing.assert_array_equal(LitertRunner(pool)(images), pooled(images))


def test_every_intermediate_value_by_its_onnx_name(pool):
    runner = LitertRunner(pool, keep_all=True)
    images = batch(1)
    runner(images)
    values = runner.values()
    assert set(values) == {"x", "n", "y"}
    np.testing.assert_array_equal(values["n"], -images)
    np.testing.assert_array_equal(values["y"], pooled(images))


def test_values_in_other_layouts_are_brought_back():
    body = """(float[1,2,3,4] x) => (float[1,12,2] y) {
      n = Neg(x)  f = Flatten(n)  a = Abs(x) g = Flatten(a)  j = Concat<axis=1>(f, g)  s = Sigmoid(j)
      u = Neg(x)  t = Transpose<perm=[0,2,3,1]>(u)
      y = Reshape(t, shape) }"""
    text = f'<ir_version: 7, opset_import: ["" : 13]> g {body}'
    model = ir.from_onnx_text(text, initializers=[ir.tensor(np.asarray([1, 12, 2]), name="shape")])
    runner = LitertRunner(write(model), keep_all=True)
    x = batch(1, (2, 3, 4))
    runner(x)
    values = runner.values()
    np.testing.assert_array_equal(values["f"], -x.reshape(1, 24))
    np.testing.assert_array_equal(values["j"], np.concatenate([-x.ravel(), np.abs(x).ravel()])[None])
    np.testing.assert_array_equal(values["t"], -x.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(values["y"], -x.transpose(0, 2, 3, 1).reshape(1, 12, 2))


def test_helper_tensors_are_no_values():
    body = """(float[1,1,4,4] x) => (float[1,1,2,2] y) {
      y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x) }"""
    runner = LitertRunner(file_of(body), keep_all=True)
    runner(batch(1, (1, 4, 4)))
    assert set(runner.values()) == {"x", "y"}


def test_values_need_keep_all(pool):
    with pytest.raises(EdgeCnnError, match="keep_all=True"):
        LitertRunner(pool).values()


@pytest.mark.parametrize(
    "images",
    [batch(1, (2, 6, 4)), batch(1, (4, 6, 2)), batch(1)[0], batch(1).astype(np.float64)],
    ids=["height and width swapped", "channels last", "no batch axis", "float64"],
)
def test_another_input_is_refused(pool, images):
    with pytest.raises(EdgeCnnError, match=r"the network takes float32 \('n', 2, 4, 6\)"):
        LitertRunner(pool)(images)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: b"", "no .tflite file"),
        (lambda data: b"\x89PNG\r\n\x1a\n" * 99, "no .tflite file"),
        (lambda data: data[: len(data) // 2], "cannot load the file"),
        (lambda data: data[:9], "cannot load the file"),
    ],
    ids=["empty", "a picture", "cut off", "cut off at once"],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(pool, spoil, message, tmp_path):
    path = tmp_path / "bad.tflite"
    path.write_bytes(spoil(pool))
    with pytest.raises(EdgeCnnError, match=message) as caught:
        LitertRunner(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(EdgeCnnError, match="cannot be read: No such file"):
        LitertRunner(tmp_path / "none.tflite")


def test_two_outputs_are_refused():
    body = "(float[1,3] x) => (float[1,3] y, float[1,3] z) { y = Relu(x) z = Neg(x) }"
    with pytest.raises(EdgeCnnError, match="1 inputs and 2 outputs"):
        LitertRunner(file_of(body))


def test_a_missing_runtime_is_named(pool, monkeypatch):
    for name in ("ai_edge_litert.interpreter", "tflite_runtime.interpreter"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(EdgeCnnError, match="pip install ai-edge-litert"):
        LitertRunner(pool)
