"""Has a microcontroller room for a network? Where it has not, the largest that would fit is named.

Before any work it is predicted from the float graph (`edgecnn/profile/footprint.py`), after compiling it is
read off the file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from edgecnn import units
from edgecnn.calls import Call
from edgecnn.device import DeviceProfile
from edgecnn.errors import EdgeCnnError
from edgecnn.export import micro, tflite
from edgecnn.graph.nodes import static_shape
from edgecnn.graph.precision import precision_of
from edgecnn.graph.tflite_file import read_tflite
from edgecnn.pipeline.network import Network, open_network
from edgecnn.pipeline.quantization import Order
from edgecnn.profile import profile
from edgecnn.profile.footprint import (
    MEASURED,
    RUNTIME_BYTES,
    Footprint,
    footprint,
    footprint_as_int8,
)
from edgecnn.quantize.fold import fold
from edgecnn.spec import ModelSpec, Res

_WIDTHS = (1.0, 0.75, 0.5, 0.25)
_SIDES = (224, 192, 160, 128, 96, 64, 48, 32)
# Passes after which every tensor has the size that it had: what they leave can be predicted before them.
_KEEP_SIZES = frozenset(
    "absorb_bias correct_bias distill equalize equalize_clipped finetune fold int8 qat".split()
)
_OVERRATED = 0.93  # of what was predicted is needed at least: no arena and no file was less (measured)


def check_early(network: Network, ordered: Order) -> None:
    """Raise `EdgeCnnError`, before any work, where the file would have an operator or a size too much.

    A recipe that changes sizes is waited for.
    """
    device = ordered.device
    if not device.is_microcontroller or not _keeps_sizes(ordered.calls):
        return
    if precision_of(network.graph) == "int8":
        file = tflite.write(network.graph, io=ordered.io)
        micro.check_operators(read_tflite(file), device.name)
        checked(network, ordered, file)
        return
    graph = read_tflite(tflite.write(fold(network.graph).model))
    micro.check_operators(graph, device.name)
    predicted = footprint_as_int8(graph, device, ordered.io)
    least = replace(
        predicted,
        arena_bytes=int(_OVERRATED * predicted.arena_bytes),
        model_bytes=int(_OVERRATED * predicted.model_bytes),
    )
    if not least.fits(device):
        raise _refusal(network, ordered, predicted)


def of_file(model: bytes, device: DeviceProfile) -> Footprint:
    """Return what a .tflite file needs: its arena measured where TFLite Micro is installed."""
    from edgecnn.runtime.micro_runner import MicroRunner, is_installed

    needed = footprint(read_tflite(model), device, len(model))
    if not is_installed():
        return needed
    return replace(needed, arena_bytes=MicroRunner(model).arena_bytes(), arena_kind=MEASURED)


def checked(network: Network, ordered: Order, model: bytes) -> Footprint:
    """Return what a compiled file needs; raise `EdgeCnnError` where the device has no room for it."""
    needed = of_file(model, ordered.device)
    if not needed.fits(ordered.device):
        raise _refusal(network, ordered, needed)
    return needed


def largest(spec: ModelSpec, device: DeviceProfile, io: str) -> tuple[ModelSpec, Footprint] | None:
    """Return the network of most mult-adds among the spec's narrower and smaller forms that fits, predicted.

    Tried are the widths 1, 0.75, 0.5 and 0.25 and the common resolutions up to the spec's own.
    """
    found = []
    for smaller in _smaller(spec):
        try:
            graph = open_network(smaller, allocate=False).graph
        except EdgeCnnError:
            continue  # a size that the architecture does not have
        found.append((profile(graph), smaller, graph))
    for costs, smaller, graph in sorted(found, key=lambda each: -each[0].mult_adds):
        widest = max(layer.activation_bytes for layer in costs.layers) // 4
        limits = ((costs.parameters, device.flash_bytes), (widest, device.memory_bytes))
        if any(limit is not None and least > limit for least, limit in limits):
            continue  # before a large file is written
        file = tflite.write(fold(_with_weights(graph)).model)
        needed = footprint_as_int8(read_tflite(file), device, io)
        if needed.fits(device):
            return smaller, needed
    return None


def _keeps_sizes(calls: Sequence[Call]) -> bool:
    return all(call.name in _KEEP_SIZES for call in calls)


def _refusal(network: Network, ordered: Order, needed: Footprint) -> EdgeCnnError:
    device = ordered.device
    return EdgeCnnError(
        f"{network.title} has no room on {device.name}: {_needs(needed, device)};"
        f" {_advice(network, device, ordered.io)}"
    )


def _needs(needed: Footprint, device: DeviceProfile) -> str:
    """Say what a network needs of RAM and flash, and what there is."""
    ram = (
        f"{units.size(needed.ram_bytes)} of RAM (arena {needed.arena_kind},"
        f" {units.size(needed.scratch_bytes)} of it for CMSIS-NN predicted) of {_size(device.memory_bytes)}"
    )
    flash = (
        f"{units.size(needed.flash_bytes)} of flash (model {needed.model_kind}, {units.size(RUNTIME_BYTES)}"
        f" of it for TFLite Micro published) of {_size(device.flash_bytes)}"
    )
    return f"it needs {ram}, and {flash}"


def _size(limit: int | None) -> str:
    return "none of its own" if limit is None else units.size(limit)


def _advice(network: Network, device: DeviceProfile, io: str) -> str:
    if network.spec is None:
        return "prune it (edgecnn compress FILE --recipe 'prune(mult_adds=0.5)'), or give it smaller pictures"
    found = largest(network.spec, device, io)
    if found is None:
        return "no narrower or smaller form of it fits either; choose another network (edgecnn list models)"
    spec, needed = found
    width = "" if spec.width is None else f"width={spec.width:g}, "
    return (
        f"the largest of its forms that fits is {width}res={spec.res}: {units.size(needed.ram_bytes)} of RAM"
        f" and {units.size(needed.flash_bytes)} of flash, predicted"
    )


def _smaller(spec: ModelSpec) -> Iterator[ModelSpec]:
    """Give the spec's narrower and smaller forms."""
    own = spec.res
    assert own is not None
    sides = [side for side in _SIDES if own.height == own.width and side < own.height]
    widths = [None] if spec.width is None else [spec.width, *(each for each in _WIDTHS if each < spec.width)]
    forms = (
        replace(spec, width=width, res=res) for width in widths for res in (own, *(Res(s, s) for s in sides))
    )
    return (form for form in forms if form != spec)


def _with_weights(graph: ir.Model) -> ir.Model:
    """Give a graph that was recorded without weights some, whose values do not matter for sizes."""
    draw = np.random.default_rng(0)
    for name, value in graph.graph.initializers.items():
        if value.const_value is None:
            value.const_value = ir.Tensor(draw.random(static_shape(value), np.float32) + 0.5, name=name)
    return graph
