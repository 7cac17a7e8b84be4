"""Every registered architecture builds, exports and compiles, at any legal width and resolution."""

import numpy as np
import pytest
import torch

from edgecnn import devices
from edgecnn.export.compilers import compile_for
from edgecnn.export.parity import compare
from edgecnn.export.torch_export import export
from edgecnn.models import ARCHITECTURES, build, complete
from edgecnn.pipeline import hops
from edgecnn.pipeline.costs import costs
from edgecnn.pipeline.network import open_network
from edgecnn.quantize.fold import fold
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs
from edgecnn.spec import ModelSpec

NAMES = sorted(ARCHITECTURES)
SIZES = ("contract_res", "least_res")


def network(name: str, size: str, **given):
    return open_network(name, res=getattr(ARCHITECTURES[name], size), **given)


def knows(name: str, key: str) -> bool:
    return key in ARCHITECTURES[name].defaults


@pytest.mark.parametrize("name", [name for name in NAMES if knows(name, "classes")])
def test_the_module_gives_one_score_for_each_class(name):
    spec = complete(ModelSpec(arch=name, classes=7).override(res=ARCHITECTURES[name].contract_res))
    with torch.no_grad():
        shape = build(spec)(torch.zeros(2, spec.in_channels, spec.res.height, spec.res.width)).shape
    assert shape[:2] == (2, 7)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_graph_computes_what_the_module_does(name, size):
    opened = network(name, size)
    parity = hops.with_module(opened, sample_inputs(opened.preprocessing, 3))
    assert parity.holds
    assert parity.response > 100 * parity.max_abs_error, "the gate could not fail"


@pytest.mark.parametrize("name", NAMES)
def test_the_recorder_agrees_with_torchs_own_exporter(name):
    opened = network(name, "contract_res")
    contract = opened.preprocessing
    theirs = export(opened.module, (1, contract.channels, contract.height, contract.width))
    samples = sample_inputs(contract, 4)
    assert compare("torch.onnx.export", OnnxRunner(theirs)(samples), OnnxRunner(opened.graph)(samples)).holds


@pytest.mark.parametrize("target", sorted(devices.TARGETS))
@pytest.mark.parametrize("name", NAMES)
def test_it_compiles_for_every_target_and_computes_the_same(name, target):
    narrow = {"width": 0.5} if knows(name, "width") else {}
    opened = network(name, "contract_res", **narrow)
    graph, samples = fold(opened.graph).model, sample_inputs(opened.preprocessing, 5)
    outputs = OnnxRunner(graph)(samples)
    compiled = compile_for(devices.find(target), graph)
    for artifact in compiled.artifacts:
        assert hops.of_artifact(graph, artifact, samples, outputs).holds
    assert "run.py" in compiled.scripts


@pytest.mark.parametrize("name", NAMES)
def test_smaller_is_never_dearer(name):
    entry = ARCHITECTURES[name]
    sizes = sorted({entry.least_res, entry.contract_res, min(vars(entry.defaults["res"]).values())})
    by_res = [costs(name, res=res).mult_adds for res in sizes]
    assert by_res == sorted(by_res)


@pytest.mark.parametrize("name", [name for name in NAMES if knows(name, "width")])
def test_narrower_is_never_dearer(name):
    by_width = [
        costs(name, width=width, res=ARCHITECTURES[name].contract_res).mult_adds for width in (0.25, 0.5, 1.0)
    ]
    assert by_width == sorted(by_width)


@pytest.mark.parametrize("name", NAMES)
def test_profiling_needs_no_weights_and_counts_those_of_the_module(name):
    spec = complete(ModelSpec(arch=name))
    module = build(spec, "meta")
    result = costs(name)
    training_only = [key for key, _ in module.named_parameters() if key.startswith("aux")]
    owned = [each.numel() for key, each in module.named_parameters() if key not in training_only]
    assert result.parameters == sum(owned)
    assert result.unknown_ops == ()
    assert np.all([layer.activation_bytes > 0 for layer in result.layers])
