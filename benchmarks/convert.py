"""PyTorch to .tflite: time, memory and the files' quality, edgecnn beside its peers, in one run.

    python benchmarks/convert.py [--peers litert-torch,onnx2tf] [--networks lenet] [--runs 5] [--json FILE]

Each conversion is a whole process, imports included. Peers run in environments of their own, which are made
on demand (some gigabytes, some minutes). Without --json the result is written to results/convert.json, and
README.md anew from it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from command import chosen, main, publish, tell
from comparison import Settings, compare
from convert_report import section
from converters import NETWORKS, PEERS
from report import CONVERSION

from edgecnn.errors import EdgeCnnError


def parse(arguments: list[str]) -> tuple[Settings, Path | None]:
    """Return what the command line asks for; raise `EdgeCnnError` for what cannot be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; default: %(default)s")
    parser.add_argument(
        "--networks", default=",".join(NETWORKS), help="comma-separated; default: %(default)s"
    )
    parser.add_argument("--runs", type=int, default=5, help="conversions by each; default: %(default)s")
    parser.add_argument(
        "--latency-rounds", type=int, default=300, help="inferences of each file; default: %(default)s"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    for name in ("runs", "latency_rounds"):
        if getattr(given, name) < 1:
            raise EdgeCnnError(f"--{name.replace('_', '-')} is {getattr(given, name)}; give at least 1")
    networks = chosen("network", given.networks, tuple(NETWORKS))
    if not networks:
        raise EdgeCnnError(f"--networks names none; allowed: {', '.join(NETWORKS)}")
    settings = Settings(
        networks=networks,
        peers=chosen("peer", given.peers, PEERS),
        runs=given.runs,
        latency_rounds=given.latency_rounds,
    )
    return settings, given.json


def run(arguments: list[str]) -> None:
    """Compare, write the JSON, and print the tables; publish them in README.md where no --json was given."""
    settings, file = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="edgecnn-convert-") as work:
        result = compare(settings, Path(work), tell)
    publish(result, CONVERSION, file, section)


if __name__ == "__main__":
    sys.exit(main(run))
