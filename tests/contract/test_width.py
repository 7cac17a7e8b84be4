"""Slimmed to a width, every network has exactly the shapes that the zoo gives it there."""

import pytest

from edgecnn.graph.check import check
from edgecnn.graph.nodes import static_shape
from edgecnn.graph.roles import CONSTANT, role
from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.network import narrower, open_network
from edgecnn.profile import profile
from edgecnn.quantize import Context
from edgecnn.quantize.width import width

from .conftest import grouped, representatives

WIDE = [name for name in representatives() if "width" in ARCHITECTURES[name].defaults]


def weights(model):
    return {
        name: static_shape(value)
        for name, value in model.graph.initializers.items()
        if role(value) != CONSTANT
    }


@pytest.mark.parametrize("multiplier", [0.75, 0.4])
@grouped(WIDE)
def test_the_shapes_are_the_zoos_own_at_that_width(name, multiplier):
    entry = ARCHITECTURES[name]
    network = open_network(name, res=entry.contract_res, width=1.0 if name == "lenet" else 0.5)
    smaller = narrower(network)
    reference = smaller(multiplier)
    slim = width(network.graph, multiplier=multiplier, context=Context(narrower=smaller)).model
    check(slim)
    assert weights(slim) == weights(reference)
    for total in ("mult_adds", "parameters"):
        assert getattr(profile(slim), total) == getattr(profile(reference), total)
