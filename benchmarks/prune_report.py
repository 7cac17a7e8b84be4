"""The section of README.md on `prune.py`, from its JSON result."""

from collections.abc import Mapping
from typing import Any

from report import line

from edgecnn import units

Row = Mapping[str, Any]
_OWN, _PEER = "edgecnn", "Torch-Pruning"
_TRAINED = (
    "kept",
    "tool",
    "top-1, cut",
    "top-1, distilled",
    "lost",
    "mult-adds",
    "parameters",
    "latency",
    "pruning",
)


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of one result of `prune.py`, of the parts that it has."""
    lines = ["## Fewer channels (`prune.py`)", ""]
    if "reach" in result:
        lines += _reach(result["reach"])
    for table in result.get("trained", {}).values():
        lines += _trained(table)
    if "foreign" in result:
        lines += _foreign(result["foreign"])
    return "\n".join(lines)


def _host(part: Row) -> str:
    host, versions = part["machine"], part["versions"]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Measured on {part['date']} on {host['cpu']}, {host['cores']} cores, {host['system']}; load average"
        f" before {host['load_before']:.1f}, after {host['load_after']:.1f}; the peer's environment: {named}."
    )


def _reach(part: Row) -> list[str]:
    rows = part["found"]
    able = {who: sum("failed" not in row[who] for row in rows) for who in ("edgecnn", "peer")}
    return [
        "### Which networks can be halved",
        "",
        f"{_host(part)} Narrow and small, random weights: what is left runs, with at most half of its"
        f" mult-adds. Of {len(rows)} networks, edgecnn {able['edgecnn']}, {_PEER} {able['peer']}. What"
        " edgecnn leaves at 75, 50 and 25 % passes ONNX's checker, runs in ONNX Runtime and as `.tflite` with"
        " the same outputs, and trains on, or it counts as failed. These are not reached by both:",
        "",
        line(["network", _OWN, _PEER]),
        line(["---", "---", "---"]),
        *(line(_reached(row)) for row in rows if any("failed" in row[who] for who in able)),
        "",
    ]


def _reached(row: Row) -> list[str]:
    return [f"`{row['network']}`", *(_kept(row[who]) for who in ("edgecnn", "peer"))]


def _kept(row: Row) -> str:
    return _escaped(row["failed"]) if "failed" in row else f"{row['kept']:.1%} kept"


def _trained(part: Row) -> list[str]:
    found = part["found"]
    return [
        f"### {found['name']}",
        "",
        f"{_host(part)} `{found['spec']}`, whole: top-1 {found['top1']:.2%} on {found['test_pictures']}"
        f" held-out pictures, {units.count(found['mult_adds'])} mult-adds, {units.count(found['parameters'])}"
        f" parameters, {units.duration(found['latency_s'])}. Both are distilled by edgecnn for"
        f" {found['epochs']} epochs on the same {found['training_pictures']} pictures without labels, on"
        f" {part['on']}; latency of one picture in ONNX Runtime, in turns.",
        "",
        line(_TRAINED),
        line(["---:", "---", *["---:"] * (len(_TRAINED) - 2)]),
        *(line(_cells(row, found)) for row in found["rows"]),
        "",
        *_expected(found),
        "",
    ]


def _cells(row: Row, whole: Row) -> list[str]:
    first = [f"{row['fraction']:.0%}", row["tool"]]
    if "failed" in row:
        return [*first, "failed: " + _escaped(row["failed"]), *["-"] * (len(_TRAINED) - 3)]
    return [
        *first,
        f"{row['cut_top1']:.2%}",
        f"{row['top1']:.2%}",
        f"{100 * (whole['top1'] - row['top1']):.2f}",
        units.count(row["mult_adds"]),
        units.count(row["parameters"]),
        units.duration(row["latency_s"]),
        units.duration(row["prune_s"]),
    ]


def _expected(found: Row) -> list[str]:
    """Say at each fraction whether edgecnn is at least as right as the best of the peer's."""
    lines = []
    for fraction in dict.fromkeys(row["fraction"] for row in found["rows"]):
        rows = [row for row in found["rows"] if row["fraction"] == fraction and "failed" not in row]
        own = next((row["top1"] for row in rows if row["tool"] == _OWN), None)
        peers = [row["top1"] for row in rows if row["tool"] != _OWN]
        if own is not None and peers:
            word = "holds" if own >= max(peers) else "does not hold"
            lines.append(f"- {fraction:.0%}: {own:.2%}, at least {_PEER}'s best, {max(peers):.2%}: {word}")
    return lines


def _foreign(part: Row) -> list[str]:
    columns = ("file", "mult-adds", "left", "int8 .tflite", "recipe")
    return [
        "### Files of other libraries",
        "",
        f"{_host(part)} Random weights and pictures, `torch.onnx.export`, through"
        " `prune(mult_adds=0.5) | distill(epochs=1) | int8`:",
        "",
        line(columns),
        line(["---", *["---:"] * (len(columns) - 1)]),
        *(line(_through(row)) for row in part["found"]),
        "",
    ]


def _through(row: Row) -> list[str]:
    name = f"{row['library']} `{row['network']}`"
    if "failed" in row:
        return [name, "failed: " + _escaped(row["failed"]), "-", "-", "-"]
    return [
        name,
        units.count(row["whole"]),
        f"{row['kept']:.1%}",
        units.size(row["bytes"]),
        units.duration(row["wall_s"]),
    ]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
