import math
import re
from functools import lru_cache

import numpy as np
import pytest

from edgecnn import devices
from edgecnn.calls import Call
from edgecnn.export.tflite import write
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor, read_tflite
from edgecnn.pipeline.network import open_network
from edgecnn.profile.cmsis_nn import scratch_bytes
from edgecnn.profile.footprint import RUNTIME_BYTES, Footprint, footprint, footprint_as_int8
from edgecnn.profile.tflite_profile import activations_bytes
from edgecnn.quantize import Context, compress
from edgecnn.quantize.fold import fold
from edgecnn.sample import sample_inputs

M7, M55 = devices.find("cortex-m7"), devices.find("cortex-m55")
NETWORKS = (
    "lenet",
    "mobilenet(width=0.25, res=64, classes=10)",
    "resnet20",
    "squeezenet1_0(width=0.25, res=32)",  # its mean over 1000 maps takes most
    "unet(width=0.125, res=32, padding=same)",
)


@lru_cache
def graphs(text):
    """Return a network's folded float graph, and its int8 graph."""
    network = open_network(text)
    images = sample_inputs(network.preprocessing, 2)
    context = Context(images=lambda: [images], scheme="tflite")
    return fold(network.graph).model, compress(network.graph, [Call("int8")], context=context)[-1].after


@pytest.mark.parametrize("io", ["int8", "float"])
@pytest.mark.parametrize("text", NETWORKS)
def test_before_the_file_is_written_its_size_and_arena_are_predicted(text, io):
    floats, integers = graphs(text)
    file = write(integers, io=io)
    found = footprint(read_tflite(file), M7, len(file))
    predicted = footprint_as_int8(read_tflite(write(floats)), M7, io)
    assert predicted.model_bytes == pytest.approx(found.model_bytes, rel=0.02)
    assert predicted.arena_bytes == pytest.approx(found.arena_bytes, rel=0.03)
    assert (predicted.model_kind, found.model_kind) == ("predicted", "measured")


@pytest.mark.parametrize("io", ["int8", "float"])
@pytest.mark.parametrize("text", NETWORKS)
def test_the_predicted_arena_holds_the_measured_one(text, io):
    pytest.importorskip("tflite_micro", reason="TFLite Micro is not installed: pip install 'edgecnn[mcu]'")
    from edgecnn.runtime.micro_runner import MicroRunner

    file = write(graphs(text)[1], io=io)
    measured = MicroRunner(file).arena_bytes()
    assert measured <= footprint(read_tflite(file), M7, len(file)).arena_bytes <= 1.07 * measured + 500


@pytest.mark.parametrize("text", NETWORKS)
def test_the_activations_of_an_int8_file_are_planned_to_the_byte(text, capfd):
    micro = pytest.importorskip(
        "tflite_micro", reason="TFLite Micro is not installed: pip install 'edgecnn[mcu]'"
    ).runtime
    file = write(graphs(text)[1], io="int8")
    interpreter = micro.Interpreter.from_bytes(file, arena_size=2**23)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    capfd.readouterr()
    interpreter.print_allocations()
    (head,) = re.findall(r"Arena allocation head (\d+) bytes", capfd.readouterr().err)
    assert activations_bytes(read_tflite(file)) == int(head)


def one(name, image, weights, made):
    """A graph of one int8 operator."""
    tensors = [
        TfliteTensor(name=key, shape=shape, dtype="int8", content=content, is_variable=False, dynamic_axes=())
        for key, shape, content in (
            ("x", image, None),
            ("w", weights, np.zeros(math.prod(weights), np.uint8)),
            ("y", made, None),
        )
    ]
    operator = TfliteOperator(name=name, version=1, inputs=(0, 1), outputs=(2,), options={})
    return TfliteGraph(tensors=tuple(tensors), operators=(operator,), inputs=(0,), outputs=(2,))


# By hand from the formulas of CMSIS-NN: k = 3 x 3 x 5 = 45 and so on.
CASES = {
    "convolution": (one("CONV_2D", (1, 8, 8, 5), (4, 3, 3, 5), (1, 6, 6, 4)), 2 * 2 * 48, 4 * 48),
    "depthwise": (one("DEPTHWISE_CONV_2D", (1, 8, 8, 5), (1, 3, 3, 5), (1, 6, 6, 5)), 2 * 45, 4 * 124 * 9),
    "dense": (one("FULLY_CONNECTED", (1, 70), (4, 70), (1, 4)), 0, 4 * 70),
    "pool": (one("MAX_POOL_2D", (1, 8, 8, 5), (1,), (1, 4, 4, 5)), 0, 0),
}


@pytest.mark.parametrize(("graph", "dsp", "helium"), CASES.values(), ids=CASES)
def test_scratch_is_what_cmsis_nn_asks_for(graph, dsp, helium):
    assert (scratch_bytes(graph, M7), scratch_bytes(graph, M55)) == (dsp, helium)


def test_a_transposed_convolution_sums_up_in_32_bits():
    graph = one("TRANSPOSE_CONV", (1, 8, 8, 16), (16, 2, 2, 16), (1, 16, 16, 16))
    assert activations_bytes(graph) == 8 * 8 * 16 + 16 * 16 * 16 + 4 * 16 * 16 * 16


@pytest.mark.parametrize(
    ("arena", "model", "fits"),
    [
        (327_680 - 100, 1_048_576 - RUNTIME_BYTES, True),
        (327_680 - 99, 1, False),
        (1, 1_048_577 - RUNTIME_BYTES, False),
    ],
    ids=["to the last byte", "a byte of RAM too many", "a byte of flash too many"],
)
def test_a_network_fits_to_the_last_byte(arena, model, fits):
    needed = Footprint(
        arena_bytes=arena, arena_kind="measured", scratch_bytes=100, model_bytes=model, model_kind="measured"
    )
    assert needed.fits(M7) is fits


def test_without_flash_of_its_own_the_model_lies_elsewhere():
    needed = Footprint(
        arena_bytes=9, arena_kind="measured", scratch_bytes=0, model_bytes=10**9, model_kind="measured"
    )
    assert needed.fits(M55)
    assert needed.to_json()["flash_bytes"] == 10**9 + RUNTIME_BYTES
