"""Whole networks, cut at random, compute what they do with zeros in the place of what was cut."""

import pytest

from edgecnn.export.parity import compare
from edgecnn.graph.check import check
from edgecnn.pipeline.network import open_network
from edgecnn.quantize.dependency import cut, trace
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs

from .cutting import silenced, some

# None with LRN, whose channels are not cut without a change.
NETWORKS = {
    "mobilenet": "mobilenet(width=0.25, res=32)",
    "shortcut A": "resnet20",
    "shortcut B": "resnet50(width=0.25, res=32)",
    "groups": "resnext50_32x4d(width=0.25, res=32)",
    "pre-activation": "preact_resnet164(width=0.5, res=8)",
    "DenseNet": "densenet(depth=22, res=16)",
    "inception": "googlenet_torchvision(width=0.25, res=64)",
    "crops": "unet(width=0.125, res=188)",
    "bilinear": "unet(width=0.25, res=32, up=bilinear, bn=true, padding=same)",
    "fire": "squeezenet1_1(width=0.25, res=64)",
    "flatten": "vgg11(width=0.125, res=32)",
    "two streams": "alexnet_torchvision(width=0.25, res=67)",
    "position biases": "alphago_policy(k=128)",
}


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_a_cut_network_computes_what_the_silenced_one_does(text):
    network = open_network(text)
    found = trace(network.graph)
    kept = some(found, share=0.3)
    assert not kept.all()
    small = cut(found, kept)
    check(small)
    samples = sample_inputs(network.preprocessing, 1)
    expected = OnnxRunner(silenced(found, kept))(samples)
    assert compare(text, expected, OnnxRunner(small)(samples), 1e-4).holds
