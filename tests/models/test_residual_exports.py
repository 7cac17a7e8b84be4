"""Options of the residual networks and of U-Net, which the contract tests see with their defaults alone."""

import pytest

from edgecnn import devices
from edgecnn.export.compilers import compile_for
from edgecnn.export.parity import compare
from edgecnn.export.torch_export import export
from edgecnn.pipeline import hops
from edgecnn.pipeline.network import open_network
from edgecnn.quantize.fold import fold
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs

VARIANTS = [
    "resnet18(width=0.25, res=32, shortcut=A)",
    "resnet18(width=0.25, res=32x48, shortcut=C)",
    "resnet34(width=0.25, res=32, shortcut=none)",
    "resnet50(width=0.1, res=32, stride=v1)",
    "resnet50(width=0.1, res=32, shortcut=A)",
    "resnext50_32x4d(width=0.1, res=32)",
    "resnet20(res=8x12, shortcut=B)",
    "resnet32(res=8, shortcut=none)",
    "unet(width=0.125, padding=same, res=32x48)",
    "unet(width=0.125, padding=same, up=bilinear, bn=true, in_channels=3, res=32)",
    "unet(width=0.125, up=bilinear, res=188)",
]


@pytest.mark.parametrize("text", VARIANTS)
def test_a_variant_records_and_compiles_exactly(text):
    opened = open_network(text)
    samples = sample_inputs(opened.preprocessing, 3)
    assert hops.with_module(opened, samples).holds
    graph = fold(opened.graph).model
    outputs = OnnxRunner(graph)(samples)
    for target in ("arm", "jetson"):
        for artifact in compile_for(devices.find(target), graph).artifacts:
            assert hops.of_artifact(graph, artifact, samples, outputs).holds


def test_the_recorder_agrees_with_torchs_own_exporter_on_bottlenecks():
    opened = open_network("resnet50(width=0.1, res=32, shortcut=A)")
    theirs = export(opened.module, (1, 3, 32, 32))
    samples = sample_inputs(opened.preprocessing, 4)
    assert compare("torch.onnx.export", OnnxRunner(theirs)(samples), OnnxRunner(opened.graph)(samples)).holds
