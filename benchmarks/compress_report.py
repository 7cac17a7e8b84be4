"""The section of README.md about recipes that train."""

from collections.abc import Mapping
from typing import Any

from edgecnn import units

_COLUMNS = ("after", "top-1", "same answer", "mult-adds", "parameters", "file", "latency")


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of a result of `compress.py`."""
    host, first = result["machine"], result["recipes"][0]["steps"][0]
    lines = [
        "## Recipes that train (`compress.py`)",
        "",
        f"`{result['network']}` of Fashion-MNIST. Measured on {result['date']} on {host['cpu']},"
        f" {host['cores']} cores, {host['system']}, torch {result['versions']['torch']}, trained on"
        f" {result['on']}; load average before {host['load_before']:.1f}, after {host['load_after']:.1f}."
        " Top-1 and answers, beside those of the network as it was, on the 10,000 test images; latency of one"
        f" image in {first['runtime']}. The training images teach without their labels.",
        "",
    ]
    for recipe in result["recipes"]:
        lines += [
            f"`{recipe['recipe']}`, {units.clock(recipe['wall_s'])} with all measuring:",
            "",
            _line(_COLUMNS),
            _line(["---", *["---:"] * (len(_COLUMNS) - 1)]),
            *(_line(_cells(step)) for step in recipe["steps"]),
            "",
        ]
    return "\n".join(lines)


def _cells(step: Mapping[str, Any]) -> list[str]:
    return [
        f"`{step['pass']}`" if step["pass"] else "(as it was)",
        f"{step['top1']:.2%}",
        "" if step["agreement"] is None else f"{step['agreement']:.2%}",
        units.count(step["mult_adds"]),
        units.count(step["parameters"]),
        units.size(step["bytes"]),
        units.duration(step["latency_s"]),
    ]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
