"""The section of README.md about the U-Net on shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgecnn import units

_COLUMNS = ("as", "Dice", "IoU", "pixels right", "expected")


def section(result: Mapping[str, Any]) -> str:
    """Return the Markdown of a result of `unet_shapes.py`."""
    host, last = result["machine"], result["history"][-1]
    return "\n".join([
        "## A U-Net on shapes (`unet_shapes.py`)",
        "",
        f"`{result['spec']}`, {last['epochs']} epochs on 400 drawn pictures in"
        f" {units.clock(last['elapsed_s'])}, exported for a Pi 4; measured on {result['date']} on the 200"
        f" held-out pictures, on {host['cpu']}, {host['cores']} cores shared with other work. Dice and IoU"
        " are means over the four classes.",
        "",
        _line(_COLUMNS),
        _line(["---", *["---:"] * (len(_COLUMNS) - 1)]),
        *(_line(_cells(name, found, result)) for name, found in result["metrics"].items()),
        "",
        f"Loss by epoch: {' '.join(format(epoch['loss'], '.3f') for epoch in result['history'])}",
        "",
    ])  # fmt: skip


def _cells(name: str, found: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    expected = result["expected_dice"]
    word = "holds" if found["dice"] >= expected else "does not hold"
    figures = [f"{found[key]:.4f}" for key in ("dice", "mean_iou", "pixel_accuracy")]
    return [name, *figures, f"at least {expected}: {word}"]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
