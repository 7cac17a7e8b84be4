import numpy as np
import pytest

from edgecnn.errors import VerificationError
from edgecnn.export.micro.agreement import agreement, output_step
from edgecnn.export.tflite import write
from edgecnn.graph.tflite_file import read_tflite
from edgecnn.runtime.micro_runner import MicroRunner


@pytest.fixture
def _micro():
    pytest.importorskip("tflite_micro", reason="TFLite Micro is not installed: pip install 'edgecnn[mcu]'")


@pytest.mark.usefixtures("_micro")
@pytest.mark.parametrize("io", ["int8", "float"])
def test_the_same_file_gives_the_same(graph, images, io):
    parity = agreement(write(graph, io=io), images, 10.0)
    assert parity.hop == "LiteRT → TFLite Micro"
    assert parity.max_abs_error <= parity.tolerance < 3 * output_step(read_tflite(write(graph, io=io)), 10.0)


@pytest.mark.usefixtures("_micro")
def test_a_layer_that_differs_is_named(model, images, monkeypatch):
    real = MicroRunner.elements

    def pooled_wrongly(runner):
        found = real(runner)
        names = [tensor.name for tensor in read_tflite(model).tensors]
        place = names.index("m")
        return {**found, place: (found[place] // 2).astype(np.int8)}

    monkeypatch.setattr(MicroRunner, "elements", pooled_wrongly)
    with pytest.raises(
        VerificationError, match=r"'m' \(MAX_POOL_2D\) is \d+ steps apart where it reads the same"
    ):
        agreement(model, images, 10.0)


@pytest.mark.usefixtures("_micro")
def test_outputs_that_differ_are_refused(model, images, monkeypatch):
    real = MicroRunner.__call__
    monkeypatch.setattr(MicroRunner, "__call__", lambda runner, batch: 1.5 * real(runner, batch))
    with pytest.raises(VerificationError, match="LiteRT → TFLite Micro: outputs differ by"):
        agreement(model, images, 10.0)


@pytest.mark.usefixtures("_micro")
def test_a_kernel_that_rounds_a_scale_away_is_found(quantized):
    """TFLite Micro's RELU6 clips without rescaling; the check of operators refuses it by name before."""
    body = "(float[1,2,4,4] x) => (float[1,2,4,4] y) { y = Clip(x, a, b) }"
    text = f'<ir_version: 7, opset_import: ["" : 13]> g {body}'
    images = np.random.default_rng(3).standard_normal((4, 2, 4, 4), np.float32)
    graph = quantized(text, images, a=np.float32(0), b=np.float32(6))
    with pytest.raises(VerificationError, match=r"\(RELU6\) is \d+ steps apart"):
        agreement(write(graph, io="int8"), images, 3.0)


def test_a_step_is_the_scale_of_the_output_or_of_what_is_dequantized(graph):
    ints, floats = (read_tflite(write(graph, io=io)) for io in ("int8", "float"))
    assert output_step(ints, 1.0) == output_step(floats, 1.0) == ints.tensors[ints.outputs[0]].scales[0]
