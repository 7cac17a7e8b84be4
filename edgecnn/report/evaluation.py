"""What `edgecnn eval` shows: a row for each network, its classes, what it confuses, and pairs of networks."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgecnn.evaluate import Answers, Comparison, Measured, Metrics, Segmentation
from edgecnn.report.tables import print_line, print_table

Scored = Sequence[tuple[str, Measured]]

_MATRIX = 20  # classes whose confusion is shown as a matrix
_PAIRS = 20  # confused pairs that are shown where there are more classes


def metrics_rows(scored: Scored) -> list[dict[str, Any]]:
    """Return what was measured of each model, and on how many images it differs from the first."""
    first: Any = scored[0][1]
    return [
        {"model": name, "metrics": _metrics(each), "differs_on": first.differences(each), **_details(each)}
        for name, each in scored
    ]


def _metrics(measured: Measured) -> dict[str, Any]:
    figures = measured.to_json()
    if isinstance(measured, Answers):
        return figures
    return figures | {f"{key}_interval": each for key, each in measured.intervals.items()}


def _details(measured: Measured) -> dict[str, Any]:
    if isinstance(measured, Answers):
        return {"notes": list(measured.notes)}
    names = measured.class_names
    confusion = [
        {"class": names[truth], "named": names[named], "n": count}
        for truth, named, count in measured.confusion()
    ]
    return {"notes": list(measured.notes), "per_class": measured.per_class(), "confusion": confusion}


def print_metrics(data: str, rows: Sequence[Mapping[str, Any]], *, intervals: bool = False) -> None:
    """Print what was measured, one row for each model; with 95 % intervals where asked for."""
    keys = {key: title for key, title in _TITLES.items() if key in rows[0]["metrics"]}
    what = "accuracy" if "top1" in keys else "segmentation" if keys else "answers"
    columns = ("model", *keys.values(), "images", "other answer than the first")
    shown = [
        (
            row["model"],
            *(_figure(row["metrics"], key, intervals) for key in keys),
            str(row["metrics"]["n"]),
            f"{row['differs_on']} images",
        )
        for row in rows
    ]
    width = len(columns) if len(rows) > 1 else len(columns) - 1
    title = f"{what} on {data} (held-out), measured" + (", with 95 % intervals" if intervals and keys else "")
    print_table(columns[:width], [row[:width] for row in shown], title=title, numeric=columns[1:])
    for note in dict.fromkeys(note for row in rows for note in row["notes"]):
        print_line(f"note: {note}")


_TITLES = {
    "top1": "top-1",
    "top5": "top-5",
    "pixel_accuracy": "pixel accuracy",
    "mean_iou": "mean IoU",
    "dice": "mean Dice",
}


def _figure(figures: Mapping[str, Any], key: str, intervals: bool) -> str:
    return f"{figures[key]:.2%}" + (f" ({_range(figures[f'{key}_interval'])})" if intervals else "")


def _range(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.2%} to {interval[1]:.2%}"


def print_comparisons(pairs: Sequence[Mapping[str, Any]]) -> None:
    """Print how often two models agree, and whether they differ by more than chance."""
    for pair in pairs:
        print_line("")
        print_table(("", ""), _lines(pair), title=f"{pair['other']} against {pair['first']}, measured")


def _lines(pair: Mapping[str, Any]) -> list[tuple[str, str]]:
    seen = pair.get("difference")
    lines = [
        ("images", str(pair["n"])),
        ("other answer", f"{pair['differs_on']} images"),
        ("agreement", _agreement(pair)),
    ]
    if seen is None:
        return lines
    if "only_first_right" in seen:
        lines += [
            ("only the first right", f"{seen['only_first_right']} images"),
            ("only the other right", f"{seen['only_other_right']} images"),
        ]
    low, high = seen["interval"]
    lines.append((f"{_DIFFERS[seen['figure']]}", f"{seen['value']:+.2%} ({low:+.2%} to {high:+.2%})"))
    lines.append((seen["test"], f"p = {seen['p_value']:.3g}"))
    return lines


def _agreement(pair: Mapping[str, Any]) -> str:
    if pair["agreement"] is None:
        return "none of maps of different sizes"
    return f"{pair['agreement']:.2%} ({_range(pair['agreement_interval'])})"


_DIFFERS = {"top1": "top-1, other less first", "picture_dice": "Dice of a picture, other less first"}


def comparison_json(first: str, other: str, comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain JSON data, with the names of the two models."""
    return {"first": first, "other": other, **comparison.to_json()}


def print_per_class(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the figures of each class, model by model."""
    for row in rows:
        keys = [key for key in _CLASS_TITLES if key in row["per_class"][0]]
        columns = [_CLASS_TITLES[key] for key in keys]
        table = [[_cell(each, key) for key in keys] for each in row["per_class"]]
        print_line("")
        title = f"classes of {row['model']}, measured, with 95 % intervals"
        print_table(columns, table, title=title, numeric=columns[1:])


_CLASS_TITLES = {
    "class": "class",
    "n": "images",
    "pixels": "pixels",
    "named": "named so",
    "recall": "recall",
    "precision": "precision",
    "iou": "IoU",
    "dice": "Dice",
}


def _cell(row: Mapping[str, Any], key: str) -> str:
    value = row[key]
    if isinstance(value, (int, str)):
        return str(value)
    return "none" if value is None else f"{value:.2%} ({_range(row[f'{key}_interval'])})"


def print_confusion(scored: Scored) -> None:
    """Print which class was named for which, as a matrix, or of many classes the most frequent mistakes."""
    for name, measured in scored:
        if isinstance(measured, Answers):
            continue
        print_line("")
        unit = "pixels" if isinstance(measured, Segmentation) else "images"
        if len(measured.class_names) <= _MATRIX:
            _print_matrix(f"confusion of {name} ({unit}, a row for each true class), measured", measured)
        else:
            _print_pairs(f"most frequent mistakes of {name} ({unit}), measured", measured)


def _print_matrix(title: str, measured: Metrics | Segmentation) -> None:
    names = measured.class_names
    counts = np.zeros((len(names), len(names)), np.int64)
    for truth, named, count in measured.confusion():
        counts[truth, named] = count
    rows = [[names[index], *map(str, counts[index])] for index in np.flatnonzero(counts.sum(1))]
    print_table(("true class", *names), rows, title=title, numeric=names)


def _print_pairs(title: str, measured: Metrics | Segmentation) -> None:
    mistakes = [each for each in measured.confusion() if each[0] != each[1]]
    mistakes.sort(key=lambda each: -each[2])
    names = measured.class_names
    rows = [(names[truth], names[named], str(count)) for truth, named, count in mistakes[:_PAIRS]]
    print_table(("true class", "named", "times"), rows, title=title, numeric=("times",))


def pictures_csv(scored: Scored) -> bytes:
    """Return a line for each model and picture, by the picture's position in the held-out split."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("model", "picture", *_CSV_COLUMNS[type(scored[0][1])]))
    for name, measured in scored:
        writer.writerows((name, index, *cells) for index, cells in enumerate(_csv_cells(measured)))
    return text.getvalue().encode()


_CSV_COLUMNS: Mapping[type, tuple[str, ...]] = {
    Metrics: ("class", "named", "rank"),
    Segmentation: ("dice",),
    Answers: ("named",),
}


def _csv_cells(measured: Measured) -> list[tuple[Any, ...]]:
    if isinstance(measured, Segmentation):
        return [("" if np.isnan(dice) else dice,) for dice in measured.picture_dice.tolist()]
    names = measured.class_names
    if measured.predicted is None:
        return [("",)] * measured.n
    named = [names[index] for index in measured.predicted.tolist()]
    if isinstance(measured, Answers):
        return [(each,) for each in named]
    truth = [names[index] for index in measured.labels.tolist()]
    return list(zip(truth, named, (measured.rank + 1).tolist(), strict=True))
