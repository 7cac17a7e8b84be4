"""The zoo's latency as predicted on this host from micro-networks alone, beside the measured one.

    python benchmarks/predict.py [--passes 4] [--folder FOLDER] [--json FILE]

Takes half an hour: every network of the zoo and every micro-network are written in float32 and int8, 8 GB,
and timed in turns, one thread, each beside a reference network. Files and times that lie in FOLDER from
before are taken as they are. Without --json the result is written to results/predict.json, and README.md
anew from it.
"""

import argparse
import datetime as dt
import json
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import machine
from command import main, publish, tell
from environments import versions
from predict_report import section
from predicting import judged, write_micro, write_zoo
from processes import measure
from report import PREDICTION

import edgecnn.export.board
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.fitting_ways import WAYS
from edgecnn.pipeline.micro_singles import REFERENCE

ANSWER, LONGEST_S = "answer.json", 7200.0


def compare(folder: Path, passes: int) -> dict[str, Any]:
    """Return the whole result."""
    stacks = write_micro(folder)
    zoo = write_zoo(folder)
    if not (folder / ANSWER).is_file():
        time_all(folder, passes)
    found = json.loads((folder / ANSWER).read_text())
    tell("fit and predict")
    return {
        "kind": "measured and predicted",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine.describe(),
        "versions": versions(Path(sys.executable), ("ai-edge-litert", "numpy")),
        "settings": {"passes": passes, "threads": 1},
        **judged(folder, stacks, zoo, found),
    }


def time_all(folder: Path, passes: int) -> None:
    """Time every file of a folder."""
    way = WAYS["litert"]
    for script in way.scripts:
        shutil.copyfile(str(files(edgecnn.export.board) / script), folder / script)
    reference = way.file_name(f"{REFERENCE}-0", "fp32")
    words = [
        sys.executable,
        way.scripts[0],
        "--reference",
        reference,
        "--passes",
        str(passes),
        "--out",
        ANSWER,
    ]
    tell("time")
    done = measure(words, folder=folder, timeout_s=LONGEST_S)
    if done.exit_code:
        raise EdgeCnnError(f"{way.scripts[0]}: {done.reason()}")


def run(arguments: list[str]) -> None:
    """Compare, and publish the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--passes", type=int, default=4, help="over all files; default: %(default)s")
    parser.add_argument("--folder", type=Path, help="where files and times are kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes instead")
    given = parser.parse_args(arguments)
    if given.passes < 1:
        raise EdgeCnnError("--passes is at least 1")
    with tempfile.TemporaryDirectory(prefix="edgecnn-predict-") as work:
        folder = given.folder or Path(work)
        folder.mkdir(parents=True, exist_ok=True)
        publish(compare(folder, given.passes), PREDICTION, given.json, section)


if __name__ == "__main__":
    sys.exit(main(run))
