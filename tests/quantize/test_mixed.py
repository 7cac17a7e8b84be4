import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.bare import pairs
from edgecnn.quantize.mixed import in_float, mixed
from edgecnn.quantize.sensitivity import quantized_layers, sensitivity
from edgecnn.runtime.piece_runner import PieceRunner

from .networks import Branches, after, chain, context, graph, pictures


@pytest.mark.parametrize(("asked", "kept"), [(0, 0), (1, 1), (3, 3), (0.5, 2), (0.01, 1), (99, 4)])
def test_the_worst_layers_stay_in_float_a_number_or_a_fraction(asked, kept):
    quantized = after(graph(chain()), "int8")
    worst = sorted(sensitivity(quantized, [pictures()]), key=lambda record: record.sqnr_db)
    result = mixed(quantized, context=context(), float_layers=asked)
    assert result.matched == kept
    left = set(quantized_layers(result.model))
    assert left == {record.layer for record in worst[kept:]}


def pair_names(model):
    return {quantize.name for quantize, _ in pairs(model.graph)}


def test_between_two_layers_in_float_nothing_is_rounded_and_elsewhere_everything():
    quantized = after(graph(chain()), "int8")
    gone = pair_names(quantized) - pair_names(in_float(quantized, ["0", "2"]))
    assert gone == {"0.weight.quantize", "2.weight.quantize", "1.quantize"}


def test_what_an_int8_layer_reads_too_stays_rounded():
    quantized = after(graph(Branches()), "int8")
    gone = pair_names(quantized) - pair_names(in_float(quantized, ["stem", "inner"]))
    assert gone == {"stem.weight.quantize", "inner.weight.quantize"}  # the sum reads the stem's output, too


def test_the_error_falls_with_every_layer_that_stays_in_float():
    quantized = after(graph(chain()), "int8")
    images = pictures()
    truth = run(in_float(quantized, ["0", "2", "4", "7"]), images)
    errors = [
        np.abs(run(mixed(quantized, context=context(), float_layers=layers).model, images) - truth).mean()
        for layers in (0, 2, 4)
    ]
    assert errors[0] > errors[1] > errors[2] == 0


def run(model, images):
    ends = [str(value.name) for value in (model.graph.inputs[0], model.graph.outputs[0])]
    runner = PieceRunner(model, ends[:1], ends[1:])
    return np.concatenate([runner({ends[0]: image[None]})[ends[1]] for image in images])


@pytest.mark.parametrize("asked", [-1, 1.5, float("inf"), float("nan")])
def test_what_is_neither_a_number_nor_a_fraction_is_refused(asked):
    with pytest.raises(EdgeCnnError, match="give a number of layers, or a fraction"):
        mixed(after(graph(chain()), "int8"), context=context(), float_layers=asked)
