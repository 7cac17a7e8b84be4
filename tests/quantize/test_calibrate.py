import hashlib
import tracemalloc

import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.calibrate import calibrate

BODY = "{ a = Conv(x, w) b = Relu(a) y = GlobalAveragePool(b) }"


@pytest.fixture
def model(graph):
    return graph(BODY, w=(3, 4, 3, 3))


def test_ranges_are_those_of_the_values_over_all_pictures(model, pictures):
    from edgecnn.runtime.onnx_runner import OnnxRunner

    source = pictures()
    every = np.concatenate(source())
    found = calibrate(model, source, ["x", "b"])
    truth = OnnxRunner(model, outputs=["b"]).values(every)["b"]
    assert found.ranges["b"] == pytest.approx((0.0, truth.max()))
    assert found.ranges["x"] == (every.min(), every.max())
    assert (found.count, found.observer, found.warnings) == (40, "minmax", ())


def test_the_hash_is_of_the_inputs_bytes_and_not_of_the_batches(model, pictures):
    source = pictures()
    every = np.concatenate(source())
    found = calibrate(model, source, ["b"])
    assert found.sha256 == hashlib.sha256(every.tobytes()).hexdigest()
    assert calibrate(model, lambda: [every], ["b"]) == found
    assert calibrate(model, lambda: [every[::-1]], ["b"]).sha256 != found.sha256


@pytest.mark.parametrize("observer", ["minmax", "entropy"])
def test_memory_does_not_grow_with_the_number_of_pictures(model, rng, observer):
    picture = rng.standard_normal((1, 4, 8, 8), np.float32)

    def peak_of(count: int) -> int:
        tracemalloc.start()
        calibrate(model, lambda: (picture for _ in range(count)), ["x", "b"], observer=observer)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak_of(2)
    assert peak_of(300) < peak_of(20) + 20_000


REFUSED = {
    "no pictures": ([], "no pictures to calibrate"),
    "another shape": ([np.ones((2, 4, 9, 9), np.float32)], "takes pictures of 4 x 8 x 8"),
    "not a batch": ([np.ones((4, 8, 8), np.float32)], "takes pictures of 4 x 8 x 8"),
    "not finite": ([np.full((1, 4, 8, 8), np.nan, np.float32)], "picture 0 has values that are not finite"),
    "constant": ([np.full((9, 4, 8, 8), 0.5, np.float32)], "every number of the calibration pictures is 0.5"),
}


@pytest.mark.parametrize(("batches", "message"), REFUSED.values(), ids=REFUSED)
def test_pictures_from_which_nothing_is_learned_are_refused(model, batches, message):
    with pytest.raises(EdgeCnnError, match=message):
        calibrate(model, lambda: batches, ["b"])


def test_a_value_that_overflows_is_refused_by_name(graph, pictures):
    model = graph("{ a = Mul(x, big) b = Mul(a, big) y = Relu(b) }", big=np.float32(1e30))
    with pytest.raises(EdgeCnnError, match="'b' on calibration picture 1 is not finite"):
        calibrate(model, pictures(), ["a", "b"])


def test_few_pictures_and_pixels_that_nobody_normalized_are_worth_a_word(model, rng):
    pixels = rng.integers(0, 256, (5, 4, 8, 8)).astype(np.float32)
    few, loud = calibrate(model, lambda: [pixels], ["b"]).warnings
    assert "5 calibration pictures are few" in few
    assert "normalized" in loud
