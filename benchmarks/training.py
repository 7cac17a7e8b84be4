"""Images per second of edgecnn's training loop, and of a graph as a module, beside a plain loop in PyTorch.

    python benchmarks/training.py [--rounds 9] [--steps 10] [--json FILE]

All train the same network on the same images, in turns of a few steps, so that whatever else slows the
machine down slows all. Without --json the result is written to results/training.json, and README.md anew
from it.
"""

import argparse
import datetime as dt
import importlib.metadata
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from command import main, publish
from report import TRAINING
from torch import nn
from training_report import section

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record
from edgecnn.models import build, complete
from edgecnn.optimize import InMemory, classification_loss, optimize
from edgecnn.spec import ModelSpec
from edgecnn.trainable import to_module
from edgecnn.training_recipe import Recipe

# network: images per step
NETWORKS = {
    "lenet(classes=10, in_channels=1)": 128,
    "mobilenet(width=0.5, res=32, classes=10, in_channels=1)": 64,
    "resnet20(classes=10, in_channels=3)": 64,
}
_LR = 1e-3

Loop = Callable[[nn.Module, torch.Tensor, torch.Tensor, int], None]


def plain(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, batch: int) -> None:
    """Train one epoch as PyTorch's own tutorials do."""
    optimizer = torch.optim.SGD(module.parameters(), lr=_LR, momentum=0.9, weight_decay=5e-4)
    loss_of = nn.CrossEntropyLoss()
    module.train()
    total = 0.0
    for chosen in torch.randperm(len(images)).split(batch):
        optimizer.zero_grad()
        loss = loss_of(module(images[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        total += loss.item()


def plain_channels_last(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, batch: int) -> None:
    """Train one epoch likewise, with the layout that edgecnn's loop uses."""
    last = torch.channels_last
    plain(module.to(memory_format=last), images.to(memory_format=last), labels, batch)


def own(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, batch: int) -> None:
    """Train one epoch with edgecnn's loop."""
    recipe = Recipe(epochs=1, batch=batch, lr=_LR, warmup_epochs=0.0)
    optimize(module, InMemory(images, labels), classification_loss(module, recipe), recipe, seed=0)


LOOPS: dict[str, Loop] = {
    "edgecnn": own,
    "plain": plain,
    "plain, channels last": plain_channels_last,
    "plain, of the graph": plain,
}


def prepared(name: str, spec: ModelSpec, shape: tuple[int, ...]) -> nn.Module:
    """Return what the loop of this name trains: the network, or the graph recorded from it."""
    module = build(spec)
    return to_module(record(module, (1, *shape[1:]))) if name.endswith("graph") else module


def measure(text: str, batch: int, rounds: int, steps: int) -> dict[str, Any]:
    """Return the seconds of every turn, after one turn of each that is not counted."""
    spec = complete(ModelSpec.parse(text))
    assert spec.in_channels is not None
    assert spec.res is not None
    assert spec.classes is not None
    rng = np.random.default_rng(0)
    shape = (batch * steps, spec.in_channels, spec.res.height, spec.res.width)
    images = torch.from_numpy(rng.standard_normal(shape, np.float32))
    labels = torch.from_numpy(rng.integers(0, spec.classes, len(images)))
    modules = {name: prepared(name, spec, shape) for name in LOOPS}
    times: dict[str, list[float]] = {name: [] for name in LOOPS}
    for number in range(rounds + 1):
        for name in _turns(number):
            began_s = time.perf_counter()
            LOOPS[name](modules[name], images, labels, batch)
            if number:
                times[name].append(time.perf_counter() - began_s)
    return {"network": text, "batch": batch, "images": len(images), "seconds": times}


def _turns(number: int) -> Iterator[str]:
    """Yield the loops, another one first in each round."""
    names = list(LOOPS)
    yield from names[number % len(names) :] + names[: number % len(names)]


def run(arguments: list[str]) -> None:
    """Measure, write the JSON and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each; default: %(default)s")
    parser.add_argument("--steps", type=int, default=10, help="of a turn; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    if min(given.rounds, given.steps) < 1:
        raise EdgeCnnError("--rounds and --steps are at least 1")
    before = machine.load()
    networks = [measure(text, batch, given.rounds, given.steps) for text, batch in NETWORKS.items()]
    result = {
        "kind": "measured",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "threads": torch.get_num_threads(),
        "torch": importlib.metadata.version("torch"),
        "networks": networks,
    }
    publish(result, TRAINING, given.json, section)


if __name__ == "__main__":
    sys.exit(main(run))
