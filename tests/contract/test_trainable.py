"""Every network's graph computes and trains as its module does, and comes back unchanged."""

import copy
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from edgecnn.export.parity import compare
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline.network import Network, open_network
from edgecnn.quantize.fold import fold
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs
from edgecnn.trainable import to_graph, to_module

from .conftest import narrow, representatives

# ResNet-164's module itself is this far from ONNX Runtime (measured: 1.0e-5); the others 4e-6 and less.
TOLERANCE = 2e-5

VARIANTS = {
    "mobilenet of TensorFlow": ("mobilenet(width=0.25, res=32, padding=same, activation=relu6)"),
    "AlexNet in two streams": ("alexnet(width=0.25, res=67, streams=2, order=pool_norm)"),
    "U-Net that interpolates": ("unet(width=0.25, res=32, up=bilinear, bn=true, padding=same)"),
    "GoogLeNet with its own input": ("googlenet_torchvision(width=0.25, res=64, transform_input=true)"),
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in representatives()],
)
def network(request):
    return narrow(request.param)


def test_the_graph_as_a_module_computes_what_the_graph_does(network):
    assert_equal(network)


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS)
def test_so_do_its_variants(text):
    assert_equal(open_network(text))


def assert_equal(network: Network) -> None:
    samples = sample_inputs(network.preprocessing, 3)
    images = torch.from_numpy(samples)
    with torch.no_grad():
        recorded = to_module(network.graph).eval()(images)
        assert torch.equal(recorded, network.module.eval()(images)), "the same functions on the same numbers"
        for graph in (network.graph, fold(network.graph).model):
            outputs = to_module(graph).eval()(images).numpy()
            assert compare("graph → module", OnnxRunner(graph)(samples), outputs, TOLERANCE).holds


def test_without_training_it_is_the_same_graph_again(network):
    graph = network.graph
    assert to_bytes(to_graph(to_module(graph))) == to_bytes(graph)


def test_its_gradients_in_training_are_those_of_the_module(network):
    images = torch.from_numpy(sample_inputs(network.preprocessing, 3)[:2]).double()
    graph, module = to_module(network.graph).double().train(), copy.deepcopy(network.module).double().eval()
    for part in module.modules():
        part.training = isinstance(part, _BatchNorm)  # no dropout, no auxiliary heads: the graph has none
    # A float32 graph holds the slope of LeNet-5's tanh as 0.6666667.
    with mock.patch("edgecnn.models.lenet5.SLOPE", 0.6666667):
        gradients, expected = (gradients_of(each, images) for each in (graph, module))
    assert len(gradients) >= 4
    for key, gradient in gradients.items():
        scale = float(expected[key].abs().max())
        assert scale > 0, f"{key} has no gradient"
        assert float((gradient - expected[key]).abs().max()) <= 1e-10 * scale, key


def gradients_of(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    outputs = module(images)
    (outputs * weights_like(outputs)).sum().backward()
    return {key: each.grad for key, each in module.named_parameters() if each.grad is not None}


def weights_like(outputs: Tensor) -> Tensor:
    """Return a different weight for each output, so that no gradient cancels."""
    drawn = np.random.default_rng(0).standard_normal(tuple(outputs.shape))
    return torch.from_numpy(drawn)
