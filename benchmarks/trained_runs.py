"""Trained networks that benchmarks share: found in `.runs/`, or trained there, if need be to the end."""

import sys
from pathlib import Path

import edgecnn
from edgecnn import run_folder, units
from edgecnn.optimize import Epoch
from edgecnn.run_folder import RunFolder
from edgecnn.training_recipe import Recipe
from edgecnn.unfinished_run import CHECKPOINT, folder_of

RUNS = Path(__file__).parent / ".runs"


def trained(path: Path, model: str, data: str, recipe: Recipe) -> RunFolder:
    """Return a finished run, which is trained if it is not there.

    Args:
        path: of the run.
        model: the network.
        data: the data set's name or path.
        recipe: how it is trained.
    """
    if run_folder.is_run_folder(path):
        return run_folder.read(path)

    def say(epoch: Epoch) -> None:
        left = units.clock(epoch.left_s)
        line = f"{path.name}  epoch {epoch.epoch}/{epoch.epochs}  loss {epoch.loss:.4f}  {left} left"
        print(line, file=sys.stderr, flush=True)

    resume = (folder_of(path) / CHECKPOINT).is_file()
    return edgecnn.fit(model, data, out=path, recipe=recipe, resume=resume, on="cpu", on_epoch=say)
