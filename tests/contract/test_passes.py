"""Every registered pass keeps the promises of a pass, on every network of the zoo."""

import numpy as np
import pytest

from edgecnn.calls import Call
from edgecnn.export.parity import LOSSLESS, compare
from edgecnn.graph.check import check
from edgecnn.graph.save import to_bytes
from edgecnn.quantize import PASSES, compress
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs

from .conftest import grouped, narrow, representatives


@pytest.mark.parametrize("each", sorted(PASSES))
@grouped(representatives())
def test_a_pass_keeps_its_promises(name, each):
    network = narrow(name)
    before = to_bytes(network.graph)
    (step,) = compress(network.graph, [Call(each)])
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


@pytest.mark.parametrize("each", sorted(PASSES))
@grouped(["mobilenet", "lenet"])
def test_a_second_time_a_pass_finds_nothing_or_the_same(name, each):
    first, second = compress(narrow(name).graph, [Call(each), Call(each)])
    assert second.matched <= first.matched
