import re

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from edgecnn.graph.check import check
from edgecnn.graph.nodes import output
from edgecnn.profile import profile
from edgecnn.quantize import Context
from edgecnn.quantize.dependency import cut, trace
from edgecnn.quantize.norms import restate
from edgecnn.quantize.prune import prune
from edgecnn.quantize.reconstruct import reconstruct
from edgecnn.quantize.samples import draw_places, inputs_of, outputs_at
from edgecnn.quantize.width import width
from edgecnn.runtime.onnx_runner import OnnxRunner

from .networks import Branches, chain, context, graph, pictures

NETWORKS = {"chain": chain(), "sum and branches": Branches()}
LAYERS = {
    "kernel": nn.Conv2d(3, 4, 3),
    "padding": nn.Conv2d(3, 4, 3, padding=1),
    "stride": nn.Conv2d(3, 4, 3, stride=2, padding=1),
    "dilation": nn.Conv2d(3, 4, 3, dilation=2),
    "groups": nn.Conv2d(3, 6, 3, groups=3),
    "fully connected": nn.Sequential(nn.Flatten(), nn.Linear(192, 4)),
}


class Redundant(nn.Module):
    """Six channels, the last three copies of the first three: three can tell all that six can."""

    def __init__(self, norm):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 4, 3, bias=not norm)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.last = nn.Linear(4, 5)

    def forward(self, x):
        first = torch.relu(self.first(x))
        return self.last(torch.relu(self.norm(self.second(first))).mean((2, 3)))


def redundant(norm):
    model = graph(Redundant(norm))
    for name in ("first.weight", "first.bias"):
        value = model.graph.initializers[name]
        array = np.array(value.const_value.numpy())
        array[3:] = array[2::-1] * 0.5
        value.const_value = ir.Tensor(array, name=name)
    return model


def identical(model):
    """Nothing is cut."""
    channels = {output(node).name: output(node).shape[1] for node in model.graph}
    return lambda name: np.ones(channels[name], bool)


def distance(one, other):
    found = [OnnxRunner(each)(pictures(64, seed=9)) for each in (one, other)]
    return float(np.square(found[0] - found[1]).mean())


@pytest.mark.parametrize("module", LAYERS.values(), ids=LAYERS)
def test_the_rows_drawn_from_an_input_times_the_weight_are_those_of_the_output(module):
    model = graph(module)
    (node,) = [node for node in model.graph if node.op_type in ("Conv", "Gemm")]
    images = pictures(5)
    name = node.inputs[0].name
    read = images if name == "input" else OnnxRunner(model, outputs=[name]).values(images)[name]
    parts = [read[:2], read[2:]]
    places = draw_places(node, len(parts), 7, np.random.default_rng(0))
    rows = inputs_of(node, parts, places)
    weight, bias = (value.const_value.numpy() for value in node.inputs[1:3])
    matrices = weight.reshape(rows.shape[1], -1, rows.shape[2])
    given = OnnxRunner(model)(images)
    wanted = [outputs_at(part, each) for part, each in zip([given[:2], given[2:]], places, strict=True)]
    found = np.einsum("ngc,goc->ngo", rows, matrices).reshape(len(rows), -1) + bias
    np.testing.assert_allclose(found, np.concatenate(wanted), rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", [True, False], ids=["BatchNorm", "bias"])
def test_what_other_channels_can_tell_is_not_lost(norm):
    model = redundant(norm)
    found = trace(model)
    kept = np.ones(found.units + 1, bool)
    kept[found.axes["first"][1][3:]] = False
    small = cut(found, kept)
    done = reconstruct(small, model, lambda name: kept[found.axes[name][1]], context(pictures(64)), 64)
    check(done.model)
    first = [each.graph.initializers["first.weight"].const_value.numpy() for each in (small, done.model)]
    assert np.array_equal(*first)  # it gives what it gave
    assert distance(done.model, model) < 1e-4 * distance(small, model)
    assert profile(done.model) == profile(small)


def test_a_batch_norm_has_the_statistics_of_what_it_reads():
    model = graph(Redundant(norm=True))
    done = prune(model, mult_adds=0.6, floor=0, context=context(pictures(64))).model
    (norm,) = [node for node in done.graph if node.op_type == "BatchNormalization"]
    read = OnnxRunner(done, outputs=[norm.inputs[0].name]).values(pictures(64))[norm.inputs[0].name]
    mean, variance = (value.const_value.numpy() for value in norm.inputs[3:])
    np.testing.assert_allclose(mean, read.mean((0, 2, 3)), rtol=0, atol=1e-4)
    np.testing.assert_allclose(variance, read.var((0, 2, 3)), rtol=1e-3)


def test_stating_batch_norms_anew_changes_no_output():
    model = graph(Redundant(norm=True))
    again = model.clone()
    restate(again, [pictures(64) + 0.5])
    assert distance(again, model) < 1e-9
    scales = [each.graph.initializers["norm.weight"].const_value.numpy() for each in (model, again)]
    assert not np.allclose(*scales)


@pytest.mark.parametrize("module", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("cutting", [prune, width], ids=["prune", "width"])
def test_fitted_layers_are_nearer_to_the_whole_network(module, cutting):
    model = graph(module)
    given = Context(images=lambda: [pictures(128)])
    fitted, raw = (cutting(model, pictures=count, context=given) for count in (128, 0))
    assert re.search(r"\b(1 layer|\d+ layers) fitted to 128 pictures", fitted.note)
    assert "fitted" not in raw.note
    assert distance(fitted.model, model) < 0.8 * distance(raw.model, model)


def test_a_graph_from_which_nothing_is_gone_stays_as_it_is():
    model = graph(Branches())
    done = reconstruct(model, model, identical(model), context(), 24)
    assert done.layers == 0
    assert distance(done.model, model) == 0


def test_without_pictures_the_pass_says_that_nothing_is_fitted():
    assert prune(graph(chain())).note.endswith("no pictures to fit what is left to")


def test_the_same_pictures_give_the_same_weights():
    model = graph(Branches())
    one, other = (prune(model, context=context()).model for _ in range(2))
    assert distance(one, other) == 0


def test_more_pictures_than_calibrate_are_taken_where_they_are():
    given = Context(images=lambda: [pictures(8)], pictures=lambda: [pictures(32)])
    assert "fitted to 32 pictures" in prune(graph(chain()), context=given).note
    assert "fitted to 16 pictures" in prune(graph(chain()), pictures=16, context=given).note
