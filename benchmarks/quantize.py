"""Float to int8: accuracy, agreement, time, memory and files, edgecnn beside its peers, in one run.

    python benchmarks/quantize.py --cifar FOLDER [--run RUN --run-data DATA] [--peers nncf] [--json FILE]

FOLDER holds the two ResNets and the pictures that `quantizers.py` names; RUN is a run folder, DATA its data
set. Peers run in environments of their own, which are made on demand. Without --json the result is written to
results/quantize.json, and README.md anew from it; with --add the networks published there stay.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from command import chosen, main, publish, tell
from quantizers import PEERS, QUANTIZERS, networks
from quantizers_report import section
from quantizing import Settings, added, compare
from report import QUANTIZERS as RESULT

from edgecnn.errors import EdgeCnnError


def run(arguments: list[str]) -> None:
    """Compare, write the JSON, and print the tables; publish them in README.md where no --json was given."""
    given = _options().parse_args(arguments)
    found = networks(given.cifar, given.run, given.run_data)
    if not found:
        raise EdgeCnnError("there is no network; give --cifar FOLDER, or --run RUN --run-data DATA")
    if given.add and not RESULT.is_file():
        raise EdgeCnnError(f"there is no result {RESULT} to add to; leave out --add")
    peers = chosen("peer", given.peers, tuple(PEERS))
    quantizers = [each for each in QUANTIZERS if not each.environment or each.environment in peers]
    with tempfile.TemporaryDirectory(prefix="edgecnn-quantize-") as work:
        result = compare(
            list(found.values()),
            quantizers,
            settings=Settings(pictures=given.pictures, draws=given.draws, rounds=given.latency_rounds),
            work=Path(work),
            tell=tell,
        )
    if given.add:
        result = added(json.loads(RESULT.read_text()), result)
    publish(result, RESULT, given.json, section)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cifar", type=Path, metavar="FOLDER", help="CIFAR-10 pictures and ResNets")
    parser.add_argument("--run", type=Path, help="a run folder")
    parser.add_argument("--run-data", default="", metavar="DATA", help="the data set of the run")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; default: %(default)s")
    parser.add_argument("--pictures", type=int, default=200, help="to calibrate with; default: %(default)s")
    parser.add_argument("--draws", type=int, default=3, help="of these pictures; default: %(default)s")
    parser.add_argument("--latency-rounds", type=int, default=300, help="default: %(default)s")
    parser.add_argument("--add", action="store_true", help="keep the published result's other networks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(run))
