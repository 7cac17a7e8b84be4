import pytest
import torch
from torch import nn

from edgecnn.optimize.averaging import MovingAverage


def assign(module, value):
    with torch.no_grad():
        module.weight.fill_(value)


def test_the_average_follows_its_equation():
    module = nn.Linear(1, 1, bias=False)
    assign(module, 0.0)
    average, expected = MovingAverage(module, 0.25), 0.0
    for step, value in enumerate([1.0, 5.0, 2.0, 2.0, 3.0], 1):
        assign(module, value)
        average.update()
        d = min(0.25, (1 + step) / (10 + step))
        expected = d * expected + (1 - d) * value
    average.copy_into_module()
    assert module.weight.item() == pytest.approx(expected)


def test_without_decay_it_is_the_value_itself():
    module = nn.Linear(1, 1, bias=False)
    average = MovingAverage(module, 0.0)
    assign(module, 7.0)
    average.update()
    average.copy_into_module()
    assert module.weight.item() == 7.0


def test_statistics_are_averaged_and_counters_copied():
    norm = nn.BatchNorm1d(1)
    average = MovingAverage(norm, 0.0)
    norm(torch.tensor([[1.0], [3.0]]))
    found = {name: value.clone() for name, value in norm.state_dict().items()}
    average.update()
    norm.reset_running_stats()
    average.copy_into_module()
    assert norm.num_batches_tracked.item() == 1
    assert norm.running_mean == found["running_mean"] != 0


def test_it_goes_on_where_it_was():
    module = nn.Linear(2, 2)
    whole = MovingAverage(module, 0.9)
    for value in (1.0, 2.0):
        assign(module, value)
        whole.update()
    resumed = MovingAverage(module, 0.9)
    resumed.load(whole.state())
    assign(module, 5.0)
    whole.update()
    resumed.update()
    assert whole.state()["weight"].equal(resumed.state()["weight"])
