"""Which operators TFLite Micro has, and the method of its resolver that registers each.

Source: tensorflow/tflite-micro, `micro_mutable_op_resolver.h`: the builtin operators that need no state, as
of 2025. A kernel may take less than LiteRT's; what is known of that is in `_LIMITS`.
"""

from collections.abc import Callable, Mapping

from edgecnn.errors import EdgeCnnError
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator

OPERATORS = frozenset(
    "ABS ADD ADD_N ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS"
    " BROADCAST_TO CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE"
    " DIV ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER"
    " GATHER_ND GREATER GREATER_EQUAL HARD_SWISH L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG"
    " LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL"
    " NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR"
    " RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND"
    " SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH"
    " TRANSPOSE TRANSPOSE_CONV UNPACK ZEROS_LIKE".split()
)
_IRREGULAR = {"BATCH_MATMUL": "AddBatchMatMul", "CUMSUM": "AddCumSum", "PADV2": "AddPadV2"}
_MOST_PARTS = 10  # kMaxInputNum in concatenation.cc


def method(operator: str) -> str:
    """Return the method of `MicroMutableOpResolver` that registers an operator, such as `AddConv2D`."""
    words = [word if word[0].isdigit() else word.capitalize() for word in operator.split("_")]
    return _IRREGULAR.get(operator, f"Add{''.join(words)}")


def check_operators(graph: TfliteGraph, target: str) -> None:
    """Raise `EdgeCnnError` where TFLite Micro lacks an operator, or its kernel takes less than LiteRT's."""
    missing = sorted({operator.name for operator in graph.operators} - OPERATORS)
    if missing:
        places = [_place(graph, operator) for operator in graph.operators if operator.name == missing[0]]
        raise EdgeCnnError(
            f"{target} runs TFLite Micro, which has no {', '.join(missing)} (at {places[0]!r}); replace it in"
            " the network"
        )
    for operator in graph.operators:
        limit = _LIMITS.get(operator.name)
        reason = None if limit is None else limit(graph, operator)
        if reason:
            raise EdgeCnnError(
                f"{target} runs TFLite Micro, whose {operator.name} {reason} (at"
                f" {_place(graph, operator)!r}); replace it in the network"
            )


def _place(graph: TfliteGraph, operator: TfliteOperator) -> str:
    return graph.tensors[operator.outputs[0]].name


def _many_parts(_graph: TfliteGraph, operator: TfliteOperator) -> str | None:
    count = len(operator.inputs)
    return f"joins {_MOST_PARTS} tensors at most, not {count}" if count > _MOST_PARTS else None


def _other_scale(graph: TfliteGraph, operator: TfliteOperator) -> str | None:
    """Say so where an int8 ReLU6 that stands alone gives another scale: the kernel only clips (measured)."""
    given, made = (graph.tensors[index] for index in (operator.inputs[0], operator.outputs[0]))
    same = (given.scales, given.zero_points) == (made.scales, made.zero_points)
    return None if same else "clips and cannot change the scale"


_LIMITS: Mapping[str, Callable[[TfliteGraph, TfliteOperator], str | None]] = {
    "CONCATENATION": _many_parts,
    "RELU6": _other_scale,
}
