"""The int8 ladder of `edgecnn export --max-drop`: which recipe keeps enough, on which pictures."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir

from edgecnn.calls import Call
from edgecnn.data import Dataset, load
from edgecnn.device import DeviceProfile
from edgecnn.evaluate import Measured, Metrics, compare, evaluate_dataset, wilson
from edgecnn.export.compilers import compile_for
from edgecnn.export.tensorrt import reads_half_weights
from edgecnn.pipeline.network import Network
from edgecnn.pipeline.quantization import Order, precision_in
from edgecnn.quantize import Context
from edgecnn.quantize.ladder import Rung, Score, climb, rungs
from edgecnn.runtime import Runner
from edgecnn.runtime.onnx_runner import OnnxRunner

_EQUALIZE = "equalize"
_UNDER_CLIPS = "equalize_clipped"
_FIGURES = {"top1": "top-1", "picture_dice": "Dice"}


def choose(
    network: Network, ordered: Order, context: Context, on_stage: Callable[[str], None]
) -> tuple[Order, list[Rung]]:
    """Return the order with the cheapest recipe that keeps enough, and all that were tried, that one last.

    What answers is what ships: for LiteRT the compiled file. A TensorRT engine cannot be built here, so that
    its graph answers, in ONNX Runtime. Raises `EdgeCnnError` where no recipe does, or where pictures and
    network do not fit.
    """
    if ordered.asked.max_drop is None:
        return ordered, []
    data = ordered.asked.data or ordered.data
    assert data is not None
    dataset = load(data, "held-out")
    on_stage(f"measure the float network on {dataset}")
    measured = _on(network, dataset)
    reference = measured(OnnxRunner(network.graph))
    tried = climb(
        network.graph,
        recipes(network.graph, ordered.calls, ordered.device),
        _evaluator(ordered, reference, measured),
        ordered.asked.max_drop,
        context=context,
        on_rung=lambda rung: on_stage(str(rung)),
    )
    taken = _taken(ordered, tried[-1])
    return replace(taken, notes=(*taken.notes, *doubt(reference, dataset))), tried


def doubt(reference: Measured, dataset: Dataset) -> tuple[str, ...]:
    """Say so where the float network is no better than a guess among the classes: it has nothing to lose."""
    if not isinstance(reference, Metrics):
        return ()
    low, _ = wilson(int(reference.correct.sum()), reference.n)
    if low > 1 / max(len(dataset.class_names), 1):
        return ()
    return (
        f"the float network names the right class on {100 * reference.top1:.2f} % of the pictures, as one"
        " that guesses: what a recipe loses from there proves nothing; give trained weights",
    )


def _taken(ordered: Order, rung: Rung) -> Order:
    """Return the order with the recipe of a rung; where that is not int8 any more, it says so."""
    precision = precision_in(rung.recipe)
    changed = precision != ordered.precision
    plainly = (
        f"asked for {ordered.precision}, got {precision}: no {ordered.precision} recipe keeps enough, so the"
        f" whole network is {precision}"
    )
    notes = (*ordered.notes, *([plainly] if changed else []))
    return replace(ordered, calls=rung.recipe, precision=precision, notes=notes)


def recipes(model: ir.Model, calls: Sequence[Call], device: DeviceProfile) -> list[tuple[Call, ...]]:
    """Return the rungs for a device, with what is before and after `int8` in the recipe, and its settings.

    Where there are clips, equalization is the one that keeps below their bounds. Where the device computes in
    float16, the layers that leave int8 are that, if all its runtimes read such a graph, and the last rung is.
    """
    place = next(index for index, call in enumerate(calls) if call.name == "int8")
    given, behind = calls[place].arguments, calls[place + 1 :]
    clips = any(node.op_type == "Clip" for node in model.graph)
    half = "fp16" in device.precisions
    half_layers = half and reads_half_weights([release.version for release in device.runtimes])

    def adapted(call: Call) -> Call:
        if call.name == _EQUALIZE and clips:
            return Call(_UNDER_CLIPS, call.arguments)
        return Call(call.name, {**given, **call.arguments}) if call.name == "int8" else call

    def joined(rung: Sequence[Call]) -> tuple[Call, ...]:
        once = [call for call in behind if call not in rung]  # --fp16 may have been given, too
        return (*calls[:place], *map(adapted, rung), *once)

    found = rungs(mixed="fp32" in device.precisions, half_layers=half_layers, half=half)
    return [joined(rung) for rung in found]


def _on(network: Network, dataset: Dataset) -> Callable[[Runner], Measured]:
    return lambda runner: evaluate_dataset(runner, dataset, network.preprocessing, labels=network.labels)


def _evaluator(
    ordered: Order, reference: Measured, measured: Callable[[Runner], Measured]
) -> Callable[[ir.Model], Score]:
    def shipped(graph: ir.Model) -> tuple[Runner, str]:
        if ordered.device.runtime == "tensorrt":
            return OnnxRunner(graph, integers=False), "ONNX Runtime"  # else float layers would be rounded
        return compile_for(ordered.device, graph, io=ordered.io).artifacts[0].runner, "LiteRT"

    def scored(graph: ir.Model) -> Score:
        runner, runtime = shipped(graph)
        return replace(score(reference, measured(runner)), runtime=runtime)

    return scored


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
