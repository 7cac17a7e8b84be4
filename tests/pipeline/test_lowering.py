"""A float32 network in the precision that it would run in."""

import pytest

from edgecnn.graph.precision import precision_of
from edgecnn.pipeline.lowering import lowered
from edgecnn.pipeline.network import open_network


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("network", ["lenet", "alexnet(width=0.1, res=67)"])
def test_a_network_is_lowered_also_where_an_operator_has_no_int8_form(network, precision):
    graph = open_network(network).graph
    made = lowered(graph, precision)
    assert precision_of(made) == precision
    assert ("LRN" in {node.op_type for node in made.graph}) == network.startswith("alexnet")
    assert precision_of(graph) == "fp32"
