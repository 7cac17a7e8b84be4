"""The graph of a half-trained network trains on as the module would have, step by step."""

import numpy as np
import pytest
import torch
from torch import nn

from edgecnn import data
from edgecnn.evaluate import evaluate
from edgecnn.export.recorder import record
from edgecnn.optimize import Recipe, train
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.runtime.torch_runner import TorchRunner
from edgecnn.trainable import to_graph, to_module

from .onnx_text import draw, graph


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        nn.BatchNorm2d(8, momentum=0.3),
        nn.ReLU6(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 10),
    )


def test_a_half_trained_network_s_graph_trains_on_to_the_same_accuracy():
    digits, rest = data.load("digits"), data.load("digits", "held-out")
    contract = data.contract(digits, 1, 8, 8)
    images = contract.batch(digits.images)
    module = network()
    train(module, images, digits.labels, Recipe(epochs=2, batch=64, lr=0.1), seed=0)
    graph_module = to_module(record(module, (1, 1, 8, 8)))
    recipe = Recipe(epochs=2, batch=64, lr=0.1, shift=1)
    epochs = [train(each, images, digits.labels, recipe, seed=1) for each in (module, graph_module)]
    losses = [[epoch.loss for epoch in each] for each in epochs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    trained = to_graph(graph_module)
    accuracies = [
        evaluate(runner, rest.images, rest.labels, contract).top1
        for runner in (TorchRunner(module), TorchRunner(graph_module), OnnxRunner(trained))
    ]
    assert accuracies[0] == accuracies[1] == accuracies[2] > 0.8


def test_every_step_has_the_module_s_loss_and_leaves_the_module_s_weights():
    module = network().train()
    graph_module = to_module(record(module, (1, 1, 8, 8))).train()
    images, labels = torch.from_numpy(draw(10, 32, 1, 8, 8)), torch.arange(32) % 10
    losses = []
    for each in (module, graph_module):
        optimizer = torch.optim.SGD(each.parameters(), lr=0.1, momentum=0.9)
        losses.append([])
        for batch in images:
            loss = nn.functional.cross_entropy(each(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.item())
    assert losses[0] == losses[1]
    state = module.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in graph_module.state_dict().items())


def test_dropout_drops_at_the_node_s_ratio_in_training_alone():
    module = to_module(graph("y = Dropout (x, r)", (1, 10_000), r=np.float32(0.25)))
    ones = torch.ones(1, 10_000)
    assert torch.equal(module.eval()(ones), ones)
    outputs = module.train()(ones)
    assert outputs.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert float((outputs == 0).float().mean()) == pytest.approx(0.25, abs=0.02)


def test_dropout_drops_half_by_default():
    module = to_module(graph("y = Dropout (x)", (1, 10_000))).train()
    assert float((module(torch.ones(1, 10_000)) == 0).float().mean()) == pytest.approx(0.5, abs=0.02)
