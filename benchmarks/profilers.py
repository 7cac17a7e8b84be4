"""Mult-adds and time of whole processes: edgecnn beside five other counters, over the whole zoo.

    python benchmarks/profilers.py [--peers thop] [--networks lenet] [--timed lenet] [--runs 5] [--json FILE]

Counters run in environments of their own, which are made on demand (some gigabytes, some minutes). Without
--json the result is written to results/profilers.json, and README.md anew from it.
"""

import argparse
import sys
from pathlib import Path

from command import chosen, main, publish, tell
from counters import COUNTERS, PEERS
from counting import Settings, compare
from profilers_report import section
from report import PROFILERS

from edgecnn.errors import EdgeCnnError
from edgecnn.models import ARCHITECTURES

TIMED = ("lenet", "mobilenet", "resnet50", "densenet201", "preact_resnet1001", "resnet1202")


def parse(arguments: list[str]) -> tuple[Settings, Path | None]:
    """Return what the command line asks for; raise `EdgeCnnError` for what cannot be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; default: %(default)s")
    parser.add_argument("--networks", default=",".join(ARCHITECTURES), help="comma-separated; default: all")
    parser.add_argument("--timed", default=",".join(TIMED), help="comma-separated; default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="processes by each; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    if given.runs < 1:
        raise EdgeCnnError(f"--runs is {given.runs}; give at least 1")
    settings = Settings(
        networks=chosen("network", given.networks, tuple(ARCHITECTURES)),
        timed=chosen("network", given.timed, tuple(ARCHITECTURES)),
        peers=chosen("peer", given.peers, PEERS),
        runs=given.runs,
    )
    return settings, given.json


def run(arguments: list[str]) -> None:
    """Compare, write the JSON, and print the tables; publish them in README.md where no --json was given."""
    settings, file = parse(arguments)
    counters = [each for each in COUNTERS if each.peer is None or each.peer in settings.peers]
    result = compare(settings, counters, tell)
    publish(result, PROFILERS, file, section)


if __name__ == "__main__":
    sys.exit(main(run))
