"""What a Jetson's bundle holds beside the int8 graph: the float graph, and the scales that a DLA needs."""

from collections.abc import Sequence

import onnx_ir as ir

from edgecnn.graph.precision import precision_of
from edgecnn.pipeline.quantization import Order
from edgecnn.quantize import Context, Step
from edgecnn.quantize.calibrate import Range, calibrate
from edgecnn.quantize.observers import DEFAULT, find_observer

_ANY = (-1.0, 1.0)  # any scale holds a tensor that is always 0
_NO_CACHES = 11  # the TensorRT from which on there are none


def float_graph(ordered: Order, steps: Sequence[Step]) -> ir.Model:
    """Return the graph before it was quantized where the target's bundle holds that, too, else the last."""
    last = steps[-1].after
    if ordered.device.runtime != "tensorrt" or precision_of(last) != "int8":
        return last
    before = next(step.before for step in steps if precision_of(step.after) == "int8")
    return last if precision_of(before) == "int8" else before


def ranges_for_dla(ordered: Order, model: ir.Model, context: Context) -> dict[str, Range] | None:
    """Return the range of every tensor of a float graph, chosen as for the int8 graph.

    None where the target has no DLA, or no TensorRT that reads such a list.
    """
    oldest = min((int(each.version.split(".")[0]) for each in ordered.device.runtimes), default=_NO_CACHES)
    call = next((call for call in ordered.calls if call.name == "int8"), None)
    if "dla" not in ordered.device.accelerators or oldest >= _NO_CACHES or call is None:
        return None
    assert context.images is not None
    observer = find_observer(
        str(call.arguments.get("observer", DEFAULT)), float(call.arguments.get("percentile", 99.99))
    )
    made = [*model.graph.inputs, *(value for node in model.graph for value in node.outputs)]
    names = [str(value.name) for value in made if value.dtype == ir.DataType.FLOAT]
    found = calibrate(model, context.images, names, observer=observer, on_progress=context.on_progress)
    return {name: pair if any(pair) else _ANY for name, pair in found.ranges.items()}
