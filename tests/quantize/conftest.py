"""Tiny float graphs written as ONNX text, with random weights, and pictures for them."""

import re

import numpy as np
import onnx_ir as ir
import pytest
from onnx_ir.passes.common import ShapeInferencePass


def build(body: str, shape=(1, 4, 8, 8), *, seed: int = 0, **weights) -> ir.Model:
    """Parse `{ nodes }` between `x` and `y`; a weight that they read is an array, or a shape to draw one."""
    rng = np.random.default_rng(seed)
    sizes = ",".join(map(str, shape))
    arrays = {
        name: rng.standard_normal(each, np.float32) if isinstance(each, tuple) else np.asarray(each)
        for name, each in weights.items()
        if re.search(rf"\b{name}\b", body)
    }
    text = f'<ir_version: 7, opset_import: ["" : 13]> g (float[{sizes}] x) => (float[?] y) {body}'
    model = ir.from_onnx_text(
        text, initializers=[ir.tensor(array, name=name) for name, array in arrays.items()]
    )
    model.graph.outputs[0].shape = None
    for number, node in enumerate(model.graph):
        node.name = node.name or f"{node.op_type.lower()}{number}"
    return ShapeInferencePass()(model).model


@pytest.fixture
def graph():
    """A function from the text of nodes between `x` and `y`, and weights, to a float graph."""
    return build


@pytest.fixture
def pictures():
    """A function from a shape (c, h, w) to a source of 40 pictures, always the same, in unequal batches."""

    def source(shape=(4, 8, 8), count=40):
        drawn = np.random.default_rng(0).standard_normal((count, *shape), np.float32)
        return lambda: [drawn[:7], drawn[7:8], drawn[8:]]

    return source
