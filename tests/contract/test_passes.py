"""Every registered pass keeps the promises of a pass, on every network of the zoo."""

import numpy as np
import pytest

from edgecnn.calls import Call
from edgecnn.export.parity import LOSSLESS, compare
from edgecnn.graph.check import check
from edgecnn.graph.save import to_bytes
from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.network import open_network
from edgecnn.quantize import PASSES, compress
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def network(request):
    return open_network(request.param, res=ARCHITECTURES[request.param].contract_res)


@pytest.mark.parametrize("name", sorted(PASSES))
def test_a_pass_keeps_its_promises(name, network):
    before = to_bytes(network.graph)
    (step,) = compress(network.graph, [Call(name)])
    assert to_bytes(network.graph) == before, "the argument graph was changed"
    check(step.after)
    for ends in ("inputs", "outputs"):
        names = [[value.name for value in getattr(model.graph, ends)] for model in (step.before, step.after)]
        assert names[0] == names[1]
    assert step.note
    samples = sample_inputs(network.preprocessing, 1)
    outputs, changed = OnnxRunner(step.before)(samples), OnnxRunner(step.after)(samples)
    if step.lossless:
        assert compare(name, outputs, changed, LOSSLESS).holds
    assert np.isfinite(changed).all()


@pytest.mark.parametrize("name", sorted(PASSES))
def test_a_second_time_a_pass_finds_nothing_or_the_same(name, network):
    first, second = compress(network.graph, [Call(name), Call(name)])
    assert second.matched <= first.matched
