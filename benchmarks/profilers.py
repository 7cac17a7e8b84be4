"""Mult-adds and time of whole processes: edgecnn beside five other counters, over the whole zoo.

    python benchmarks/profilers.py [--peers thop] [--networks lenet] [--timed lenet] [--runs 5] [--json FILE]

Counters run in environments of their own, which are made on demand (some gigabytes, some minutes). Without
--json the result is written to results/profilers.json, and README.md anew from it.
"""

import argparse
import signal
import sys
from pathlib import Path

from counters import COUNTERS, PEERS
from counting import Settings, compare
from profilers_report import section
from report import PROFILERS, README, readme, to_text

from edgecnn.atomic import write_file
from edgecnn.errors import EdgeCnnError, UnknownNameError
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
        networks=_chosen("network", given.networks, tuple(ARCHITECTURES)),
        timed=_chosen("network", given.timed, tuple(ARCHITECTURES)),
        peers=_chosen("peer", given.peers, PEERS),
        runs=given.runs,
    )
    return settings, given.json


def _chosen(kind: str, text: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in allowed:
            raise UnknownNameError(kind, name, allowed)
    return names


def run(arguments: list[str]) -> None:
    """Compare, write the JSON, and print the tables; publish them in README.md where no --json was given."""
    settings, file = parse(arguments)
    chosen = [each for each in COUNTERS if each.peer is None or each.peer in settings.peers]
    result = compare(settings, chosen, lambda line: print(line, file=sys.stderr, flush=True))
    write_file(file or PROFILERS, to_text(result).encode(), force=True)
    if file is None:
        write_file(README, readme().encode(), force=True)
    print(section(result))


def main() -> int:
    """Return the exit code: 0 done, 1 a user's error, 130 interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop as at Ctrl-C, leaving nothing behind
    try:
        run(sys.argv[1:])
    except EdgeCnnError as error:
        print(f"profilers: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("profilers: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
