"""The ladder: recipes from the cheapest to the dearest, climbed until one keeps enough of the accuracy.

    drop = 100 (a_float - a_rung)  in points        the first rung with drop <= max_drop is taken

Every rung costs more than the one before it: more calibration, a pass over the pictures for each layer, at
last layers that stay in float and run slower on the board. What is compared is the caller's: `evaluate`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from edgecnn.calls import Call, parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.quantize.context import Context
from edgecnn.quantize.recipe import check_recipe, compress

_INT8 = (
    "int8",
    "int8(observer=minmax)",
    "int8(observer=percentile)",
    "equalize | int8",
    "int8 | correct_bias",
    "int8(observer=minmax) | correct_bias",
    "equalize | int8 | correct_bias",
)
_MIXED = tuple(f"int8 | mixed(float_layers={layers}) | correct_bias" for layers in (1, 2, 4, 0.25))


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a graph keeps of its float network, measured.

    Attributes:
        what: is compared: `top-1`, or `agreement` with the float network's own answers.
        value: of the graph, 0 to 1.
        drop_points: what it lost, in points of a hundred.
        low_points: of the 95 % confidence interval of the drop.
        high_points: of the same.
        n: pictures (or pixels) compared.
    """

    what: str
    value: float
    drop_points: float
    low_points: float
    high_points: float
    n: int

    def __str__(self) -> str:
        return (
            f"{self.what} {100 * self.value:.2f} %, {self.drop_points:.2f} points lost"
            f" ({self.low_points:.2f} to {self.high_points:.2f}, {self.n} pictures)"
        )


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A recipe that was tried, and what it keeps."""

    recipe: tuple[Call, ...]
    score: Score

    @property
    def text(self) -> str:
        """Return the recipe as it is typed."""
        return " | ".join(map(str, self.recipe))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data, marked as measured."""
        return {"recipe": self.text, "kind": "measured", **vars(self.score)}


def rungs(*, mixed: bool = True) -> tuple[tuple[Call, ...], ...]:
    """Return the recipes of the ladder; `mixed` are those that leave layers in float."""
    return tuple(parse_recipe(text) for text in (*_INT8, *(_MIXED if mixed else ())))


def climb(
    model: ir.Model,
    recipes: Sequence[Sequence[Call]],
    evaluate: Callable[[ir.Model], Score],
    max_drop: float,
    *,
    context: Context,
    on_rung: Callable[[Rung], None] = lambda _rung: None,
) -> list[Rung]:
    """Try recipes in order until one keeps enough; return what was tried, the last of which is the one.

    Args:
        model: the float graph.
        recipes: from the cheapest to the dearest.
        evaluate: compares a graph with the float network.
        max_drop: how many points may be lost.
        context: what the passes use.
        on_rung: called with each that was tried.

    Raises:
        EdgeCnnError: none keeps enough; names the best. Or a pass cannot take the graph.
    """
    if not 0 <= max_drop <= 100:
        raise EdgeCnnError(f"the greatest drop is {max_drop:g} points; give a number from 0 to 100")
    for recipe in recipes:
        check_recipe(recipe, context)
    tried: list[Rung] = []
    for recipe in recipes:
        steps = compress(model, recipe, context=context)
        tried.append(Rung(recipe=tuple(recipe), score=evaluate(steps[-1].after)))
        on_rung(tried[-1])
        if tried[-1].score.drop_points <= max_drop:
            return tried
    best = min(tried, key=lambda rung: rung.score.drop_points)
    raise EdgeCnnError(
        f"none of {len(tried)} recipes loses at most {max_drop:g} points; the best is {best.text!r}:"
        f" {best.score}; allow --max-drop {best.score.drop_points:.3g}, or export in float"
    )
