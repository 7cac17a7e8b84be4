"""The int8 ladder of `edgecnn export --max-drop`: which recipe keeps enough, on which pictures."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Call
from edgecnn.data import Dataset, load
from edgecnn.evaluate import Measured, Metrics, compare, evaluate_dataset
from edgecnn.pipeline.network import Network
from edgecnn.pipeline.quantization import Order
from edgecnn.quantize import Context
from edgecnn.quantize.ladder import Rung, Score, climb, rungs
from edgecnn.runtime.onnx_runner import OnnxRunner

_EQUALIZE = "equalize"
_UNDER_CLIPS = "equalize_clipped"
_FIGURES = {"top1": "top-1", "picture_dice": "Dice"}


def choose(
    network: Network, ordered: Order, context: Context, on_stage: Callable[[str], None]
) -> tuple[Order, list[Rung]]:
    """Return the order with the cheapest recipe that keeps enough, and all that were tried, that one last.

    Raises `EdgeCnnError` where none does, or where pictures and network do not fit.
    """
    if ordered.asked.max_drop is None:
        return ordered, []
    data = ordered.asked.data or ordered.data
    assert data is not None
    dataset = load(data, "held-out")
    on_stage(f"measure the float network on {dataset}")
    tried = climb(
        network.graph,
        recipes(network.graph, ordered.calls, mixed="fp32" in ordered.device.precisions),
        _evaluator(network, dataset),
        ordered.asked.max_drop,
        context=context,
        on_rung=lambda rung: on_stage(f"{rung.text}: {rung.score}"),
    )
    return replace(ordered, calls=tried[-1].recipe), tried


def recipes(model: ir.Model, calls: Sequence[Call], *, mixed: bool) -> list[tuple[Call, ...]]:
    """Return the rungs, with what is before and after `int8` in the recipe, and its settings.

    Where there are clips, equalization is the one that keeps below their bounds.
    """
    place = next(index for index, call in enumerate(calls) if call.name == "int8")
    given = calls[place].arguments
    clips = any(node.op_type == "Clip" for node in model.graph)

    def adapted(call: Call) -> Call:
        if call.name == _EQUALIZE and clips:
            return Call(_UNDER_CLIPS, call.arguments)
        return Call(call.name, {**given, **call.arguments}) if call.name == "int8" else call

    return [(*calls[:place], *map(adapted, rung), *calls[place + 1 :]) for rung in rungs(mixed=mixed)]


def _evaluator(network: Network, dataset: Dataset) -> Callable[[ir.Model], Score]:
    def measured(graph: ir.Model) -> Measured:
        runner = OnnxRunner(graph, integers=False)  # else float layers between pairs would be rounded
        return evaluate_dataset(runner, dataset, network.preprocessing, labels=network.labels)

    reference = measured(network.graph)
    return lambda graph: score(reference, measured(graph))


def score(reference: Measured, found: Measured) -> Score:
    """Return what a graph keeps of what is right, or where nobody says, of the float network's answers."""
    compared = compare(reference, found)
    gained = compared.difference
    if gained is None:
        assert compared.agreement is not None
        assert compared.agreement_interval is not None
        low, high = compared.agreement_interval
        share, what = compared.agreement, "agreement"
        drop, interval = 1 - share, (1 - high, 1 - low)
    else:
        share = found.top1 if isinstance(found, Metrics) else _dice(found)
        what = _FIGURES[gained.figure]
        drop, interval = 0.0 - gained.value, (-gained.interval[1], -gained.interval[0])  # no -0.0
    return Score(
        what=what,
        value=share,
        drop_points=100 * drop,
        low_points=100 * interval[0],
        high_points=100 * interval[1],
        n=compared.n,
    )


def _dice(found: Any) -> float:
    return float(np.nanmean(found.picture_dice))
