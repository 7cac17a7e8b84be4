"""The scratch memory that CMSIS-NN, Arm's kernels for a Cortex-M, asks for.

With k = channels x kernel height x kernel width of a filter, on a core with the DSP extension (Cortex-M7):

    convolution 2 * 2 * ceil4(k)      depthwise 2 k      fully connected 0

and with Helium (Cortex-M55, M85):

    convolution 4 * ceil16(k)         depthwise 4 * 124 * height * width      fully connected 4 * inputs

Source: ARM-software/CMSIS-NN 7.0, `arm_convolve_get_buffer_sizes_s8.c`,
`arm_depthwise_conv_get_buffer_sizes_s8.c` and `arm_fully_connected_get_buffer_sizes_s8.c`. A 1x1 convolution
needs less and is counted like the others: this is the most that is asked for. Operators run one after the
other, so that the largest counts.
"""

import math

from edgecnn.device import DeviceProfile
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator

_HELIUM = "ARMv8.1-M"
_BLOCK = 124  # channels that a depthwise convolution takes at a time, CH_IN_BLOCK_MVE


def scratch_bytes(graph: TfliteGraph, device: DeviceProfile) -> int:
    """Return the most that an int8 operator of a file asks for on the device's processor."""
    helium = device.cpu is not None and device.cpu.isa == _HELIUM
    return max((_of(operator, graph, helium) for operator in graph.operators), default=0)


def _of(operator: TfliteOperator, graph: TfliteGraph, helium: bool) -> int:
    if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
        return 0
    weights = graph.tensors[operator.inputs[1]]
    if weights.dtype != "int8":
        return 0
    taps = math.prod(weights.shape[1:])
    if operator.name == "FULLY_CONNECTED":
        return 4 * taps if helium else 0
    if operator.name == "DEPTHWISE_CONV_2D":
        return 4 * _BLOCK * math.prod(weights.shape[1:3]) if helium else 2 * taps
    return 4 * _upward(taps, 16) if helium else 4 * _upward(taps, 4)


def _upward(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple
