import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.export.fidelity import check_layers
from edgecnn.export.tflite import write
from edgecnn.graph.nodes import constant, output
from edgecnn.graph.save import to_bytes
from edgecnn.quantize import compress
from edgecnn.quantize.bare import pairs
from edgecnn.quantize.refit import refit
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.trainable import to_graph, to_module

from .lessons import IMAGES, damaged, learning
from .networks import Branches, chain, graph, pictures, spoil

SPREAD = np.float32([1, 100, 1, 30, 1, 100, 1, 50])  # so unequal that one scale for all channels loses much


def spread() -> ir.Model:
    """Return a network whose ranges differ from channel to channel, and that computes what it did before."""
    layers = (
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        nn.ReLU(),
        nn.Conv2d(8, 8, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 5),
    )
    return spoil(graph(nn.Sequential(*layers)), "0", "2", SPREAD)


def run(model: ir.Model, recipe: str, scheme="tflite", **given) -> list:
    context = learning(**given)
    context = type(context)(**{**vars(context), "scheme": scheme})
    return compress(model, parse_recipe(recipe), context=context)


def error(model: ir.Model, reference: ir.Model) -> float:
    return float(np.abs(OnnxRunner(model, integers=False)(IMAGES) - OnnxRunner(reference)(IMAGES)).mean())


def scales(model: ir.Model) -> dict[str, np.ndarray]:
    return {str(first.inputs[1].name): constant(first.inputs[1]) for first, _ in pairs(model.graph)}


@pytest.mark.parametrize("scheme", ["tflite", "tensorrt"])
def test_one_scale_for_all_channels_is_recovered(scheme):
    model = spread()
    recipe = "int8(per_channel=false) | qat(epochs=3, batch=16, lr=3e-3)"
    *_, rounded, trained = run(model, recipe, scheme, images=pictures(1200, seed=3))
    assert error(rounded.after, model) > 1.3 * error(trained.after, model)
    assert trained.matched > 8
    assert "as the teacher on" in trained.note


@pytest.mark.parametrize("scheme", ["tflite", "tensorrt"])
@pytest.mark.parametrize("per_channel", ["true", "false"])
@pytest.mark.parametrize("network", [chain, Branches])
def test_what_trains_is_what_onnx_runtime_computes(network, per_channel, scheme):
    recipe = f"int8(per_channel={per_channel}, observer=minmax) | qat(epochs=2, batch=32, lr=3e-3)"
    other = damaged(graph(network()))  # which gives it something to learn
    *_, before, step = run(graph(network()), recipe, scheme, original=other)
    assert to_bytes(before.after) != to_bytes(step.after)
    with torch.no_grad():
        module = to_module(step.after).eval()(torch.from_numpy(IMAGES)).numpy()
    outputs = OnnxRunner(step.after, integers=False)(IMAGES)
    one_step = max(float(each.max()) for each in scales(step.after).values())
    assert np.quantile(np.abs(module - outputs), 0.99) < 1e-4 * np.ptp(outputs)
    assert np.abs(module - outputs).max() <= 2 * one_step  # a tie that rounds the other way


def test_the_file_answers_as_the_graph_picture_by_picture_apart_from_ties():
    *_, step = run(spread(), "int8(per_channel=false) | qat(epochs=3, batch=16)")
    data = write(step.after)
    whole = LitertRunner(data, keep_all=True)
    whole(IMAGES[:1])
    check_layers(step.after, whole.values())  # each layer by itself: one step at most
    # both in integers: what rounding a bias to int32 costs depends on how the training went
    outputs, found = OnnxRunner(step.after)(IMAGES), LitertRunner(data)(IMAGES)
    steps = np.rint(np.abs(found - outputs) / float(constant(output_pair(step.after)[1].inputs[1])))
    assert (steps <= 1).mean() > 0.9
    best = np.sort(outputs, 1)
    clear = best[:, -1] - best[:, -2] > 2 * np.abs(found - outputs).max()
    assert clear.mean() > 0.5
    assert (found.argmax(1) == outputs.argmax(1))[clear].all()


def output_pair(model):
    return next(pair for pair in pairs(model.graph) if output(pair[1]).is_graph_output())


def test_scales_stay_positive_and_tied_and_weights_within_their_range():
    *_, before, step = run(
        graph(Branches()), "int8 | qat(epochs=3, batch=16, lr=1e-2)", original=damaged(graph(Branches()))
    )
    first, last = scales(before.after), scales(step.after)
    assert first.keys() == last.keys()
    assert any((first[name] != last[name]).any() for name in first)
    for name, scale in last.items():
        assert (scale > 0).all()
        twins = [other for other in first if first[other].tobytes() == first[name].tobytes()]
        assert {last[other].tobytes() for other in twins} == {scale.tobytes()}
    concat = next(node for node in step.after.graph if node.op_type == "Concat")
    joined = [constant(value.producer().inputs[1]) for value in concat.inputs]
    assert joined[0] == joined[1]
    for quantize, dequantize in pairs(step.after.graph):
        weight = constant(quantize.inputs[0])
        if weight is not None:
            scale = constant(quantize.inputs[1]).reshape(-1, *[1] * (weight.ndim - 1))
            assert np.abs(np.rint(weight / scale)).max() <= 127
        assert constant(quantize.inputs[2]).tobytes() == constant(dequantize.inputs[2]).tobytes()


def test_zero_points_and_what_an_operator_dictates_stay():
    model = graph(nn.Sequential(nn.Conv2d(3, 6, 3), nn.Sigmoid(), nn.Flatten(), nn.Linear(216, 5)))
    *_, before, step = run(model, "int8 | qat(epochs=2, batch=16, lr=1e-2)")
    sigmoid = next(node for node in step.after.graph if node.op_type == "Sigmoid")
    (quantize,) = (use.node for use in output(sigmoid).uses())
    assert constant(quantize.inputs[1]) == np.float32(1 / 256)
    zeros = [
        [constant(first.inputs[2]).tolist() for first, _ in pairs(s.after.graph)] for s in (before, step)
    ]
    assert zeros[0] == zeros[1]


def test_with_scales_false_weights_alone_learn():
    *_, before, step = run(spread(), "int8(per_channel=false) | qat(epochs=2, batch=16, scales=false)")
    first, last = scales(before.after), scales(step.after)
    assert all(first[name].tobytes() == last[name].tobytes() for name in first)
    assert to_bytes(before.after) != to_bytes(step.after)


def test_the_same_seed_gives_the_same_bytes():
    recipe = "int8 | qat(epochs=1, batch=32)"
    first, again = (to_bytes(run(spread(), recipe)[-1].after) for _ in range(2))
    assert first == again


def test_a_file_that_is_quantized_is_taught_by_the_float_weights_it_holds():
    model = spread()
    quantized = run(model, "int8(per_channel=false)")[-1].after
    (step,) = run(quantized, "qat(epochs=3, batch=16, lr=3e-3)", images=pictures(1200, seed=3))
    assert error(quantized, model) > 1.3 * error(step.after, model)


def test_labels_may_have_a_share_and_are_then_needed_before_any_work():
    with pytest.raises(EdgeCnnError, match="qat needs pictures with classes or masks"):
        run(spread(), "int8 | qat(labels=0.5)")
    labels = OnnxRunner(spread())(IMAGES).argmax(1).astype(np.int64)
    *_, step = run(spread(), "int8(per_channel=false) | qat(epochs=2, batch=16, labels=0.5)", targets=labels)
    assert "as the labels on" in step.note


def test_weights_that_alone_are_rounded_learn_too():
    other = damaged(spread())
    *_, before, step = run(spread(), "dynamic | qat(epochs=2, batch=16)", original=other)
    assert to_bytes(before.after) != to_bytes(step.after)
    assert error(before.after, other) > error(step.after, other)


def test_without_int8_it_is_refused_before_any_work():
    with pytest.raises(EdgeCnnError, match=r"a graph that int8 or dynamic made; .* int8 \| qat"):
        run(spread(), "equalize | qat")


def test_a_bias_that_no_longer_fits_widens_the_scale_of_its_channel():
    model = run(graph(chain()), "int8")[-1].after.clone()
    layer = next(node for node in model.graph if node.op_type == "Conv")
    source = float(constant(layer.inputs[0].producer().inputs[1]))
    bias = constant(layer.inputs[2]).copy()
    bias[3] = 2.0**32 * source * constant(layer.inputs[1].producer().inputs[1])[3]
    layer.inputs[2].const_value = ir.Tensor(bias, name=layer.inputs[2].name)
    before = constant(layer.inputs[1].producer().inputs[1])
    widened = next(node for node in refit(model).graph if node.op_type == "Conv")
    after = constant(widened.inputs[1].producer().inputs[1])
    assert np.flatnonzero(after != before).tolist() == [3]
    assert abs(bias[3]) / (source * after[3]) <= 2.0**30 * (1 + 1e-6)


def test_equal_scales_of_equal_zero_points_are_one_parameter():
    model = run(graph(Branches()), "int8")[-1].after
    module = to_module(model, train_scales=True)
    concat = next(node for node in model.graph if node.op_type == "Concat")
    names = {str(value.producer().inputs[1].name) for value in (*concat.inputs,)}
    holding = [place for place, _, _ in module.places() if names & set(place.initializers)]
    assert len(names) == 2
    assert len(holding) == 1
    assert to_bytes(to_graph(module)) == to_bytes(model)
