"""Does TFLite Micro compute what LiteRT does with the same file? Counted in steps, the scale of a value.

LiteRT has two kinds of plain kernels besides XNNPACK's: its default ones and its reference kernels. Those of
TFLite Micro are bit for bit the one or the other, by operator (measured).

Layer by layer: where an operator reads the same elements in both, it gives the same to a step. End to end, as
`export/fidelity.py` has it: by how much LiteRT's two differ from each other already, a quarter of that for
chance, and a step.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from edgecnn.errors import VerificationError
from edgecnn.export.parity import Parity, require
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, read_tflite

HOP = "LiteRT → TFLite Micro"
_MOST_STEPS = 1
_CHANCE = 1.25
_ROUNDING = 0.01  # float32 values are whole steps but for their own rounding
_FLOAT_STEPS = 255
_BY_LAYER = 4  # pictures on which every layer is looked at

Elements = Mapping[int, np.ndarray]


def agreement(model: bytes, images: np.ndarray, response: float) -> Parity:
    """Return how far the outputs of a file for images (n, c, h, w) are apart.

    Args:
        model: the file.
        images: in real numbers.
        response: how far the outputs move between pictures.

    Raises:
        VerificationError: they are too far apart; or a layer is, which is named.
        EdgeCnnError: TFLite Micro is not installed, or cannot run the file.
    """
    from edgecnn.runtime.litert_runner import LitertRunner
    from edgecnn.runtime.micro_runner import MicroRunner

    found = MicroRunner(model)(images)
    plain, reference = (
        LitertRunner(model, keep_all=True, reference=is_reference)(images) for is_reference in (False, True)
    )
    graph = read_tflite(model)
    for index in range(min(_BY_LAYER, len(images))):
        _check_layers(graph, model, images[index : index + 1])
    step = output_step(graph, response)
    allowed = _CHANCE * _distance(plain, reference) / step + _MOST_STEPS + _ROUNDING
    error = min(_distance(found, plain), _distance(found, reference))
    parity = Parity(hop=HOP, max_abs_error=error, response=response, tolerance=allowed * step)
    require(parity, None)
    return parity


def output_step(graph: TfliteGraph, response: float) -> float:
    """Return the step of a file's output: its scale, that behind it, or a 255th of how far it moves."""
    end = graph.outputs[0]
    last = next((each for each in graph.operators if each.outputs[0] == end), None)
    ends = [end, *([last.inputs[0]] if last is not None and last.name == "DEQUANTIZE" else [])]
    scales = [graph.tensors[index].scales[0] for index in ends if graph.tensors[index].scales]
    return scales[0] if scales else response / _FLOAT_STEPS


def _check_layers(graph: TfliteGraph, model: bytes, image: np.ndarray) -> None:
    from edgecnn.runtime.litert_runner import LitertRunner
    from edgecnn.runtime.micro_runner import MicroRunner

    runners = (
        MicroRunner(model, keep_all=True),
        LitertRunner(model, keep_all=True),
        LitertRunner(model, keep_all=True, reference=True),
    )
    for runner in runners:
        runner(image)
    found, *others = (runner.elements() for runner in runners)
    for operator in graph.operators:
        steps = _steps(operator, graph, found, others)
        if steps is not None and steps > _MOST_STEPS:
            raise VerificationError(
                f"{HOP}: {graph.tensors[operator.outputs[0]].name!r} ({operator.name}) is {steps} steps apart"
                f" where it reads the same, and {_MOST_STEPS} is allowed"
            )


def _steps(
    operator: TfliteOperator, graph: TfliteGraph, found: Elements, others: Sequence[Elements]
) -> int | None:
    """Return how far an int8 result is from the nearer of those that read the same; None where none does."""
    end = operator.outputs[0]
    if graph.tensors[end].dtype != "int8":
        return None
    read = [index for index in operator.inputs if index in found]
    alike = [each for each in others if all(np.array_equal(found[i], each[i]) for i in read)]
    return min((int(_distance(found[end], each[end])) for each in alike), default=None)


def _distance(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(left.astype(np.float64) - right).max(initial=0.0))
