"""What is done for a job: train a network, export and measure it, predict or time all bundles."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecnn import run_folder
from edgecnn.errors import EdgeCnnError
from edgecnn.profile import Profile
from edgecnn.spec import ModelSpec
from edgecnn.sweeps.store import Row, Store
from edgecnn.training_recipe import Recipe
from edgecnn.unfinished_run import CHECKPOINT, folder_of

Say = Callable[[float], None]
_OF_LAYERS = ("mult_adds", "parameters", "weight_bytes", "activation_bytes")
_OF_PREDICTION = ("latency_s", "band_s", "method", "threads", "outside")
_RUNS, _ROUNDS = 60, 3  # of the timing, for each bundle


def train(store: Store, row: Row, say: Say) -> dict[str, Any]:
    """Train a network, from its last checkpoint where there is one, and return what it reached."""
    import torch

    from edgecnn.pipeline.learn import fit

    settings, path = row.settings, run_of(store, row)
    run = run_folder.read(path) if run_folder.is_run_folder(path) else None
    if run is None:
        run = fit(
            ModelSpec.parse(settings["spec"]),
            settings["data"],
            out=path,
            recipe=Recipe.from_json(settings["recipe"]),
            seed=settings["seed"],
            resume=(folder_of(path) / CHECKPOINT).is_file(),
            force=True,
            on=settings["on"],
            on_epoch=lambda epoch: say(epoch.epoch / epoch.epochs),
        )
    return {
        "metrics": dict(run.metrics),
        "task": run.task,
        "trained_on": run.device,
        "threads": torch.get_num_threads(),
        "versions": dict(run.versions),
    }


def measure(store: Store, row: Row, say: Say) -> dict[str, Any]:
    """Export a trained network, and measure and profile what ships."""
    from edgecnn.evaluate import Answers
    from edgecnn.pipeline.costs import opened_costs
    from edgecnn.pipeline.deploy import deploy
    from edgecnn.pipeline.quantization import Quantization
    from edgecnn.pipeline.scoring import score
    from edgecnn.pipeline.training_pictures import TrainingPlace

    settings, path = row.settings, bundle_of(store, row)
    (training,) = store.rows(row.needs)
    made = deploy(
        run_of(store, training),
        settings["device"],
        out=path,
        recipe=settings["passes"],
        quantization=Quantization(training=TrainingPlace(on=training.settings["on"])),
        seed=settings["seed"],
        force=True,
    )
    say(0.5)
    metrics = score(path, training.settings["data"])
    if isinstance(metrics, Answers):
        raise EdgeCnnError(f"{training.settings['data']} has no classes to measure accuracy on")
    file = _shipped(path)
    ships = made.folded
    runs = opened_costs(path / file["path"])[1] if file["path"].endswith(".tflite") else ships
    same = ships.mult_adds == made.profile.mult_adds
    return {
        "metrics": metrics.to_json(),
        "intervals": {key: list(ends) for key, ends in metrics.intervals.items() if ends is not None},
        "mult_adds": ships.mult_adds,
        "parameters": made.profile.parameters if same else ships.parameters,
        "unknown_ops": list(ships.unknown_ops),
        "memory_bytes": runs.peak_activation_bytes,
        "file_bytes": (path / file["path"]).stat().st_size,
        "file": file["path"],
        "precision": file["precision"],
        "layers": layers(runs),
        "notes": list(made.notes),
    }


def layers(profile: Profile) -> list[list[Any]]:
    """Return name, kind, output, mult-adds, parameters, bytes of weights and of activations of each layer."""
    return [
        [each.name, each.kind, "x".join(map(str, each.shape)), *(getattr(each, name) for name in _OF_LAYERS)]
        for each in profile.layers
    ]


def time_all(store: Store, row: Row, say: Say) -> dict[str, Any]:
    """Time the bundles of all cells in turns, on one device, while nothing else of the sweep runs."""
    from edgecnn.pipeline.measuring import measure as measure_latency

    cells = _done(store, row)
    found = measure_latency(
        [bundle_of(store, cell) for cell in cells],
        row.settings["address"],
        runs=_RUNS,
        rounds=_ROUNDS,
        on_turn=lambda done, of, _which: say(done / of),
    )
    return {"cells": {cell.key: _latency(each) for cell, each in zip(cells, found, strict=True)}}


def predict_all(store: Store, row: Row, say: Say) -> dict[str, Any]:
    """Predict the latency of what ships of all cells on a device, and say of which it cannot be."""
    from edgecnn.pipeline.prediction import predict

    found, failed = {}, {}
    cells = _done(store, row)
    for done, cell in enumerate(cells, 1):
        try:
            made = predict(bundle_of(store, cell) / (cell.result or {})["file"], row.settings["device"])
        except EdgeCnnError as error:
            failed[cell.key] = str(error)
        else:
            plain = made.to_json()
            found[cell.key] = {key: plain[key] for key in _OF_PREDICTION}
        say(done / len(cells))
    if not found:
        raise EdgeCnnError(next(iter(failed.values())))
    return {"cells": found, "failed": failed}


def _done(store: Store, row: Row) -> list[Row]:
    """Return the cells of a job that takes all; raise `EdgeCnnError` where every one has failed."""
    cells = [cell for cell in store.rows(row.needs) if (cell.kind, cell.state) == ("measure", "done")]
    if not cells:
        raise EdgeCnnError("there is nothing whose latency could be told: every cell has failed")
    return cells


def _latency(found: Any) -> dict[str, Any]:
    environment = found.environment.fixed
    named = ("runtime", "runtime_version", "version", "machine", "cpu", "system")
    return {
        "median_s": found.median_s,
        "p90_s": found.p90_s,
        "p99_s": found.p99_s,
        "iqr_s": found.iqr_s,
        "runs": len(found.times_s),
        "threads": found.threads,
        "date": found.date,
        "warnings": list(found.warnings),
        "environment": {key: str(environment[key]) for key in named if key in environment},
    }


def run_of(store: Store, row: Row) -> Path:
    """Return the run folder of a training."""
    return store.folder / "runs" / str(row.settings["name"])


def bundle_of(store: Store, row: Row) -> Path:
    """Return the bundle of a cell."""
    return store.folder / "bundles" / str(row.settings["name"])


def _shipped(bundle: Path) -> dict[str, Any]:
    from edgecnn.pipeline.artifact import shipped

    return shipped(json.loads((bundle / "manifest.json").read_text(encoding="utf-8")))


DO: dict[str, Callable[[Store, Row, Say], dict[str, Any]]] = {
    "train": train,
    "measure": measure,
    "predict": predict_all,
    "time": time_all,
}
