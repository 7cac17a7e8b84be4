"""What the tables count: the profile of a network, its layers one after the other, its depth."""

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgecnn.pipeline.network import Network
    from edgecnn.profile import LayerProfile, Profile

WEIGHTED = ("Conv", "ConvTranspose", "Gemm")  # what a paper counts as a layer


@dataclass(frozen=True)
class Layer:
    """A weighted or pooling layer of a network without branches; shapes are (n, c, h, w) or (n, features)."""

    inputs: tuple[int, ...]
    profile: "LayerProfile"

    @property
    def stride(self) -> int:
        """How much smaller the output is, as a whole number."""
        return round(self.inputs[2] / self.profile.shape[2])


@cache
def _network(spec: str) -> "Network":
    # Imported here, so that listing the tables imports neither torch nor the graph.
    from edgecnn.pipeline.network import open_network

    return open_network(spec, allocate=False)


def _graph(spec: str) -> "ir.Model":
    return _network(spec).graph


@cache
def costs(spec: str) -> "Profile":
    """Profile a network of the zoo; none is profiled twice."""
    from edgecnn.profile import profile

    return profile(_graph(spec))


def mult_adds(spec: str) -> int:
    """Return the mult-adds of a network."""
    return costs(spec).mult_adds


def parameters(spec: str) -> int:
    """Return the trainable scalars of a network."""
    return costs(spec).parameters


def trained_parameters(spec: str) -> int:
    """Return the trainable scalars of the module, training-only heads included."""
    module = _network(spec).module
    assert module is not None
    return sum(each.numel() for each in module.parameters())


def select(spec: str, *kinds: str) -> list["LayerProfile"]:
    """Return the layers whose kind begins with one of the words."""
    return [layer for layer in costs(spec).layers if layer.kind.startswith(kinds)]


def layers(spec: str, *kinds: str) -> list[Layer]:
    """Return the layers of some kinds of a network without branches, each with its input's shape.

    By default those with weights; only they and pooling change the shape.
    """
    from edgecnn.graph.nodes import static_shape

    shape = static_shape(_graph(spec).graph.inputs[0])
    found = []
    for layer in costs(spec).layers:
        if layer.kind.startswith(kinds or WEIGHTED):
            found.append(Layer(shape, layer))
        shape = layer.shape
    return found


def weights(layer: "LayerProfile") -> int:
    """Return the weights of a convolution or fully connected layer, bias apart."""
    return (layer.mult_adds or 0) // math.prod(layer.shape[2:])


def network_weights(spec: str) -> int:
    """Return the weights of all convolutions and fully connected layers, without biases and BatchNorm."""
    return sum(weights(layer) for layer in select(spec, "Conv", "Gemm"))


def fully_connected(spec: str) -> tuple[int, int]:
    """Return mult-adds and parameters of the fully connected layers."""
    found = select(spec, "Gemm")
    return sum(layer.mult_adds or 0 for layer in found), sum(layer.parameters for layer in found)


@cache
def depth(spec: str) -> int:
    """Return the number of weighted layers on the longest path from input to output."""
    graph = _graph(spec).graph
    reached: dict[int, int] = {}
    for node in graph:
        before = max((reached.get(id(value), 0) for value in node.inputs if value is not None), default=0)
        for value in node.outputs:
            reached[id(value)] = before + (node.op_type in WEIGHTED)
    return max(reached[id(value)] for value in graph.outputs)


def convolution_weights(kernel: int, c_in: int, c_out: int) -> int:
    """Return `k² M N`, the weights of a convolution; times the output's pixels, its mult-adds."""
    return kernel**2 * c_in * c_out


def separable_weights(kernel: int, c_in: int, c_out: int) -> int:
    """Return `k² M + M N`, the weights of a depthwise and a pointwise convolution."""
    return kernel**2 * c_in + c_in * c_out


def millions(value: float, decimals: int = 2) -> str:
    """Write a count in millions, for notes."""
    return f"{value / 1e6:,.{decimals}f} M"
