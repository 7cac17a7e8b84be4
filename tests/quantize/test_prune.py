import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.export.parity import compare
from edgecnn.graph.check import check
from edgecnn.graph.save import to_bytes
from edgecnn.profile import profile
from edgecnn.quantize import Context, compress
from edgecnn.quantize.dependency import cut, trace
from edgecnn.quantize.dependency.pools import byte_cost, find_pools, mult_add_cost, parameter_cost
from edgecnn.quantize.prune import prune
from edgecnn.runtime.onnx_runner import OnnxRunner

from . import lessons
from .dependency.cutting import silenced, some
from .networks import Branches, chain, graph, pictures

NETWORKS = {"branches": Branches(), "chain": chain()}


def step(source: str, draw: st.DrawFn, values: list[tuple[str, int]], weights: dict, number: int) -> str:
    """Return the line of one random operator on what there is so far, and note what it makes."""
    name, channels = draw(st.sampled_from(values))
    out = f"v{number}"
    if source == "Add":
        (other, _) = draw(st.sampled_from([each for each in values if each[1] == channels]))
        line = f"Add({name}, {other})"
    elif source == "Concat":
        other, more = draw(st.sampled_from(values))
        line, channels = f"Concat<axis = 1>({name}, {other})", channels + more
    elif source == "Conv":
        groups = draw(st.sampled_from([each for each in (1, 2, channels) if channels % each == 0]))
        inner, channels = (
            channels // groups,
            draw(st.sampled_from((4, 6, 8))) if groups < channels else channels,
        )
        weights[f"w{number}"] = (channels, inner, 1, 1)
        line = f"Conv<group = {groups}>({name}, w{number})"
    else:
        line = f"Relu({name})"
    values.append((out, channels))
    return f"{out} = {line}"


@st.composite
def networks(draw: st.DrawFn) -> tuple[str, dict]:
    """Draw sums, joints, groups and activations in any order, flattened before the classifier."""
    values, weights, lines = [("v0", 6)], {"w0": (6, 4, 3, 3)}, ["v0 = Conv(x, w0)"]
    for number in range(1, draw(st.integers(2, 7))):
        operator = draw(st.sampled_from(("Add", "Concat", "Conv", "Conv", "Relu")))
        lines.append(step(operator, draw, values, weights, number))
    name, channels = values[-1]
    weights["last"] = (channels * 4, 3)
    return f"{{ {' '.join(lines)} flat = Flatten({name}) y = Gemm(flat, last) }}", weights


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(0, 9))
def test_every_group_of_a_random_network_is_cut_consistently(build_graph, network, seed):
    body, weights = network
    model = build_graph(body, (1, 4, 4, 4), **weights)
    found = trace(model)
    kept = some(found, seed=seed)
    small = cut(found, kept)
    check(small)
    images = np.random.default_rng(seed).standard_normal((2, 4, 4, 4), np.float32)
    expected = OnnxRunner(silenced(found, kept), optimize=False)(images)
    assert compare("", expected, OnnxRunner(small, optimize=False)(images), 1e-5).holds
    pools = find_pools(found)
    counts = np.array([kept[units].sum() for units in pools.units])
    costs, after = profile(model), profile(small)
    for cost, name in (
        (mult_add_cost, "mult_adds"),
        (parameter_cost, "parameters"),
        (byte_cost, "weight_bytes"),
    ):
        assert cost(found, pools)(pools.counts) == getattr(costs, name)
        assert round(cost(found, pools)(counts)) == getattr(after, name)


@pytest.fixture(scope="module")
def build_graph():
    from .conftest import build

    return build


@pytest.mark.parametrize("budget", ["mult_adds", "parameters", "bytes"])
@pytest.mark.parametrize("fraction", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("module", NETWORKS.values(), ids=NETWORKS)
def test_a_budget_is_met_and_not_by_far(module, fraction, budget):
    model = graph(module)
    result = prune(model, **{budget: fraction})
    name = "weight_bytes" if budget == "bytes" else budget
    left = getattr(profile(result.model), name) / getattr(profile(model), name)
    assert fraction - 0.17 < left <= fraction  # a channel of these has up to a sixth of all


def test_one_channel_more_would_be_too_much():
    model = graph(chain())
    pruned = prune(model, mult_adds=0.5).model
    found = trace(model)
    pools = find_pools(found)
    cost, small = mult_add_cost(found, pools), find_pools(trace(pruned))
    assert len(small.counts) == len(pools.counts)
    for pool in range(len(pools.counts)):
        more = small.counts + (np.arange(len(small.counts)) == pool)
        assert more[pool] > pools.counts[pool] or cost(more) > 0.5 * profile(model).mult_adds


@pytest.mark.parametrize("importance", ["l1", "l2", "taylor"])
def test_channels_of_zero_weights_go_first_and_nothing_changes(importance):
    model = graph(Branches())
    found = trace(model)
    pools = find_pools(found)
    dead = np.ones(found.units + 1, bool)
    for units in pools.units:
        dead[units[1]] = False
    silent = silenced(found, dead)
    left = profile(cut(found, dead)).mult_adds / profile(model).mult_adds
    images = pictures()
    context = Context(images=lambda: [images])
    result = prune(silent, mult_adds=left, importance=importance, multiple=1, context=context)
    assert result.matched == len(pools.units)
    assert compare("", OnnxRunner(silent)(images), OnnxRunner(result.model)(images), 1e-5).holds


def test_all_mult_adds_are_the_identity():
    model = graph(Branches())
    assert to_bytes(prune(model, mult_adds=1.0).model) == to_bytes(model)


def convolutions(model):
    return {node.name: node.outputs[0].shape[1] for node in model.graph if node.op_type == "Conv"}


def test_channels_are_multiples_where_it_is_asked():
    model = graph(Branches())
    before, after = convolutions(model), convolutions(prune(model, mult_adds=0.7, multiple=4).model)
    assert after != before
    assert all(count % 4 == 0 or count == before[name] for name, count in after.items())


def test_the_multiple_of_a_device_is_halved_in_small_layers():
    model = graph(Branches())
    before = convolutions(model)
    after = convolutions(prune(model, mult_adds=0.7, context=Context(multiple=2)).model)
    assert after != before
    assert all(count % 2 == 0 for name, count in after.items() if before[name] >= 8)


def test_no_axis_goes_below_the_floor():
    result = prune(graph(Branches()), mult_adds=0.7, floor=0.75)
    sizes = [node.outputs[0].shape[1] for node in result.model.graph if node.op_type == "Conv"]
    assert sizes[0] >= 6  # of 8
    assert sizes[2] >= 3  # of 4
    assert sizes[3] >= 5  # of 6


def test_a_budget_below_the_floor_is_refused_with_what_can_be_reached():
    model = graph(Branches())
    with pytest.raises(EdgeCnnError, match=r"give mult_adds=(\S+) or more") as caught:
        prune(model, mult_adds=0.01, floor=0.5)
    least = float(str(caught.value).split("give mult_adds=")[1].split()[0])
    assert (
        profile(prune(model, mult_adds=least, floor=0.5).model).mult_adds <= least * profile(model).mult_adds
    )


def test_a_latency_is_met_by_the_function_that_is_handed_in():
    model = graph(Branches())
    context = Context(latency=lambda each: 1e-3 + 1e-9 * profile(each).mult_adds)
    whole = context.latency(model)
    result = prune(model, latency=0.99, context=context)
    assert context.latency(result.model) <= 0.99 * whole
    assert "of the latency" in result.note
    with pytest.raises(EdgeCnnError, match="needs a device"):
        prune(model, latency=0.5)


def test_rounds_meet_the_same_budget():
    model = graph(Branches())
    result = prune(model, mult_adds=0.4, rounds=3)
    assert profile(result.model).mult_adds <= 0.4 * profile(model).mult_adds


def test_between_rounds_the_whole_network_teaches_what_is_left():
    model, heard = lessons.network(), []
    context = lessons.learning(model, on_epoch=lambda name, epoch: heard.append((name, epoch.epoch)))
    result = prune(model, mult_adds=0.5, rounds=3, epochs=2, pictures=0, context=context)
    assert heard == [("prune-1", 1), ("prune-1", 2), ("prune-2", 1), ("prune-2", 2)]
    assert profile(result.model).mult_adds <= 0.5 * profile(model).mult_adds
    untaught = prune(model, mult_adds=0.5, rounds=3, pictures=0, context=context).model
    whole, taught, alone = (OnnxRunner(each)(lessons.IMAGES[:32]) for each in (model, result.model, untaught))
    assert np.square(taught - whole).mean() < np.square(alone - whole).mean()


REFUSED = {
    "prune(mult_adds=0.5, bytes=0.5)": "two budgets",
    "prune(mult_adds=1.5)": "no fraction to keep",
    "prune(importance=l3)": "unknown importance 'l3'",
    "prune(floor=2)": "no fraction",
    "prune(rounds=0)": "rounds is 1 or more",
    "prune(epochs=1)": "give rounds=2 or more",
    "prune(epochs=-1, rounds=2)": "no number of epochs",
    "prune(epochs=1, rounds=2)": "prune needs",
    "prune(importance=gamma)": "no BatchNorm",
    "prune(importance=taylor)": "needs pictures",
    "prune(latency=0.5)": "needs a device",
}


@pytest.mark.parametrize("recipe", REFUSED)
def test_what_cannot_be_is_refused(recipe):
    with pytest.raises(EdgeCnnError, match=REFUSED[recipe]):
        compress(graph(Branches()), parse_recipe(recipe))


def test_sizes_computed_from_shapes_follow(build_graph):
    body = """{ a = Conv(x, w) s = Shape(a) n = Gather<axis = 0>(s, zero) m = Unsqueeze(n, zeros)
    t = Concat<axis = 0>(m, rest) b = Reshape(a, t) y = Gemm(b, v) }"""
    constants = {"zero": np.int64(0), "zeros": np.array([0]), "rest": np.array([-1])}
    model = build_graph(body, (1, 4, 4, 4), w=(8, 4, 3, 3), v=(32, 3), **constants)
    result = prune(model, mult_adds=0.5)
    check(result.model)
    # Four of eight channels: half of 4 places x 8 filters x 4 x 9 taps, and of 32 x 3 weights.
    assert profile(result.model).mult_adds == 4 * 4 * 4 * 9 + 16 * 3


def test_the_argument_is_left_as_it_is():
    model: ir.Model = graph(Branches())
    before = to_bytes(model)
    prune(model)
    assert to_bytes(model) == before


def test_without_a_device_large_layers_go_in_eights_and_small_ones_in_fewer():
    module = nn.Sequential(
        nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 16, 1), nn.ReLU(), nn.Conv2d(16, 5, 1)
    )
    result = prune(graph(module), mult_adds=0.6)
    sizes = [node.outputs[0].shape[1] for node in result.model.graph if node.op_type == "Conv"]
    assert sizes[0] < 64
    assert sizes[0] % 8 == 0
    assert sizes[1] % 4 == 0
