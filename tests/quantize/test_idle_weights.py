import numpy as np
import pytest

from edgecnn.calls import parse_recipe
from edgecnn.graph.nodes import constant
from edgecnn.quantize import Context, compress
from edgecnn.quantize.bare import without_pairs
from edgecnn.runtime.onnx_runner import OnnxRunner

# Channel 2 of the first layer is dead: its bias keeps the ReLU shut. The depthwise layer that reads it has
# what folding a BatchNorm of no variance leaves: huge weights, and a bias, all that the channel gives.
DEAD = "{ a = Conv(x, w, b) r = Relu(a) c = Conv<group=4, pads=[1,1,1,1]>(r, d, e) y = Relu(c) }"
DEAD_BIAS, INFLATED = 1.234, 1000.0


def weights(inflated=INFLATED, shut=-10.0):
    rng = np.random.default_rng(0)
    w, d = rng.standard_normal((4, 4, 1, 1), np.float32), rng.standard_normal((4, 1, 3, 3), np.float32)
    w[2] /= 10
    d[2] *= inflated
    b = np.array([0, 0, shut, 0], np.float32)
    return {"w": w, "b": b, "d": d, "e": np.array([0.1, 0.2, DEAD_BIAS, 0.3], np.float32)}


@pytest.fixture
def quantize(pictures):
    def run(model, recipe="int8(observer=minmax)", images=None):
        return compress(model, parse_recipe(recipe), context=Context(images=images or pictures()))[-1]

    return run


def scale(model, name):
    return constant(model.graph.initializers[f"{name}.scale"]).astype(np.float64)


@pytest.mark.parametrize(
    "recipe", ["int8", "int8(observer=minmax)", "int8(per_channel=false)", "int8 | correct_bias"]
)
def test_a_dead_channel_gives_its_bias_in_integers(graph, quantize, pictures, recipe):
    after = quantize(graph(DEAD, **weights()), recipe).after
    found = OnnxRunner(after)(np.concatenate(pictures()()))[:, 2]
    assert np.abs(found - DEAD_BIAS).max() <= 1.01 * scale(after, "y"), (
        "half a step of the bias, half of the output"
    )


def test_in_integers_the_network_is_as_near_as_without_the_dead_weights(graph, quantize, pictures):
    before, batch = graph(DEAD, **weights()), np.concatenate(pictures()())
    found = OnnxRunner(quantize(before).after)(batch)
    well = OnnxRunner(quantize(graph(DEAD, **weights(inflated=1.0))).after)(batch)
    expected = OnnxRunner(before)(batch)
    assert np.abs(found - expected).max() <= np.abs(well - expected).max() + 1.01 * scale(
        quantize(before).after, "y"
    )


def test_one_scale_for_a_weight_is_that_of_what_is_alive(graph, quantize):
    given = weights()
    after = quantize(graph(DEAD, **given), "int8(per_channel=false)").after
    assert scale(after, "d") == pytest.approx(np.abs(given["d"][[0, 1, 3]]).max() / 127)


def test_idle_weights_stay_within_127_steps_and_the_float_graph_computes_the_same(graph, quantize, pictures):
    before, batch = graph(DEAD, **weights()), np.concatenate(pictures()())
    after = quantize(before).after
    numbers = OnnxRunner(after, outputs=["d.quantized"]).values(batch[:1])["d.quantized"]
    numbers = numbers.reshape(4, -1).astype(int)
    assert np.abs(numbers[2]).max() == 127
    np.testing.assert_allclose(OnnxRunner(without_pairs(after))(batch), OnnxRunner(before)(batch), atol=1e-6)
    assert np.abs(constant(before.graph.initializers["d"])).max() > 1000, "the argument is unchanged"


def test_the_note_names_the_layer_and_counts_its_dead_channels(graph, quantize):
    note = quantize(graph(DEAD, **weights())).note
    assert "1 channels, among them 1 of the 4 of conv2, read nothing but zeros on these pictures" in note


@pytest.mark.parametrize(
    "given",
    [weights(inflated=1.0), weights(shut=0.0), weights(inflated=50.0, shut=0.0)],
    ids=["small", "alive", "large"],
)
def test_where_nothing_is_idle_the_pictures_run_once_more_at_most_and_no_note_is_made(
    graph, pictures, quantize, given
):
    passes = []

    def counted():
        passes.append(None)
        return pictures()()

    step = quantize(graph(DEAD, **given), images=counted)
    assert "zeros" not in step.note
    assert len(passes) <= 2
    expected = np.abs(given["d"]).max(axis=(1, 2, 3)) / 127
    np.testing.assert_allclose(scale(step.after, "d"), expected, rtol=1e-6)


def test_a_healthy_network_is_calibrated_in_one_pass_over_the_pictures(graph, pictures, quantize):
    passes = []

    def counted():
        passes.append(None)
        return pictures()()

    quantize(graph(DEAD, **weights(inflated=1.0, shut=0.0)), images=counted)
    assert len(passes) == 1


@pytest.mark.parametrize(
    ("size", "stride", "met"),
    [(1, 1, [1]), (2, 1, [0, 1, 2]), (2, 2, [1, 2]), (3, 2, [0, 1, 2])],
    ids=["1 by 1", "2 by 2", "2 by 2 in steps of 2", "3 by 3 in steps of 2"],
)
def test_taps_that_meet_padding_alone_decide_no_scale(graph, pictures, quantize, size, stride, met):
    """A kernel padded by 1 begins at -1, so that its tap t meets the places s i - 1 + t, s the stride."""
    weight = np.full((4, 1, 3, 3), 1000.0, np.float32)
    weight[np.ix_(range(4), [0], met, met)] = 0.5
    body = f"{{ y = Conv<group=4, pads=[1,1,1,1], strides=[{stride},{stride}]>(x, w) }}"
    model = graph(body, shape=(1, 4, size, size), w=weight)
    after = quantize(
        model, "int8(observer=minmax, per_channel=false)", images=pictures((4, size, size))
    ).after
    largest = 0.5 if len(met) < 3 else np.abs(weight).max()
    assert scale(after, "w") == pytest.approx(largest / 127)


def test_a_fully_connected_layer_has_idle_weights_too(graph, quantize):
    rng = np.random.default_rng(0)
    w, u = rng.standard_normal((4, 4, 1, 1), np.float32), rng.standard_normal((5, 4), np.float32)
    u[:, 2] *= INFLATED
    b = np.array([0, 0, -10, 0], np.float32)
    w[2] /= 10
    body = (
        "{ a = Conv(x, w, b) r = Relu(a) g = GlobalAveragePool(r) f = Flatten(g) y = Gemm<transB=1>(f, u) }"
    )
    after = quantize(graph(body, w=w, b=b, u=u)).after
    expected = np.abs(u[:, [0, 1, 3]]).max(axis=1) / 127
    np.testing.assert_allclose(scale(after, "u"), expected, rtol=1e-6)


def test_a_channel_without_weights_has_its_bias_rounded_no_coarser_than_its_output(graph, quantize, pictures):
    """Its scale would else be the largest of the others, where one input step is many of the output's."""
    given = weights(inflated=50.0, shut=0.0)
    given["d"][0] = 0
    after = quantize(graph(DEAD, **given)).after
    assert scale(after, "r") * scale(after, "d")[0] <= 1.0001 * scale(after, "y")


def test_a_channel_that_hardly_moves_is_named_with_what_helps(graph, quantize):
    """Not idle: channel 2 is alive, but a thousand times smaller than the others, and its weights larger."""
    given = weights(inflated=1000.0, shut=0.0)
    given["w"][2] /= 1000
    given["d"][2] *= 10
    step = quantize(graph(DEAD, **given))
    assert "conv2: a bias in int32 is rounded by more than a step of the output" in step.note
    assert "zeros" not in step.note
    assert "bias" not in quantize(graph(DEAD, **given), "equalize | int8(observer=minmax)").note
