"""Tiny graphs written as ONNX text, run through ONNX Runtime and LiteRT."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest

from edgecnn.export.tflite import count_operators, write
from edgecnn.runtime.litert_runner import LitertRunner

# float32 has 24 bits; sums of a few hundred products in another order differ in the last ones.
TOLERANCE = 2e-6


@dataclass(frozen=True)
class Comparison:
    """What both runtimes gave on the same inputs, and how much the network responds to its input."""

    data: bytes
    operators: dict[str, int]
    onnx: np.ndarray
    litert: np.ndarray

    @property
    def response(self) -> float:
        return float(np.abs(self.onnx[0] - self.onnx[1]).max())

    @property
    def error(self) -> float:
        return float(np.abs(self.onnx - self.litert).max())

    @property
    def agrees(self) -> bool:
        return self.onnx.shape == self.litert.shape and self.error <= TOLERANCE * self.response


def build_graph(body: str, *, opset: int = 13, **weights: np.ndarray) -> ir.Model:
    """Parse `(inputs) => (outputs) { nodes }`; `weights` become initializers."""
    text = f'<ir_version: 7, opset_import: ["" : {opset}]> g {body}'
    tensors = [ir.tensor(array, name=name) for name, array in weights.items()]
    return ir.from_onnx_text(text, initializers=tensors)


def run_onnx(model: ir.Model, batch: np.ndarray) -> np.ndarray:
    """Return ONNX Runtime's outputs, image by image."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), options)
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[None]})[0] for image in batch])


def compare_runtimes(model: ir.Model, *, of: ir.Model | None = None, shift: float = 0.0) -> Comparison:
    """Run `model` in ONNX Runtime and `of` (the same where not given) as .tflite on two images."""
    data = write(model if of is None else of)
    shape = tuple(int(size) for size in model.graph.inputs[0].shape)
    batch = np.random.default_rng(0).standard_normal((2, *shape[1:]), np.float32) + np.float32(shift)
    return Comparison(
        data=data,
        operators=count_operators(data),
        onnx=run_onnx(model, batch),
        litert=LitertRunner(data)(batch),
    )


@pytest.fixture
def graph() -> Callable[..., ir.Model]:
    return build_graph


@pytest.fixture
def compare() -> Callable[..., Comparison]:
    return compare_runtimes


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def normal(rng: np.random.Generator) -> Callable[..., np.ndarray]:
    """Draw float32 weights of a shape."""
    return lambda *shape: rng.standard_normal(shape, np.float32)
