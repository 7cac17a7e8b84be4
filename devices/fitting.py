"""Fitting a device: from measured micro-networks to what each term of an operator costs there.

    least over s >= 0 of: sum over networks of w (sum over terms of s_term x_term / t - 1)^2

so that a small network counts as much as a large one; w is lowered for networks that fit badly (Huber's
weights). Tile sizes are tried one after another and chosen by the error of networks that were left out.
Source of the weights: Huber, Robust Statistics, 1981.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgecnn.devices.cost_models import COST_MODELS, LITERT, CostModel
from edgecnn.devices.least_squares import non_negative
from edgecnn.devices.terms import WEIGHTS
from edgecnn.errors import EdgeCnnError

_FOLDS, _WEIGHTINGS, _FEWEST_STACKS = 5, 4, 5
_FEWEST_OF_A_TERM = 3  # networks that have it; from fewer nothing follows
_TUNING, _EXACT = 1.5, 0.01  # of Huber's weights: times the median error, and the least that counts
_WORST = 0.5  # an error beyond it says no more about tiles


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A micro-network that was measured: its graph as `CostModel.read` gives it, seconds, whether a stack."""

    name: str
    graph: Any
    latency_s: float
    stack: bool


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What came out: tiles, seconds and ranges by term, and the errors of stacks that were left out."""

    tiles: Any
    seconds: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    errors: tuple[float, ...]


def fit(timed: Sequence[Timed], runs: str = LITERT) -> Fitted:
    """Fit tiles and coefficients of a runtime; raise `EdgeCnnError` where there are too few networks."""
    stacks = [place for place, each in enumerate(timed) if each.stack]
    if len(stacks) < _FEWEST_STACKS:
        raise EdgeCnnError(
            f"{len(stacks)} stacks were measured, and {_FEWEST_STACKS} are needed to judge a fit"
        )
    model, latency_s = COST_MODELS[runs], np.array([each.latency_s for each in timed])
    tiles = _best_tiles(model, timed, latency_s)
    names, matrix = _terms(model, timed, tiles)
    seconds = _solve(matrix, latency_s)
    errors = _left_out(matrix, latency_s, stacks)
    return Fitted(
        tiles=tiles,
        seconds=dict(zip(names, map(float, seconds), strict=True)),
        ranges=_ranges(model, timed, tiles, names),
        errors=tuple(map(float, errors)),
    )


def _best_tiles(model: CostModel, timed: Sequence[Timed], latency_s: np.ndarray) -> Any:
    everyone = range(len(timed))

    def error(tiles: Any) -> float:
        left_out = np.abs(_left_out(_terms(model, timed, tiles)[1], latency_s, everyone))
        return float(np.minimum(left_out, _WORST).mean())

    found = {tiles: error(tiles) for tiles in model.starts}
    best, before = min(found, key=found.__getitem__), None
    while best != before:
        before = best
        for name, choices in model.choices.items():
            tried = [replace(best, **{name: choice}) for choice in choices]
            found |= {tiles: error(tiles) for tiles in tried if tiles not in found}
            best = min((best, *tried), key=found.__getitem__)
    return best


def _terms(model: CostModel, timed: Sequence[Timed], tiles: Any) -> tuple[list[str], np.ndarray]:
    """Return the names of all terms and the matrix (networks, terms) of their sums."""
    sums: list[dict[str, float]] = []
    for each in timed:
        total = dict(model.inference(each.graph))
        for layer in model.layers(each.graph, tiles):
            for term, value in layer.terms.items():
                total[term] = total.get(term, 0.0) + value
        sums.append(total)
    counts = Counter(term for total in sums for term in total)
    names = sorted(term for term, count in counts.items() if count >= _FEWEST_OF_A_TERM)
    return names, np.array([[total.get(name, 0.0) for name in names] for total in sums])


def _solve(matrix: np.ndarray, latency_s: np.ndarray) -> np.ndarray:
    relative, weights = matrix / latency_s[:, None], np.ones(len(latency_s))
    for _ in range(_WEIGHTINGS):
        seconds = non_negative(relative * weights[:, None], weights)
        errors = np.abs(relative @ seconds - 1)
        usual = max(float(np.median(errors)), _EXACT)
        weights = np.sqrt(np.minimum(1.0, _TUNING * usual / np.maximum(errors, 1e-12)))
    return seconds


def _left_out(matrix: np.ndarray, latency_s: np.ndarray, judged: Sequence[int]) -> np.ndarray:
    """Return the relative errors of these networks, each predicted by a fit without it."""
    errors = []
    for fold in range(min(_FOLDS, len(judged))):
        out = list(judged[fold::_FOLDS])
        rest = np.setdiff1d(np.arange(len(latency_s)), out)
        errors.append(matrix[out] @ _solve(matrix[rest], latency_s[rest]) / latency_s[out] - 1)
    return np.concatenate(errors)


def _ranges(
    model: CostModel, timed: Sequence[Timed], tiles: Any, names: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Return the least and greatest of each fitted term of a layer, and of the weights of a network."""
    held = [float(model.weight_bytes(each.graph)) for each in timed]
    found = {WEIGHTS: (0.0, max(held))}
    for each in timed:
        for layer in model.layers(each.graph, tiles):
            for term in layer.terms.keys() & names:
                low, high = found.get(term, (layer.terms[term],) * 2)
                found[term] = (min(low, layer.terms[term]), max(high, layer.terms[term]))
    return found
