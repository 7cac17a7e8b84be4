"""Structured pruning beside Torch-Pruning, and the whole recipe on files of other libraries.

    python benchmarks/prune.py [--parts reach,foreign] [--cifar FOLDER] [--fashion FOLDER] [--quick]

`reach` prunes every network of the zoo with both tools, or, with --keep-peer, with edgecnn alone where a
result of the same version of Torch-Pruning is there; `foreign` takes networks of torchvision and timm
through a recipe; `trained`, which needs the pictures, prunes trained networks with both and distils what is
left in the same way. CIFAR's FOLDER is that of `quantize.py`, Fashion-MNIST's that of `fashion_mnist.py`.
Without --json the result is written to results/prune.json, where parts that were not asked for stay, and
README.md anew from it.
"""

import argparse
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import environments
import machine
from command import chosen, main, publish, tell
from fashion_mnist import NETWORKS
from prune_report import section
from pruning import ENVIRONMENT, PACKAGES, REQUIREMENTS, Row, Settings, reach
from pruning_foreign import foreign
from pruning_trained import Trained, fractions
from quantizers import networks as cifar_networks
from report import PRUNING
from trained_runs import RUNS, trained

from edgecnn.errors import EdgeCnnError
from edgecnn.models import ARCHITECTURES

PARTS = ("reach", "trained", "foreign")
FASHION = "fashion-mnist-mobilenet"
KEPT = {FASHION: (0.5, 0.25), "resnet20": (0.75, 0.5, 0.25), "resnet56": (0.75, 0.5, 0.25)}
_QUICK = Settings(pictures=256, epochs=1, on="cpu", rounds=20)


def of_given(given: argparse.Namespace) -> dict[str, Trained]:
    """Return the trained networks whose pictures are there."""
    found = {}
    for name, each in cifar_networks(given.cifar, None, "").items():
        training, held_out = each.data.split(",")
        numbers = {key: tuple(map(float, getattr(each, key).split(","))) for key in ("mean", "std")}
        found[name] = Trained(
            name=name,
            model=each.model,
            weights=Path(each.weights),
            contract={**numbers, "resize": "squash"},
            data=(training, held_out),
            multiple=4,
            epochs=given.epochs or 20,
            inside=True,
        )
    if given.fashion:
        model, training, _ = NETWORKS[FASHION]
        trained(RUNS / FASHION, model, given.fashion, training)
        found[FASHION] = Trained(
            name=FASHION,
            model=str(RUNS / FASHION),
            contract={},
            data=(given.fashion, given.fashion),
            multiple=8,
            epochs=given.epochs or 5,
        )
    return found


def run(arguments: list[str]) -> None:
    """Measure, write the JSON and print the tables."""
    given = _options().parse_args(arguments)
    parts = chosen("part", given.parts, PARTS)
    names = chosen("network", given.networks, (*ARCHITECTURES, FASHION))
    networks = of_given(given) if "trained" in parts else {}
    if "trained" in parts and not networks:
        raise EdgeCnnError(
            "trained networks need pictures; give --cifar FOLDER, --fashion FOLDER, or --parts"
        )
    place = given.json or PRUNING
    result: dict[str, Any] = json.loads(place.read_text()) if place.is_file() else {}
    result |= {"benchmark": "prune", "kind": "measured"}
    tell(f"environment {ENVIRONMENT}")
    python = environments.provide(ENVIRONMENT, REQUIREMENTS)
    settings = Settings(pictures=given.pictures, epochs=0, on=given.on, rounds=given.rounds)
    settings = _QUICK if given.quick else settings
    if "reach" in parts:
        zoo = [name for name in names if name in ARCHITECTURES]
        before = result.get("reach", {})
        same = before.get("versions") == dict(environments.versions(python, PACKAGES))
        rows = before["found"] if same else []
        peers = {row["network"]: row["peer"] for row in rows if given.keep_peer}
        found = _stamped(python, "cpu", lambda: reach(zoo, python, tell, peers))
        result["reach"] = found | {"found": _joined(rows, found["found"])}
    for name, each in networks.items():
        if name not in names:
            continue
        table = _stamped(python, settings.on, lambda: fractions(each, KEPT[name], python, settings, tell))  # noqa: B023
        result["trained"] = {**result.get("trained", {}), name: table}
        publish(result, PRUNING, given.json, section)
    if "foreign" in parts:
        result["foreign"] = _stamped(python, settings.on, lambda: foreign(python, settings, tell))
    publish(result, PRUNING, given.json, section)


def _joined(before: list[Row], now: list[Row]) -> list[Row]:
    """Return the networks measured now and those that were not, in the zoo's order."""
    rows = {row["network"]: row for row in (*before, *now)}
    return [rows[name] for name in ARCHITECTURES if name in rows]


def _stamped(python: Path, on: str, part: Any) -> dict[str, Any]:
    """Return what a part found, with where and when."""
    before = machine.load()
    found = part()
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "on": on,
        "machine": {**machine.describe(), "load_before": before, "load_after": machine.load()},
        "versions": dict(environments.versions(python, PACKAGES)),
        "found": found,
    }


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="joined by commas; default: %(default)s")
    parser.add_argument("--networks", default=",".join((*ARCHITECTURES, FASHION)), help="default: all")
    parser.add_argument("--cifar", type=Path, metavar="FOLDER", help="CIFAR-10 pictures and ResNets")
    parser.add_argument("--fashion", metavar="FOLDER", help="the files of Fashion-MNIST")
    parser.add_argument("--on", default="cpu", help="where to distil: cpu, cuda or auto")
    parser.add_argument("--epochs", type=int, default=0, help="of distillation; default: each network's own")
    parser.add_argument("--pictures", type=int, default=0, help="at most so many of each split; default: all")
    parser.add_argument("--rounds", type=int, default=200, help="of latency; default: %(default)s")
    parser.add_argument("--keep-peer", action="store_true", help="of `reach`: run edgecnn alone, see above")
    parser.add_argument("--quick", action="store_true", help="few pictures, one epoch: a check, no result")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(run))
