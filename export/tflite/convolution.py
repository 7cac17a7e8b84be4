"""Conv and ConvTranspose; a per-channel scale and shift as a 1x1 depthwise convolution.

CONV_2D            weights (c_out, k, k, c_in / groups)    from ONNX's (c_out, c_in / groups, k, k)
DEPTHWISE_CONV_2D  weights (1, k, k, c_out)                from ONNX's (c_out, 1, k, k)
TRANSPOSE_CONV     weights (c_out, k, k, c_in)             from ONNX's (c_in, c_out, k, k)
"""

import numpy as np
import onnx_ir as ir

from edgecnn.export.tflite.filters import Filter, bias_of, lay_out, weight_shape
from edgecnn.export.tflite.layout import NHWC, Held
from edgecnn.export.tflite.lowering import Lowering
from edgecnn.export.tflite.program import SAME, VALID, Options
from edgecnn.export.tflite.quantization import Quantization, exactly, quantize_bias, scale_and_bias
from edgecnn.export.tflite.refusal import refuse
from edgecnn.export.tflite.rules import lowers
from edgecnn.export.tflite.windows import Windows, placed, windows_of
from edgecnn.graph.nodes import attribute, output, static_shape


@lowers("Conv", attributes="auto_pad dilations group kernel_shape pads strides")
def lower_conv(node: ir.Node, graph: Lowering) -> None:
    """Write CONV_2D, or DEPTHWISE_CONV_2D where every group has one input channel."""
    image = graph.image(node)
    batch, c_in, height, width = image.shape
    groups = attribute(node, "group", 1)
    depthwise = groups == c_in and groups > 1
    c_out, c_group, *kernel = _weight_shape(node)
    if c_group * groups != c_in:
        raise refuse(node, f"{groups} groups of {c_group} channels are not {c_in}", "check the graph")
    both = windows_of(node, (height, width), kernel)
    graph.expect(node, (batch, c_out, both[0].out, both[1].out))
    code, version, options = "CONV_2D", 1 if groups == 1 else 6, _options(both)
    if depthwise:
        code, version = "DEPTHWISE_CONV_2D", max(min(windows.dilation, 2) for windows in both)
        options["depthMultiplier"] = c_out // c_in
    source, options["padding"] = placed(node, graph, image, both)
    order, axis = ((1, 2, 3, 0), 3) if depthwise else ((0, 2, 3, 1), 0)
    found = Filter(
        node=node,
        image=source,
        bias=bias_of(node, c_out),
        arrange=lambda array: array.transpose(order),
        axis=axis,
        # LiteRT's depthwise kernel for int8 weights and float32 images takes ten times as long as its float32
        # one (measured on x86: MobileNet 28.9 instead of 2.9 ms), and there is none for groups.
        hybrid=groups == 1,
    )
    inputs = (source, *lay_out(graph, found))
    value, fused = graph.target(node)
    graph.produce(code, inputs, value, version=version, **options, **fused)


def _weight_shape(node: ir.Node) -> tuple[int, ...]:
    shape = weight_shape(node, 4)
    if attribute(node, "kernel_shape", shape[2:]) != shape[2:]:
        raise refuse(node, f"its weight {shape} has another kernel_shape", "check the graph")
    return shape


def _options(both: tuple[Windows, Windows]) -> Options:
    return {
        "strideH": both[0].stride,
        "strideW": both[1].stride,
        "dilationHFactor": both[0].dilation,
        "dilationWFactor": both[1].dilation,
    }


@lowers("ConvTranspose", attributes="auto_pad dilations group kernel_shape output_padding pads strides")
def lower_conv_transpose(node: ir.Node, graph: Lowering) -> None:
    """Write TRANSPOSE_CONV; where TFLite has no such padding, compute the whole result and SLICE.

    whole = (size - 1) stride + kernel,   out = whole - begin - end + output_padding
    """
    image = graph.image(node)
    if attribute(node, "group", 1) != 1 or max(attribute(node, "dilations", (1, 1))) > 1:
        raise refuse(node, "TFLite has no groups and dilations here", "use group=1 and dilations=1")
    if attribute(node, "auto_pad", "NOTSET") != "NOTSET":
        raise refuse(node, "the writer does not know its auto_pad", "use NOTSET and pads")
    _, c_out, *kernel = _weight_shape(node)
    strides, pads = attribute(node, "strides", (1, 1)), attribute(node, "pads", (0, 0, 0, 0))
    extra = attribute(node, "output_padding", (0, 0))
    sizes, batch = image.shape[2:], image.shape[0]
    whole = [(sizes[axis] - 1) * strides[axis] + kernel[axis] for axis in (0, 1)]
    out = [whole[axis] - pads[axis] - pads[axis + 2] + extra[axis] for axis in (0, 1)]
    graph.expect(node, (batch, c_out, *out))
    found = Filter(
        node=node,
        image=image.index,
        bias=bias_of(node, c_out),
        arrange=lambda array: array.transpose(0, 2, 3, 1),
        first=lambda array: array.swapaxes(0, 1),
        hybrid=False,
    )
    weights, offset = lay_out(graph, found)
    same = all(_is_same(sizes[a], strides[a], whole[a], out[a], pads[a]) for a in (0, 1))
    options = {"strideH": strides[0], "strideW": strides[1], "padding": SAME if same else VALID}
    wanted = graph.shape_constant((batch, *out, c_out))
    if same or (out == whole and not any(pads)):
        inputs = (wanted, weights, image.index, offset)
        graph.produce("TRANSPOSE_CONV", inputs, output(node), **options)
        return
    if any(pads[axis] + out[axis] > whole[axis] for axis in (0, 1)):
        raise refuse(node, "output_padding reaches beyond the last tap", "use an output_padding <= pads")
    shape, name = (batch, *whole, c_out), f"{output(node).name}:whole"
    inputs = (graph.shape_constant(shape), weights, image.index, offset)
    source = graph.scratch("TRANSPOSE_CONV", inputs, shape, name, like=graph.result, **options)
    begin = graph.shape_constant((0, pads[0], pads[1], 0))
    graph.produce("SLICE", (source, begin, wanted), output(node))


def _is_same(size: int, stride: int, whole: int, out: int, begin: int) -> bool:
    """Say whether TFLite's SAME cuts the whole result where ONNX does."""
    return -(-out // stride) == size and whole >= out and begin == (whole - out) // 2


def scale_and_shift(
    node: ir.Node, graph: Lowering, image: Held, scale: np.ndarray, shift: np.ndarray
) -> None:
    """Write `scale[c] x + shift[c]` of `node` (and its activation) as one 1x1 DEPTHWISE_CONV_2D."""
    value, fused = graph.target(node)
    channels = static_shape(value)[1]
    weights, offset = _scale_and_shift(
        graph, image, str(value.name), *(_vector(each, channels) for each in (scale, shift))
    )
    graph.produce(
        "DEPTHWISE_CONV_2D",
        (image.index, weights, offset),
        value,
        axes=NHWC,
        padding=VALID,
        strideH=1,
        strideW=1,
        depthMultiplier=1,
        **fused,
    )


def average(node: ir.Node, graph: Lowering, image: Held, both: tuple[Windows, Windows]) -> None:
    """Write the mean over windows as a depthwise convolution of int8 with one weight, 1 / taps.

    XNNPACK does not take over AVERAGE_POOL_2D of int8, which also needs a PAD where zeros count: measured on
    x86, 245 instead of 17 us for 3x3 on 34x34x64.
    """
    channels, kernel = image.shape[1], (both[0].kernel, both[1].kernel)
    elements, scale = exactly(np.full((1, *kernel, channels), 1 / (kernel[0] * kernel[1]), np.float32))
    quantization = Quantization(scale=(float(scale.flat[0]),))
    given = graph.quantization(image)
    assert given is not None
    bias, products = quantize_bias(np.zeros(channels, np.float32), given.scale[0], scale.ravel()[:1])
    source, padding = placed(node, graph, image, both)
    weights = graph.constant(elements, f"{output(node).name}:average", quantization=quantization)
    offset = graph.constant(bias, f"zeros:{channels}", quantization=products)
    value, fused = graph.target(node)
    options = _options(both) | {"padding": padding, "depthMultiplier": 1}
    graph.produce("DEPTHWISE_CONV_2D", (source, weights, offset), value, **options, **fused)


def _scale_and_shift(
    graph: Lowering, image: Held, name: str, scale: np.ndarray, shift: np.ndarray
) -> tuple[int, int]:
    """Return the weights (1, 1, 1, c) and the bias (c,); int8 weights with a scale of their own are exact."""
    shape, quantization = (1, 1, 1, len(scale)), None
    given = graph.quantization(image)
    if graph.result is not None and given is not None:
        elements, scales = scale_and_bias(scale, shift, given.scale[0])
        bias, bias_quantization = quantize_bias(shift, given.scale[0], scales)
        quantization = Quantization(scale=tuple(scales.tolist()), axis=3)
        weights = graph.constant(elements.reshape(shape), f"{name}:scale", quantization=quantization)
        return weights, graph.constant(bias, f"{name}:shift", quantization=bias_quantization)
    return graph.constant(scale.reshape(shape), f"{name}:scale"), graph.constant(shift, f"{name}:shift")


def _vector(numbers: np.ndarray, channels: int) -> np.ndarray:
    return np.ascontiguousarray(np.broadcast_to(numbers.ravel(), (channels,)), np.float32)
