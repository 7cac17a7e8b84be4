import numpy as np
import pytest

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.check import check
from edgecnn.graph.save import to_bytes
from edgecnn.quantize import compress
from edgecnn.quantize.width import width

from .networks import Branches, chain, graph


def test_of_a_foreign_graph_every_layer_keeps_its_share():
    slim = width(graph(chain()), multiplier=0.5).model
    check(slim)
    sizes = [node.outputs[0].shape[1] for node in slim.graph if node.op_type == "Conv"]
    assert sizes == [8 // 2, 8 // 2, 6 // 2]


def test_the_most_important_channels_stay():
    model = graph(Branches()).clone()
    value = model.graph.initializers["right.weight"]
    array = value.const_value.numpy().copy()
    slim = width(model, multiplier=1.0).model
    assert to_bytes(slim) == to_bytes(model)
    assert np.array_equal(slim.graph.initializers["right.weight"].const_value.numpy(), array)


@pytest.mark.parametrize("recipe", ["width(multiplier=0)", "width(multiplier=1.5)", "width(importance=x)"])
def test_what_cannot_be_is_refused(recipe):
    with pytest.raises(EdgeCnnError):
        compress(graph(Branches()), parse_recipe(recipe))
