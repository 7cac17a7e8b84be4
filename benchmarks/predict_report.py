"""The section of README.md about `predict.py`."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from report import line

from edgecnn import units

WITHIN, SHARE, MEDIAN = 0.15, 0.9, 0.05
METHODS = {
    "fitted_s": "fitted on micro-networks",
    "mult_adds_only_s": "mult-adds only",
    "roofline_s": "roofline",
}
HALVES = ("development", "untouched")
PRECISIONS = {"fp32": "float32", "int8": "int8"}


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of one result of `predict.py`."""
    return "\n".join(
        [
            *_head(result),
            *_summary(result["rows"]),
            "",
            *_verdicts(result["rows"]),
            *_table(result["rows"]),
            "",
        ]
    )


def _head(result: Mapping[str, Any]) -> list[str]:
    host, fits, took = result["machine"], result["fits"], result["reference_s"]
    micro = " and ".join(f"{fits[each]['networks']} in {said}" for each, said in PRECISIONS.items())
    left_out = " and ".join(
        f"{fits[each]['median_error']:.1%} in {said}" for each, said in PRECISIONS.items()
    )
    rates = " and ".join(
        f"{units.count(facts['roofline']['peak'])} mult-adds/s and"
        f" {units.count(facts['roofline']['bandwidth'])} bytes/s in {PRECISIONS[each]}"
        for each, facts in result["compared_with"].items()
    )
    return [
        "## Latency predicted, beside measured (`predict.py`)",
        "",
        f"On {result['date']} on {host['cpu']}, {host['cores']} cores, {host['system']}, LiteRT"
        f" {result['versions'].get('ai-edge-litert', '')}, one thread. `edgecnn device fit` was made on"
        f" micro-networks alone ({micro}; median error of stacks that were left out: {left_out}). It predicts"
        " every network of the zoo, which it never saw. All were timed in turns, each beside a reference"
        f" network, in {result['settings']['passes']} passes, on a machine with other work, too: the"
        f" reference took {units.duration(took['10%'])} to {units.duration(took['90%'])} (8 of 10 times).",
        "",
        "Of the zoo's networks in alphabetical order, every other one, from the first on, was looked at"
        " while the model was being made (*development*); the rest was only predicted when it was done"
        " (*untouched*; before the split, an earlier and coarser model had been tried on all of them, and the"
        " last change, wide late layers, was found on the development half after an earlier result of both"
        " had been published). Those of over 25 G mult-adds are taken at their smallest resolution. Compared"
        " with: a fixed time and one for each mult-add, fitted on the same micro-networks; and a roofline"
        f" with the highest rates that any of them reached ({rates}).",
        "",
    ]


def errors(rows: Sequence[Mapping[str, Any]], method: str) -> list[float]:
    """Return predicted / measured - 1 of each row."""
    return [row[method] / row["measured_s"] - 1 for row in rows]


def within(found: Sequence[float]) -> float:
    """Return the share of errors that are small enough."""
    return sum(abs(error) <= WITHIN for error in found) / len(found)


def in_band(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the share of networks whose measured latency lies in the predicted band."""
    return sum(row["band_s"][0] <= row["measured_s"] <= row["band_s"][1] for row in rows) / len(rows)


def _median(found: Sequence[float]) -> float:
    return statistics.median(map(abs, found))


def _chosen(rows: Sequence[Mapping[str, Any]], precision: str, half: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if (row["precision"], row["half"]) == (precision, half)]


def _summary(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    heads = ("precision", "half", "networks", "predicted by", "within 15 %", "median error", "in its band")
    lines = [line(heads), "|---|---|---:|---|---:|---:|---:|"]
    for precision, said in PRECISIONS.items():
        for half in HALVES:
            chosen = _chosen(rows, precision, half)
            for method, name in METHODS.items():
                found = errors(chosen, method)
                band = f"{in_band(chosen):.0%}" if method == "fitted_s" else "-"
                cells = (
                    said,
                    half,
                    str(len(chosen)),
                    name,
                    f"{within(found):.0%}",
                    f"{_median(found):.1%}",
                    band,
                )
                lines.append(line(cells))
    return lines


def _verdicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what was aimed at, and what the untouched half shows."""
    lines = ["Aimed at, and what the untouched half shows:", ""]
    for precision, said in PRECISIONS.items():
        chosen = _chosen(rows, precision, "untouched")
        found = errors(chosen, "fitted_s")
        verdicts = (
            (f"9 of 10 networks within 15 %: {within(found):.0%}", within(found) >= SHARE),
            (f"median error at most 5 %: {_median(found):.1%}", _median(found) <= MEDIAN),
            (f"9 of 10 in the band that is shown: {in_band(chosen):.0%}", in_band(chosen) >= SHARE),
        )
        told = "; ".join(f"{what} ({'holds' if holds else 'does not hold'})" for what, holds in verdicts)
        inside = [row for row in chosen if not row["outside"]]
        if inside:
            share = f"{in_band(inside):.0%} of the {len(inside)}"
            told += f"; of those that lie inside what was fitted, {share} are in it"
        lines.append(f"- {said}: {told}")
    return [*lines, ""]


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    heads = ("network", "half", *(f"{said}, {what}" for said in PRECISIONS.values() for what in _SHOWN))
    lines = [line(heads), "|---|---|" + "---:|" * (len(heads) - 2)]
    for name in dict.fromkeys(row["name"] for row in rows):
        own = {row["precision"]: row for row in rows if row["name"] == name}
        cells = [name, own["fp32"]["half"]]
        for precision in PRECISIONS:
            row = own[precision]
            (error,) = errors([row], "fitted_s")
            outside = " *" if row["outside"] else ""
            times = (units.duration(row[key]) for key in ("measured_s", "fitted_s"))
            cells += [*times, f"{error:+.0%}{outside}"]
        lines.append(line(cells))
    return [*lines, "", "\\* outside what was fitted, as `edgecnn profile` says, too."]


_SHOWN = ("measured", "predicted", "error")
