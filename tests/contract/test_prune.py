"""Every network of the zoo can be pruned; what is left runs, compiles and trains."""

import numpy as np
import torch

from edgecnn.export.tflite import write
from edgecnn.graph.check import check
from edgecnn.pipeline.network import open_network
from edgecnn.profile import profile
from edgecnn.quantize.fold import fold
from edgecnn.quantize.prune import prune
from edgecnn.runtime.litert_runner import LitertRunner
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.sample import sample_inputs
from edgecnn.trainable import to_graph, to_module

from .conftest import NAMES, grouped, narrow, representatives

FRACTIONS = (0.25, 0.5, 0.75)
# Deeper forms of networks that are tested: `benchmarks/prune.py` halves them, too.
DEEPER = {
    *("densenet161", "densenet169", "densenet201", "densenet264", "preact_resnet1001", "resnet101"),
    *("resnet1202", "resnet152", "vgg13", "vgg16", "vgg19"),
}


def network_of(name: str):
    """Open a network; of LeNet at a quarter of its width two maps are left, too few to cut."""
    return open_network("lenet") if name == "lenet" else narrow(name)


@grouped(sorted(set(NAMES) - DEEPER))
def test_every_network_meets_a_budget_and_runs(name):
    fraction = FRACTIONS[NAMES.index(name) % len(FRACTIONS)]
    network = network_of(name)
    model = prune(network.graph, mult_adds=fraction).model
    check(model)
    assert profile(model).mult_adds <= fraction * profile(network.graph).mult_adds
    assert np.isfinite(OnnxRunner(model)(sample_inputs(network.preprocessing, 1))).all()


@grouped(representatives())
def test_what_is_left_of_it_compiles_and_trains(name):
    network = network_of(name)
    model = prune(network.graph, mult_adds=0.5).model
    samples = sample_inputs(network.preprocessing, 1)[:2]
    folded = fold(model).model
    compiled = LitertRunner(write(folded))(samples)
    expected = OnnxRunner(folded)(samples)
    # Of random weights that were cut little response may be left: the outputs' size is the measure here.
    np.testing.assert_allclose(compiled, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    module = to_module(model).train()
    optimizer = torch.optim.SGD(module.parameters(), 1e-3)
    module(torch.from_numpy(samples)).square().mean().backward()
    optimizer.step()
    trained = to_graph(module)
    check(trained)
    assert profile(trained).mult_adds == profile(model).mult_adds
