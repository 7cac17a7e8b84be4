"""The section of README.md about Fashion-MNIST."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgecnn import units

_COLUMNS = (
    "network",
    "epochs",
    "right of 10,000",
    "top-1",
    "expected",
    "training time",
    "images/s",
)


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of a result of `fashion_mnist.py`."""
    host = result["machine"]
    networks = result["networks"]
    return "\n".join([
        "## Training on Fashion-MNIST (`fashion_mnist.py`)",
        "",
        f"Measured on {result['date']} on {host['cpu']}, {host['cores']} cores shared with other work,"
        f" {host['system']}, Python {host['python']}, torch {networks[0]['versions']['torch']}; top-1 on the"
        " 10,000 test images, times and rates as the training saw them.",
        "",
        _line(_COLUMNS),
        _line(["---", *["---:"] * (len(_COLUMNS) - 1)]),
        *(_line(_cells(row)) for row in networks),
        "",
        "Loss and accuracy on the training images, by epoch:",
        "",
        *(line for row in networks for line in _curve(row)),
    ])  # fmt: skip


def _cells(row: Mapping[str, Any]) -> list[str]:
    metrics, last = row["metrics"], row["history"][-1]
    top1, expected = metrics["top1"], row["expected_top1"]
    word = "holds" if top1 >= expected else "does not hold"
    n = len(row["history"])
    return [
        f"`{row['spec']}`",
        str(n),
        str(round(top1 * metrics["n"])),
        f"{top1:.2%}",
        f"at least {expected:.0%}: {word}",
        units.clock(last["elapsed_s"]),
        f"{sum(epoch['images_per_s'] for epoch in row['history']) / n:.0f}",
    ]


def _curve(row: Mapping[str, Any]) -> list[str]:
    def numbers(key: str, form: str) -> str:
        return " ".join(format(epoch[key], form) for epoch in row["history"])

    return [
        f"- {row['name']}, loss: {numbers('loss', '.3f')}",
        f"- {row['name']}, right: {numbers('accuracy', '.1%')}",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
