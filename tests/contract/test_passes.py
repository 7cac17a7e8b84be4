"""Every registered pass keeps the promises of a pass, on every network of the zoo."""

import math

import numpy as np
import pytest
import torch

from edgecnn.calls import Call
from edgecnn.errors import EdgeCnnError
from edgecnn.export.parity import LOSSLESS, compare
from edgecnn.graph.check import check
from edgecnn.graph.save import to_bytes
from edgecnn.optimize import InMemory
from edgecnn.quantize import PASSES, Context, Training, compress
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs

from .conftest import grouped, narrow, representatives

# No int8 runtime computes the LRN of some networks: a pass that can leave operators in float is told to.
FLOAT_ISLANDS = {"allow_float": "LRN"}


def call_of(name: str) -> Call:
    defaults = PASSES[name].defaults
    # `prune` trains between rounds alone, and by default has one: its epochs are 0.
    settings = {**FLOAT_ISLANDS, **GENTLY, **(SHORT if defaults.get("epochs") else {})}
    return Call(name, {key: value for key, value in settings.items() if key in defaults})


# One epoch of a pass that trains is enough to see whether it keeps its promises.
SHORT = {"epochs": 1}
# LeNet at a quarter of its width has two maps and four: few can go.
GENTLY = {"mult_adds": 0.9}


# LeNet-5 ends in distances to codes.
NOT_FOR = {("lenet5", "fully_convolutional"): "has no form on a map"}
# Asked for a fraction, they find as much to do in what is left.
RELATIVE = {"prune"}


def recipe_of(name: str) -> list[Call]:
    """Return the pass with those that it comes after, as the network needs them."""
    return [call_of(each) for each in (*PASSES[name].after, *PASSES[name].behind[:1], name)]


def context_of(network) -> Context:
    images = sample_inputs(network.preprocessing, 2)
    return Context(images=lambda: [images], training=training(images, classes(network)))


def classes(network) -> tuple[int, ...]:
    """Return the shape of the network's scores of one picture."""
    return tuple(OnnxRunner(network.graph)(sample_inputs(network.preprocessing, 2)[:1]).shape[1:])


def training(images, scores) -> Training:
    """Return 12 pictures to train on, with classes or masks as the network scores them."""
    inputs = torch.from_numpy(np.resize(images, (12, *images.shape[1:])))
    maps = scores[1:] if math.prod(scores[1:]) > 1 else ()
    targets = torch.zeros((12, *maps), dtype=torch.int64)
    return Training(batches=lambda: InMemory(inputs, targets), labelled=True, masks=bool(maps))


# What int8 makes of every network is looked at in test_int8.py.
PRECISIONS = [name for name in sorted(PASSES) if PASSES[name].once]
# These run a graph once for each of its layers, which takes long where there are many.
OF_INT8 = [name for name in PRECISIONS if "int8" in PASSES[name].after]
OTHERS = [name for name in sorted(PASSES) if not PASSES[name].once]
# That every network trains is looked at in test_trainable.py.
TRAINING = [name for name in OTHERS if {"training", "labels"} & set(PASSES[name].needs)]


@pytest.mark.parametrize("each", [name for name in OTHERS if name not in TRAINING])
@grouped(representatives())
def test_a_pass_keeps_its_promises(name, each):
    if (name, each) in NOT_FOR:
        with pytest.raises(EdgeCnnError, match=NOT_FOR[name, each]):
            assert_promises(name, each)
        return
    assert_promises(name, each)


@pytest.mark.parametrize("each", TRAINING)
@grouped(["lenet", "resnet20"])
def test_a_pass_that_trains_keeps_its_promises(name, each):
    assert_promises(name, each)


@pytest.mark.parametrize("each", [name for name in PRECISIONS if name not in OF_INT8])
@grouped(["lenet", "mobilenet", "resnet20", "squeezenet1_0", "unet", "zfnet"])
def test_a_change_of_precision_keeps_its_promises(name, each):
    assert_promises(name, each)


@pytest.mark.parametrize("each", OF_INT8)
@grouped(["lenet", "mobilenet"])
def test_a_pass_for_int8_graphs_keeps_its_promises(name, each):
    assert_promises(name, each)


def assert_promises(name: str, each: str) -> None:
    network = narrow(name)
    before = to_bytes(network.graph)
    step = compress(network.graph, recipe_of(each), context=context_of(network))[-1]
    assert to_bytes(network.graph) == before, "the argument graph was changed"
    check(step.after)
    for ends in ("inputs", "outputs"):
        names = [[value.name for value in getattr(model.graph, ends)] for model in (step.before, step.after)]
        assert names[0] == names[1]
    assert step.note
    samples = sample_inputs(network.preprocessing, 1)
    outputs, changed = OnnxRunner(step.before)(samples), OnnxRunner(step.after)(samples)
    if step.lossless:
        assert compare(each, outputs, changed, LOSSLESS).holds
    assert np.isfinite(changed).all()


def twice(name: str, each: str):
    network = narrow(name)
    first = compress(network.graph, recipe_of(each), context=context_of(network))[-1]
    return first, lambda: compress(first.after, recipe_of(each), context=context_of(network))[-1]


@pytest.mark.parametrize("each", [name for name in OTHERS if name not in {*TRAINING, *RELATIVE}])
@grouped(["mobilenet", "lenet"])
def test_a_second_time_a_pass_finds_nothing_or_the_same(name, each):
    first, again = twice(name, each)
    assert again().matched <= first.matched


@pytest.mark.parametrize("each", PRECISIONS)
@grouped(["mobilenet", "lenet"])
def test_a_second_time_a_pass_that_can_only_run_once_says_that_it_was_there(name, each):
    _, again = twice(name, each)
    with pytest.raises(EdgeCnnError, match="already"):
        again()
