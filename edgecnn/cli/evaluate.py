"""`edgecnn eval`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgecnn import units
from edgecnn.cli.main import show
from edgecnn.cli.options import (
    contract_options,
    force_option,
    json_option,
    model_options,
    seed_option,
    weights_option,
)
from edgecnn.errors import EdgeCnnError

_EVERY_S = 3.0  # a set that is done sooner is worth no line
_OPENING = ("weights", "width", "res", "classes", "in_channels", "options")

Say = Callable[[str], None]


@click.command("eval")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@model_options
@click.option(
    "--data", required=True, help="A data set or path: `edgecnn list datasets`; its held-out pictures."
)
@click.option("--compare", is_flag=True, help="Test each MODEL against the first, as pairs of pictures.")
@click.option("--intervals", is_flag=True, help="Show the 95 % interval of each figure.")
@click.option("--per-class", is_flag=True, help="Show the figures of each class.")
@click.option("--confusion", is_flag=True, help="Show which class was named for which.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), help="Write the answer for each picture there."
)
@weights_option
@contract_options
@click.option("--layout", metavar="LAYOUT", help="NCHW or NHWC, of a file with the other than is usual.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that read pictures.")
@seed_option
@force_option
@json_option
def eval_command(
    models: tuple[str, ...], data: str, csv_file: Path | None, force: bool, as_json: bool, **given: Any
) -> None:
    """Measure the accuracy of each MODEL: a run (PyTorch), a bundle, an .onnx or a .tflite file.

    All read pictures by one contract: the run's or the bundle's, or the one that --mean, --std and
    --channel-order give. Several are compared with the first, image by image. Pictures with masks give pixel
    accuracy, IoU and Dice; of pictures without labels, two or more models are compared.
    """
    from edgecnn.atomic import check_free, write_file
    from edgecnn.evaluate import CONFIDENCE
    from edgecnn.report.evaluation import metrics_rows, pictures_csv

    tables = {key: given.pop(key) for key in ("compare", "intervals", "per_class", "confusion")}
    if csv_file is not None:
        check_free(csv_file, force=force, folder=False)
    scored = _score(models, data, given, tables)
    pairs = _comparisons(scored, given["seed"])
    rows = metrics_rows(scored)
    if csv_file is not None:
        write_file(csv_file, pictures_csv(scored), force=force)
    found = {"data": data, "split": "held-out", "metrics": rows[0]["metrics"], "confidence": CONFIDENCE}
    show(
        as_json,
        lambda: {**found, "results": rows, "comparisons": pairs},
        lambda: _print(data, scored, rows, pairs, tables),
    )


def _score(
    models: tuple[str, ...], data: str, given: dict[str, Any], tables: dict[str, bool]
) -> list[tuple[str, Any]]:
    from edgecnn.data import load
    from edgecnn.pipeline.model_paths import is_path
    from edgecnn.pipeline.scoring import check_task, score
    from edgecnn.report.progress import progress

    dataset = load(data, "held-out")
    check_task(dataset, models)
    if tables["compare"] and len(models) < 2:
        raise EdgeCnnError(f"--compare takes two models or more, and {models[0]} is one; add another")
    if dataset.task == "unlabelled" and (tables["per_class"] or tables["confusion"]):
        raise EdgeCnnError(f"{dataset} has no classes; leave out --per-class and --confusion")
    # Where a file stands beside a network of the zoo, what says which network it is is not for the file.
    of_files = {key: each for key, each in given.items() if key not in _OPENING}
    named = [model for model in models if not is_path(model)]
    scored = []
    with progress() as say:
        for model in models:
            own = of_files if named and model not in named else given
            try:
                scored.append((model, score(model, dataset, **own, on_batch=_reporter(say, model))))
            except EdgeCnnError as error:
                which = "" if model in str(error) or len(models) == 1 else f"{model}: "
                raise EdgeCnnError(f"{which}{error}") from error
    return scored


def _comparisons(scored: list[tuple[str, Any]], seed: int) -> list[dict[str, Any]]:
    from edgecnn.evaluate import compare
    from edgecnn.report.evaluation import comparison_json

    name, first = scored[0]
    return [comparison_json(name, other, compare(first, each, seed=seed)) for other, each in scored[1:]]


def _print(
    data: str, scored: Any, rows: list[dict[str, Any]], pairs: list[dict[str, Any]], tables: dict[str, bool]
) -> None:
    from edgecnn.report import evaluation as report

    known = "per_class" in rows[0]
    masks = "dice" in rows[0]["metrics"]
    report.print_metrics(data, rows, intervals=tables["intervals"] or masks)
    if tables["per_class"]:
        report.print_per_class(rows)
    if tables["confusion"]:
        report.print_confusion(scored)
    if tables["compare"] or not known:
        report.print_comparisons(pairs)


def _reporter(say: Say, model: str) -> Callable[[int, int], None]:
    """Return what says every few seconds how far a long evaluation is."""
    first: tuple[float, int] | None = None  # the first batch is slow and does not count
    last = 0.0

    def report(done: int, n: int) -> None:
        nonlocal first, last
        now = time.perf_counter()
        if first is None:
            first, last = (now, done), now
        if now - last < _EVERY_S:
            return
        last, rate = now, (done - first[1]) / (now - first[0])
        say(f"{model}: {done} of {n} images  {rate:.0f} images/s  {units.clock((n - done) / rate)} left")

    return report
