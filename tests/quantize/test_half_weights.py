import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import read_back
from edgecnn.pipeline.deploy import deploy
from edgecnn.quantize.half_weights import half_weights

from .networks import Branches, graph


def test_every_weight_becomes_what_float16_holds_and_biases_stay():
    model = graph(Branches())
    result = half_weights(model)
    assert (result.matched, result.note) == (5, "5 weights in float16")
    for name, value in model.graph.initializers.items():
        before, found = value.const_value.numpy(), result.model.graph.initializers[name].const_value.numpy()
        expected = before.astype(np.float16).astype(np.float32) if before.ndim > 1 else before
        np.testing.assert_array_equal(found, expected)


def test_a_weight_beyond_float16_is_refused_by_name():
    model = graph(Branches())
    value = model.graph.initializers["left.weight"]
    value.const_value = type(value.const_value)(value.const_value.numpy() * 1e6, name=value.name)
    with pytest.raises(EdgeCnnError, match="'left.weight' holds weights beyond 65504"):
        half_weights(model)


def test_the_file_stores_half_the_bytes_and_computes_what_the_graph_does(tmp_path):
    sizes = {}
    for recipe in ("fold", "half_weights"):
        made = deploy("lenet", "pi4", out=tmp_path / recipe, recipe=recipe)
        assert all(hop.holds for hop in made.parity)
        sizes[recipe] = (tmp_path / recipe / "model.tflite").stat().st_size
    assert sizes["half_weights"] < 0.55 * sizes["fold"]
    found = read_back((tmp_path / "half_weights/model.tflite").read_bytes())
    assert set(found.precisions.values()) == {"float32"}
    assert sum(each.inputs == ("float16",) for each in found.operators) == 5


@pytest.mark.parametrize(
    ("target", "recipe", "sentence"),
    [
        ("jetson-nano", "half_weights", "give fp16"),
        ("pi4", "half_weights | dynamic", "leave it out"),
    ],
    ids=["TensorRT", "a second precision"],
)
def test_where_it_would_store_nothing_in_float16_it_is_refused(target, recipe, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        deploy("lenet", target, recipe=recipe)
