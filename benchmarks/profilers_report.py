"""The section of README.md on `profilers.py`, from its JSON result."""

from collections.abc import Mapping
from typing import Any

from report import line, ratio

from edgecnn import units

_OWN, _TIMED_AGAINST = "edgecnn", "fvcore"
_MOST_TIMES_SLOWER, _MANY_NODES = 1.6, 1000

Result = Mapping[str, Any]


def section(result: Result) -> str:
    """Return the Markdown of one result of `profilers.py`."""
    host, settings = result["machine"], result["settings"]
    lines = [
        "## Mult-adds (`profilers.py`)",
        "",
        "Error of each counter against the papers' formula, which hooks add up over the module's layers.",
        "1 mult-add = 1 multiplication + 1 addition, of convolutions and fully connected layers, biases",
        "free, transposed convolutions by input pixel.",
        "",
        *_errors(result),
        "",
        *(_reason(counter) for counter in result["counters"] if counter["adds"]),
        "",
        *_failures(result),
        f"Whole processes, measured on {result['date']} on {host['cpu']}, {host['cores']} cores,"
        f" {units.size(host['memory_bytes'])}, {host['system']}, Python {host['python']}; load average before"
        f" {host['load_before']:.1f}, after {host['load_after']:.1f}. Medians of {settings['runs']}"
        " interleaved runs, imports included.",
        "",
        *_times(result),
        "",
        "Expected of edgecnn, and what this run shows:",
        "",
        *_expectations(result),
        "",
        "Calls and versions:",
        "",
        *(_version(counter) for counter in result["counters"]),
        "",
        _METHOD,
    ]
    return "\n".join(lines)


def _errors(result: Result) -> list[str]:
    names = [counter["name"] for counter in result["counters"]]
    rows = [line(["network", "mult-adds", *names]), line(["---", *["---:"] * (1 + len(names))])]
    for network in result["networks"]:
        cells = [_error(network, name) for name in names]
        rows.append(line([network["name"], f"{network['mult_adds']:,}", *cells]))
    worst = [
        max((abs(relative_error(each, name) or 0) for each in result["networks"]), default=0)
        for name in names
    ]
    exact = [
        sum(each["counts"].get(name) == each["mult_adds"] for each in result["networks"]) for name in names
    ]
    total = len(result["networks"])
    rows.append(line(["**exact on**", "", *(f"**{count} of {total}**" for count in exact)]))
    rows.append(line(["**largest error**", "", *(f"**{_percent(value)}**" for value in worst)]))
    return rows


def relative_error(network: Mapping[str, Any], counter: str) -> float | None:
    """Return how far a counter is off, as a fraction of the mult-adds; None where it failed."""
    count = network["counts"].get(counter)
    return None if count is None else count / network["mult_adds"] - 1


def _error(network: Mapping[str, Any], counter: str) -> str:
    error = relative_error(network, counter)
    return "failed" if error is None else _percent(error)


def _percent(error: float) -> str:
    if error == 0:
        return "0"
    return f"{error:+.4%}" if abs(error) < 1e-4 else f"{error:+.2%}"


def _reason(counter: Mapping[str, Any]) -> str:
    return f"- {counter['name']} counts too: {counter['adds']}."


def _failures(result: Result) -> list[str]:
    found = [
        f"- {counter} on {network['name']}: {why}"
        for network in result["networks"]
        for counter, why in network["failed"].items()
    ]
    return ["Failed:", "", *found, ""] if found else []


def _times(result: Result) -> list[str]:
    names = [counter["name"] for counter in result["counters"]]
    rows = [line(["network", "nodes", *names]), line(["---", *["---:"] * (1 + len(names))])]
    for network in result["times"]:
        by_name = {row["counter"]: row for row in network["rows"]}
        against = by_name.get(_TIMED_AGAINST, {})
        cells = [_time(by_name.get(name, {}), against) for name in names]
        rows.append(line([network["name"], str(network["nodes"]), *cells]))
    return rows


def _time(row: Mapping[str, Any], against: Mapping[str, Any]) -> str:
    if not row.get("wall_s"):
        return "failed"
    times = ratio(row, against, "wall_s")
    shown = units.duration(sorted(row["wall_s"])[len(row["wall_s"]) // 2])
    return shown if times is None or row is against else f"{shown} ({times:.2f})"


def _expectations(result: Result) -> list[str]:
    wrong = [each["name"] for each in result["networks"] if each["counts"].get(_OWN) != each["mult_adds"]]
    lines = [
        f"- error 0 on {len(result['networks'])} networks: {_word(not wrong)} {', '.join(wrong)}".rstrip()
    ]
    for network in result["times"]:
        rows = {row["counter"]: row for row in network["rows"]}
        times = ratio(rows.get(_OWN, {}), rows.get(_TIMED_AGAINST, {}), "wall_s")
        if times is None:
            continue
        many = network["nodes"] > _MANY_NODES
        most = 1.0 if many else _MOST_TIMES_SLOWER
        lines.append(
            f"- {network['name']}: {times:.2f} of fvcore's time (at most {most:g}: {_word(times <= most)})"
        )
    return lines


def _word(holds: bool) -> str:
    return "holds" if holds else "does not hold"


def _version(counter: Mapping[str, Any]) -> str:
    found = ", ".join(f"{name} {version}" for name, version in counter["versions"].items())
    return f"- {counter['name']}: {counter['call']} ({found or 'not installed'})"


_METHOD = """\
How: counters other than edgecnn get the module with its initial weights on the CPU and an image of zeros,
as their READMEs show; edgecnn reads the graph of the module on `meta`, without weights. In brackets: the
ratio to fvcore. Processes take turns, each first in a round as often as the others, after one each that is
not counted.
"""
