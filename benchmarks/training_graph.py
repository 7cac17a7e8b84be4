"""Images per second of a graph as a module, beside the module that it was recorded from.

    python benchmarks/training_graph.py [--rounds 9] [--steps 10] [--json FILE]

Both take the same steps of plain stochastic gradient descent on the same images, in turns of a few steps, so
that whatever else slows the machine down slows both. The result goes to results/training_graph.json.
"""

import argparse
import datetime as dt
import importlib.metadata
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import machine
import torch
from torch import nn

from edgecnn.atomic import write_file
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.network import open_network
from edgecnn.trainable import to_module

RESULT = Path(__file__).parent / "results" / "training_graph.json"

# network: images per step
NETWORKS = {
    "mobilenet(width=0.5, res=32, classes=10)": 64,
    "resnet20(classes=10)": 64,
}


def measure(text: str, batch: int, rounds: int, steps: int) -> dict[str, Any]:
    """Return the seconds of every turn, after one turn of each that is not counted."""
    network = open_network(text)
    assert network.module is not None
    contract, generator = network.preprocessing, torch.Generator().manual_seed(0)
    shape = (steps, batch, contract.channels, contract.height, contract.width)
    images = torch.randn(shape, generator=generator)
    labels = torch.randint(0, 10, (steps, batch), generator=generator)
    modules = {"module": network.module, "graph": to_module(network.graph)}
    seconds: dict[str, list[float]] = {name: [] for name in modules}
    for number in range(rounds + 1):
        for name in sorted(modules, reverse=bool(number % 2)):
            began_s = time.perf_counter()
            descend(modules[name], images, labels)
            if number:
                seconds[name].append(time.perf_counter() - began_s)
    return {"network": text, "batch": batch, "images": steps * batch, "seconds": seconds}


def descend(module: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Take one step for each batch."""
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    module.train()
    for batch, right in zip(images, labels, strict=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(batch).flatten(1), right).backward()
        optimizer.step()


def line(row: dict[str, Any]) -> str:
    """Return a row of the result for people."""
    median_s = {name: statistics.median(times) for name, times in row["seconds"].items()}
    rates = ", ".join(f"{name} {row['images'] / each:.0f} images/s" for name, each in median_s.items())
    return f"{row['network']}: {rates}, ratio {median_s['module'] / median_s['graph']:.3f} (measured)"


def run(arguments: list[str]) -> None:
    """Measure, print and write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each; default: %(default)s")
    parser.add_argument("--steps", type=int, default=10, help="of a turn; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", default=RESULT, help="where the result goes")
    given = parser.parse_args(arguments)
    if min(given.rounds, given.steps) < 1:
        raise EdgeCnnError("--rounds and --steps are at least 1")
    before, rows = machine.load(), []
    for text, batch in NETWORKS.items():
        rows.append(measure(text, batch, given.rounds, given.steps))
        print(line(rows[-1]), flush=True)
    result = {
        "kind": "measured",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "threads": torch.get_num_threads(),
        "torch": importlib.metadata.version("torch"),
        "networks": rows,
    }
    write_file(given.json, (json.dumps(result, indent=1) + "\n").encode(), force=True)


def main() -> int:
    """Return the exit code: 0 done, 1 a user's error, 130 interrupted."""
    try:
        run(sys.argv[1:])
    except EdgeCnnError as error:
        print(f"training_graph: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training_graph: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
