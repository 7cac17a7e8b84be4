"""The ladder: recipes from the cheapest to the dearest, climbed until one keeps enough of the accuracy.

    drop = 100 (a_float - a_rung)  in points        the first rung with drop <= max_drop is taken

Every rung costs more than the one before it: more calibration, a pass over the pictures for each layer, then
layers that stay in float and run slower on the board, at last the whole network in float16. What is compared
is the caller's: `evaluate`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from edgecnn.calls import Call, parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.precision import precision_of, rest_of
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
_HALF = "fp16"


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
        runtime: in which the graph, or what was compiled of it, gave its answers.
    """

    what: str
    value: float
    drop_points: float
    low_points: float
    high_points: float
    n: int
    runtime: str = "ONNX Runtime"

    def __str__(self) -> str:
        return (
            f"{self.what} {100 * self.value:.2f} %, {self.drop_points:.2f} points lost"
            f" ({self.low_points:.2f} to {self.high_points:.2f}, {self.n} pictures)"
        )


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A recipe that was tried, what its graph computes in (such as `int8 and fp16`), and what it keeps."""

    recipe: tuple[Call, ...]
    precision: str
    score: Score

    @property
    def text(self) -> str:
        """Return the recipe as it is typed."""
        return " | ".join(map(str, self.recipe))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data, marked as measured."""
        return {"recipe": self.text, "precision": self.precision, "kind": "measured", **vars(self.score)}

    def __str__(self) -> str:
        return f"{self.text}: {self.precision}, {self.score}"


def rungs(
    *, mixed: bool = True, half_layers: bool = False, half: bool = False
) -> tuple[tuple[Call, ...], ...]:
    """Return the recipes of the ladder.

    Args:
        mixed: with those that leave layers in float.
        half_layers: whether these layers are float16, not float32.
        half: with the last one, which has nothing in int8 and all in float16.
    """
    layers = [f"{text} | {_HALF}" if half_layers else text for text in _MIXED if mixed]
    return tuple(parse_recipe(text) for text in (*_INT8, *layers, *([_HALF] if half else [])))


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
        graph = steps[-1].after
        tried.append(Rung(recipe=tuple(recipe), precision=_precision(recipe, graph), score=evaluate(graph)))
        on_rung(tried[-1])
        if tried[-1].score.drop_points <= max_drop:
            return tried
    best = min(tried, key=lambda rung: rung.score.drop_points)
    raise EdgeCnnError(
        f"none of {len(tried)} recipes loses at most {max_drop:g} points; the best is {best.text!r}:"
        f" {best.score}; allow --max-drop {best.score.drop_points:.3g}, or export in float"
    )


def _precision(recipe: Sequence[Call], graph: ir.Model) -> str:
    """Return what a graph computes in, and where layers were left out of int8, what these do."""
    found = precision_of(graph)
    left = found == "int8" and any(call.name == "mixed" for call in recipe)
    return f"{found} and {rest_of(graph)}" if left else found
