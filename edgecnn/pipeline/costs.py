"""What a network costs, without allocating its weights."""

from typing import Any

from edgecnn.pipeline.network import open_network
from edgecnn.profile import Profile, profile


def costs(model: Any, **opening: Any) -> Profile:
    """Profile a network: mult-adds, parameters, memory, receptive field, by layer and in total.

    Args:
        model: a spec or its text, a run folder, a bundle, an `.onnx` file, an `onnx_ir.Model`, or an
            `nn.Module` with `input_shape`.
        opening: `width`, `res`, ...: see `edgecnn.pipeline.network.open_network`.
    """
    return opened_costs(model, **opening)[1]


def opened_costs(model: Any, **opening: Any) -> tuple[str, Profile]:
    """Return the network's complete title and its profile."""
    network = open_network(model, allocate=False, **opening)
    return network.title, profile(network.graph)
