"""Graphs of a few nodes, written as ONNX text, and what ONNX Runtime makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch

from edgecnn.graph import shapes
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.trainable import to_module


def graph(
    body: str,
    x: Sequence[int] = (1, 4, 6, 6),
    *,
    opset: int = 13,
    inferred: bool = True,
    y: Sequence[int] = (),
    **initializers: Any,
) -> ir.Model:
    """Return the graph from `x` to `y` with these lines, and arrays or lists for its other names."""
    sizes = ", ".join(map(str, x))
    head = f'<ir_version: 8, opset_import: ["": {opset}]> test (float[{sizes}] x) => (float[] y)'
    model = ir.from_onnx_text(f"{head} {{ {body} }}")
    values = {value.name: value for node in model.graph for value in node.inputs if value is not None}
    for name, content in initializers.items():
        array = content if isinstance(content, np.ndarray) else np.asarray(content)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        value = values[name]
        value.const_value = ir.Tensor(array, name=name)
        value.shape, value.type = ir.Shape(array.shape), ir.TensorType(value.const_value.dtype)
        model.graph.register_initializer(value)
    model = shapes.infer(model) if inferred else model
    if y:
        model.graph.outputs[0].shape = ir.Shape(y)
    return model


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    """Draw float32 normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def ints(*items: int) -> np.ndarray:
    """Return int64 numbers."""
    return np.asarray(items, np.int64)


def floats(*items: float) -> np.ndarray:
    """Return float32 numbers."""
    return np.asarray(items, np.float32)


def assert_runs(case: Mapping[str, Any]) -> None:
    """Demand that a graph gives for three images at once what ONNX Runtime gives for one after the other.

    A case is the arguments of `graph`, and `scaled`: by how much the normal numbers are multiplied.
    """
    settings = {"x": (1, 4, 7, 6), **case}
    images = draw(3, *settings["x"][1:], seed=1) * np.float32(settings.pop("scaled", 1))
    model = graph(**settings)
    expected = OnnxRunner(model, optimize=False)(images)
    outputs = to_module(model).eval()(torch.from_numpy(images)).detach().numpy()
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=2e-6 * max(1, np.abs(expected).max()))
