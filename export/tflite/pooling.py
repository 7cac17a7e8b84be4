"""MaxPool, AveragePool and the global pools."""

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.convolution import average
from edgecnn.export.tflite.layout import Held
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.program import FUSED, SAME, VALID, Options
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.export.tflite.windows import Windows, padded, placed, scheme, windows_of
from edgecnn.graph.nodes import attribute, output, static_shape

LOWEST = float(np.finfo(np.float32).min)


@lowers("MaxPool", attributes="auto_pad ceil_mode dilations kernel_shape pads storage_order strides")
def lower_max_pool(node: ir.Node, graph: Lowering) -> None:
    """Write MAX_POOL_2D; padding that TFLite lacks becomes a PADV2 with the lowest value."""
    image, both = _windows(node, graph)
    source, padding = placed(node, graph, image, both, fill=LOWEST)
    value, fused = graph.target(node)
    graph.produce("MAX_POOL_2D", (source,), value, padding=padding, **_options(both), **fused)


@lowers("AveragePool", attributes="auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides")
def lower_average_pool(node: ir.Node, graph: Lowering) -> None:
    """Write AVERAGE_POOL_2D, whose SAME divides by the taps inside the image and whose VALID by all.

    What divides by neither is the average over explicit zeros times a map of kernel / count. In int8, windows
    that divide by all their taps are a DEPTHWISE_CONV_2D, and others are taken from a SAME pool of stride 1.
    """
    image, both = _windows(node, graph)
    taps = _taps(node, both)
    if min(counts.min() for counts in taps) == 0:
        raise refuse(node, "a window lies wholly in the padding", "use pads smaller than the kernel")
    if graph.result is not None and _are_whole(both, taps):
        average(node, graph, image, both)
        return
    padding = _padding(both, taps)
    if graph.result is not None and padding is None:
        _sampled(node, graph, image, both)
        return
    source = image.index if padding is not None else padded(node, graph, image, both)
    if padding is None and not _are_whole(both, taps):
        _corrected(node, graph, source, image, both, np.outer(*taps))
        return
    padding = VALID if padding is None else padding
    value, fused = graph.target(node)
    graph.produce("AVERAGE_POOL_2D", (source,), value, padding=padding, **_options(both), **fused)


def divides_by_taps(node: ir.Node) -> bool:
    """Say whether an AveragePool of images has an int8 form, which divides by the taps that it divides by."""
    image, kernel = node.inputs[0], attribute(node, "kernel_shape", ())
    assert image is not None
    sizes, ceil = static_shape(image)[2:], bool(attribute(node, "ceil_mode", 0))
    both = windows_of(node, sizes, kernel, ceil=ceil)
    taps = _taps(node, both)
    if _padding(both, taps) is not None or _are_whole(both, taps):
        return True
    return _divides_inside(both, taps) and all(_places(windows) is not None for windows in both)


def _taps(node: ir.Node, both: tuple[Windows, Windows]) -> list[np.ndarray]:
    """Return by how many taps ONNX divides, along height and width."""
    include = bool(attribute(node, "count_include_pad", 0))
    return [windows.counts(padding=include) for windows in both]


def _padding(both: tuple[Windows, Windows], taps: list[np.ndarray]) -> int | None:
    """Return SAME or VALID where it has these windows and divides so, else None."""
    padding = scheme(both)
    return padding if padding == VALID or _divides_inside(both, taps) else None


def _divides_inside(both: tuple[Windows, Windows], taps: list[np.ndarray]) -> bool:
    inside = [windows.counts(padding=False) for windows in both]
    return all((count == other).all() for count, other in zip(taps, inside, strict=True))


def _places(windows: Windows) -> range | None:
    """Return which windows of a SAME pool of stride 1 these are; it begins (kernel - 1) / 2 before each."""
    first = (windows.kernel - 1) // 2 - windows.begin
    found = range(first, first + windows.out * windows.stride, windows.stride)
    return found if first >= 0 and found[-1] < windows.size else None


def _sampled(node: ir.Node, graph: Lowering, image: Held, both: tuple[Windows, Windows]) -> None:
    """Write a SAME pool of stride 1, which divides by the taps inside, and keep those that are asked for."""
    places = [_places(windows) for windows in both]
    value, fused = graph.target(node)
    options = {**_options(both), "strideH": 1, "strideW": 1, "padding": SAME, **fused}
    name = f"{output(node).name}:everywhere"
    pooled = graph.scratch(
        "AVERAGE_POOL_2D", (image.index,), image.file_shape, name, like=graph.result, **options
    )
    ranges = [range(image.shape[0]), *(each for each in places if each is not None), range(image.shape[1])]
    numbers = ([getattr(each, part) for each in ranges] for part in ("start", "stop", "step"))
    graph.produce("STRIDED_SLICE", (pooled, *map(graph.shape_constant, numbers)), value)


def _are_whole(both: tuple[Windows, Windows], taps: list[np.ndarray]) -> bool:
    return all((count == windows.kernel).all() for count, windows in zip(taps, both, strict=True))


def _corrected(
    node: ir.Node,
    graph: Lowering,
    source: int,
    image: Held,
    both: tuple[Windows, Windows],
    counts: np.ndarray,
) -> None:
    """Write the average over padded windows, then kernel / count for each of them."""
    name = output(node).name
    shape = (image.shape[0], *counts.shape, image.shape[1])
    options = _options(both) | {"padding": VALID, "fusedActivationFunction": FUSED["NONE"]}
    average = graph.scratch("AVERAGE_POOL_2D", (source,), shape, f"{name}:sum", like=None, **options)
    factor = (both[0].kernel * both[1].kernel / counts).astype(np.float32)
    value, fused = graph.target(node)
    correction = graph.constant(factor[None, :, :, None], f"{name}:taps")
    graph.produce("MUL", (average, correction), value, **fused)


def _windows(node: ir.Node, graph: Lowering) -> tuple[Held, tuple[Windows, Windows]]:
    image = graph.image(node)
    if max(attribute(node, "dilations", (1, 1))) > 1:
        raise refuse(node, "TFLite's pools have no dilations", "use dilations=1")
    kernel = attribute(node, "kernel_shape", ())
    both = windows_of(node, image.shape[2:], kernel, ceil=bool(attribute(node, "ceil_mode", 0)))
    # Shape inference before opset 22 counts a last window in the right padding, which no runtime computes.
    if static_shape(output(node))[2:] != (both[0].out, both[1].out) and any(w.ceil for w in both):
        raise refuse(node, "ceil_mode starts a window in the padding", "pad at the end instead of ceil_mode")
    graph.expect(node, (*image.shape[:2], both[0].out, both[1].out))
    return image, both


def _options(both: tuple[Windows, Windows]) -> Options:
    return {
        "strideH": both[0].stride,
        "strideW": both[1].stride,
        "filterHeight": both[0].kernel,
        "filterWidth": both[1].kernel,
    }


@lowers("GlobalAveragePool")
def lower_global_average_pool(node: ir.Node, graph: Lowering) -> None:
    """Write MEAN over height and width."""
    image = graph.image(node)
    graph.produce("MEAN", (image.index, graph.shape_constant((1, 2))), output(node), keepDims=True)


@lowers("GlobalMaxPool")
def lower_global_max_pool(node: ir.Node, graph: Lowering) -> None:
    """Write MAX_POOL_2D with one window over the whole image."""
    image = graph.image(node)
    height, width = image.shape[2:]
    value, fused = graph.target(node)
    graph.produce(
        "MAX_POOL_2D",
        (image.index,),
        value,
        padding=VALID,
        strideH=1,
        strideW=1,
        filterHeight=height,
        filterWidth=width,
        **fused,
    )
