"""Halving the precision of weights and activations.

    w → round_to_nearest_even(w, float16)

before: float32; after: float16 between two Casts, so that input and output stay float32. Behind `int8`, pairs
and what they round stay as they are, and what is left in float becomes float16.
Source: IEEE 754-2008, binary16.
"""

import onnx_ir as ir

from edgecnn import units
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.half_precision import to_fp16
from edgecnn.quantize.passes import Result, compression_pass


@compression_pass(lossless=False, after=("fold",), once=True)
def fp16(model: ir.Model) -> Result:
    """Compute in float16; an output moves by up to 1 % of how far it moves between pictures."""
    if any(value.dtype == ir.DataType.FLOAT16 for value in model.graph.initializers.values()):
        raise EdgeCnnError("the graph is in fp16 already; give the float32 graph it was made from")
    half = to_fp16(model)
    weights = [value for value in half.graph.initializers.values() if value.dtype == ir.DataType.FLOAT16]
    flushed = int(half.metadata_props.get("edgecnn.fp16.flushed", "0"))
    return Result(
        model=half,
        matched=len(weights),
        note=f"{units.several(len(weights), 'tensor')} in float16,"
        f" {units.several(flushed, 'number')} too small for it became 0",
    )
