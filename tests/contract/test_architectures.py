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
from edgecnn.profile import profile, profile_tflite
from edgecnn.quantize.fold import fold
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs
from edgecnn.spec import ModelSpec

from .conftest import NAMES, grouped, narrow, representatives

FAMILIES = representatives()


def knowing(key: str) -> list[str]:
    return [name for name in NAMES if key in ARCHITECTURES[name].defaults]


@grouped(FAMILIES)
def test_the_recorded_graph_computes_what_the_module_does(name):
    opened = narrow(name)
    parity = hops.with_module(opened, sample_inputs(opened.preprocessing, 3))
    assert parity.holds
    assert parity.response > 1000 * parity.max_abs_error, "the gate could not fail"


@grouped(FAMILIES)
def test_so_it_does_at_the_least_resolution(name):
    opened = narrow(name, "least_res")
    assert hops.with_module(opened, sample_inputs(opened.preprocessing, 3)).holds


@grouped(FAMILIES)
def test_the_recorder_agrees_with_torchs_own_exporter(name):
    opened = narrow(name)
    contract = opened.preprocessing
    theirs = export(opened.module, (1, contract.channels, contract.height, contract.width))
    samples = sample_inputs(contract, 4)
    assert compare("torch.onnx.export", OnnxRunner(theirs)(samples), OnnxRunner(opened.graph)(samples)).holds


@pytest.mark.parametrize("target", ["arm", "jetson"])
@grouped(FAMILIES)
def test_it_compiles_and_computes_the_same(name, target):
    assert_compiles(name, target)


@pytest.mark.parametrize(
    "target", [name for name in devices.TARGETS if devices.find(name).runtime != "tflite-micro"]
)
@grouped(["lenet"])
def test_every_target_has_a_compiler(name, target):
    assert_compiles(name, target)


def assert_compiles(name: str, target: str) -> None:
    opened = narrow(name)
    graph, samples = fold(opened.graph).model, sample_inputs(opened.preprocessing, 5)
    outputs = OnnxRunner(graph)(samples)
    compiled = compile_for(devices.find(target), graph)
    for artifact in compiled.artifacts:
        assert hops.of_artifact(graph, artifact, samples, outputs).holds
        if artifact.format == "tflite":
            assert profile_tflite(artifact.data).mult_adds == profile(opened.graph).mult_adds
    assert "run.py" in compiled.scripts


@pytest.mark.parametrize("name", knowing("classes"))
def test_the_module_gives_one_score_for_each_class(name):
    spec = complete(ModelSpec(arch=name, classes=7).override(res=ARCHITECTURES[name].contract_res))
    image = torch.empty(2, spec.in_channels, spec.res.height, spec.res.width, device="meta")
    assert build(spec, "meta")(image).shape[:2] == (2, 7)


@pytest.mark.parametrize("name", NAMES)
def test_smaller_is_never_dearer(name):
    entry = ARCHITECTURES[name]
    sizes = sorted({entry.least_res, entry.contract_res, min(vars(entry.defaults["res"]).values())})
    by_res = [costs(name, res=res).mult_adds for res in sizes]
    assert by_res == sorted(by_res)


@pytest.mark.parametrize("name", knowing("width"))
def test_narrower_is_never_dearer(name):
    res = ARCHITECTURES[name].contract_res
    by_width = [costs(name, width=width, res=res).mult_adds for width in (0.25, 0.5, 1.0)]
    assert by_width == sorted(by_width)


@pytest.mark.parametrize("name", NAMES)
def test_profiling_needs_no_weights_and_counts_those_of_the_module(name):
    module = build(complete(ModelSpec(arch=name)), "meta")
    result = costs(name)
    training_only = [key for key, _ in module.named_parameters() if key.lower().startswith("aux")]
    owned = [each.numel() for key, each in module.named_parameters() if key not in training_only]
    assert result.parameters == sum(owned)
    assert result.unknown_ops == ()
    assert np.all([layer.activation_bytes > 0 for layer in result.layers])
