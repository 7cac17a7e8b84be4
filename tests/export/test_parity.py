import numpy as np
import pytest

from edgecnn.errors import VerificationError
from edgecnn.export.parity import compare, first_divergence, require, response


def test_the_response_is_how_far_outputs_move_between_inputs():
    assert response(np.array([[1.0, 5.0], [2.0, 8.0]])) == 3.0


@pytest.mark.parametrize(
    "outputs",
    [np.ones((4, 10)), 100 + 0.01 * np.arange(4.0)[:, None], np.zeros((3, 2)), np.array([[np.nan], [1.0]])],
    ids=["constant", "hardly moving", "zero", "not finite"],
)
def test_outputs_on_which_no_gate_could_fail_are_refused(outputs):
    with pytest.raises(VerificationError, match="hardly answers|not finite"):
        compare("hop", outputs, outputs)


def test_the_tolerance_is_relative_to_the_response():
    reference = np.array([[0.0], [50.0]])
    parity = compare("hop", reference, reference + 0.004, 1e-4)
    assert parity.tolerance == pytest.approx(1e-4 * 50)
    assert parity.holds
    assert not compare("hop", reference, reference + 0.006, 1e-4).holds


def test_an_output_that_is_not_finite_never_holds():
    reference = np.array([[0.0], [50.0]])
    assert not compare("hop", reference, np.array([[0.0], [np.inf]])).holds
    assert not compare("hop", reference, np.array([[np.nan], [50.0]])).holds


def test_another_shape_is_refused():
    with pytest.raises(VerificationError, match=r"shape \(3,\) instead of \(2,\)"):
        compare("hop", np.array([[0.0, 1.0], [5.0, 6.0]]), np.zeros((2, 3)))


def test_the_first_layer_that_differs_is_named_in_execution_order():
    good = np.array([[0.0], [1.0]])
    reference = dict.fromkeys("abc", good)
    candidate = {"a": good + 1e-9, "b": good * 1.1, "c": good * 2}
    assert first_divergence("abc", reference, candidate) == "b"
    assert first_divergence("abc", reference, reference) is None
    assert first_divergence("ab", reference, {"a": good, "b": np.full((2, 1), np.nan)}) == "b"


def test_a_failed_hop_names_the_error_the_tolerance_and_the_layer():
    parity = compare("onnx → tflite", np.array([[0.0], [1.0]]), np.array([[0.0], [1.5]]))
    with pytest.raises(VerificationError, match="onnx → tflite: outputs differ by 0.5 where 0.0001.*'conv3'"):
        require(parity, "conv3")
