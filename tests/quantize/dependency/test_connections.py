import numpy as np
import pytest

from edgecnn.graph.nodes import static_shape
from edgecnn.profile import profile
from edgecnn.quantize.dependency.connections import spell_connections
from edgecnn.quantize.prune import prune
from edgecnn.runtime.onnx_runner import OnnxRunner

READ = (0, 1, 2, 0, 2, 3)  # by three groups of one output each
# Three groups that read two of four maps each, and a convolution of all four, cut up and joined.
SLICES = " ".join(f"m{map_} = Slice(r, at{map_}, at{map_ + 1}, axis)" for map_ in range(4))
LISTS = {
    "slices": f"listed = Concat<axis = 1>({', '.join(f'm{map_}' for map_ in READ)})",
    "gather": "listed = Gather<axis = 1>(r, read)",
}
BODY = """{{ s = Conv(x, stem) r = Relu(s) {slices} {listed} g = Conv<group = 3>(listed, groups)
           all = Concat<axis = 1>(m0, m1, m2, m3) t = Conv(all, tail)
           p = AveragePool<kernel_shape = [3, 3]>(t) c = Concat<axis = 1>(g, p)
           f = Flatten(c) y = Gemm(f, last) }}"""
WEIGHTS = {
    "stem": (4, 4, 4, 4), "groups": (3, 2, 3, 3), "tail": (2, 4, 1, 1), "last": (45, 5),
    "axis": np.array([1]), "read": np.array(READ), **{f"at{map_}": np.array([map_]) for map_ in range(5)},
}  # fmt: skip


@pytest.fixture(params=LISTS)
def model(request, graph):
    return graph(BODY.format(slices=SLICES, listed=LISTS[request.param]), **WEIGHTS)


def images():
    return np.random.default_rng(0).standard_normal((3, 4, 8, 8), np.float32)


def weights(model):
    convs = [node for node in model.graph if node.op_type == "Conv"]
    return {static_shape(node.inputs[1]): node.inputs[1].const_value.numpy() for node in convs}


def test_every_group_reads_all_maps_and_the_outputs_are_the_same(model):
    spelled = spell_connections(model)
    assert set(weights(spelled)) == {(4, 4, 4, 4), (3, 4, 3, 3), (2, 4, 1, 1)}
    assert {"Slice", "Gather"}.isdisjoint(node.op_type for node in spelled.graph)
    expected = OnnxRunner(model)(images())
    np.testing.assert_allclose(OnnxRunner(spelled)(images()), expected, rtol=0, atol=1e-5 * expected.max())


def test_what_a_group_does_not_read_is_zero(model):
    read = np.abs(weights(spell_connections(model))[(3, 4, 3, 3)]).sum((2, 3)) > 0
    assert read.tolist() == [
        [True, True, False, False],  # 0, 1
        [True, False, True, False],  # 2, 0
        [False, False, True, True],  # 2, 3
    ]


def test_a_graph_without_partial_connections_has_none(graph):
    body = "{ a = Conv<group = 4>(x, w) f = Flatten(a) y = Gemm(f, last) }"
    assert spell_connections(graph(body, w=(4, 1, 3, 3), last=(144, 5))) is None


def test_pruning_spells_them_out_where_the_budget_asks_for_it_and_says_so(model):
    result = prune(model, mult_adds=0.5, floor=0)
    assert result.note.endswith("partial connections are spelled out, with zeros")
    assert profile(result.model).mult_adds <= 0.5 * profile(model).mult_adds
    assert np.isfinite(OnnxRunner(result.model)(images())).all()
    assert "spelled" not in prune(model, mult_adds=0.99, floor=0).note
