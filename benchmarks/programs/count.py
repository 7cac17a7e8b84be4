"""Count mult-adds with one library: `count.py COUNTER SPEC...` prints a line of JSON for each network.

Runs in the library's own environment, which has torch and not edgecnn: of that, the architectures alone are
read, from PYTHONPATH.
"""

import json
import math
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from edgecnn.models import build, complete
from edgecnn.spec import ModelSpec


def reference(module: nn.Module, image: Tensor) -> int:
    """Add up the papers' formula over the layers that run, by what goes into and comes out of each."""
    total = 0

    def add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        per_position = layer.weight[0].numel()  # of each input pixel, or of each output
        transposed = isinstance(layer, nn.ConvTranspose2d)
        total += (inputs[0] if transposed else output).numel() * per_position

    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            layer.register_forward_hook(add)
    module(image)
    return total


def fvcore(module: nn.Module, image: Tensor) -> int:
    """Count as fvcore's README says."""
    from fvcore.nn import FlopCountAnalysis

    return int(FlopCountAnalysis(module, image).unsupported_ops_warnings(False).total())


def thop(module: nn.Module, image: Tensor) -> int:
    """Count as thop's README says."""
    from thop import profile

    return int(profile(module, inputs=(image,), verbose=False)[0])


def _ptflops(module: nn.Module, image: Tensor, backend: str) -> int:
    from ptflops import get_model_complexity_info

    shape = tuple(image.shape[1:])
    found, _ = get_model_complexity_info(
        module, shape, as_strings=False, print_per_layer_stat=False, backend=backend
    )
    return int(found)


def torchinfo(module: nn.Module, image: Tensor) -> int:
    """Count as torchinfo's README says."""
    from torchinfo import summary

    return int(summary(module, input_size=tuple(image.shape), verbose=0).total_mult_adds)


def flop_counter(module: nn.Module, image: Tensor) -> int:
    """Count with torch.utils.flop_counter, which counts two for each mult-add."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        module(image)
    return math.ceil(counter.get_total_flops() / 2)


COUNTERS: dict[str, Callable[[nn.Module, Tensor], int]] = {
    "reference": reference,
    "fvcore": fvcore,
    "thop": thop,
    "ptflops (pytorch)": lambda module, image: _ptflops(module, image, "pytorch"),
    "ptflops (aten)": lambda module, image: _ptflops(module, image, "aten"),
    "torchinfo": torchinfo,
    "torch.utils.flop_counter": flop_counter,
}


def main(counter: str, *texts: str) -> None:
    """Print `{"spec": ..., "mult_adds": ...}` for each network."""
    device = "meta" if counter == "reference" else "cpu"
    for text in texts:
        spec: Any = complete(ModelSpec.parse(text))
        module = build(spec, device)
        image = torch.zeros(1, spec.in_channels, spec.res.height, spec.res.width, device=device)
        with torch.no_grad():
            found = COUNTERS[counter](module, image)
        print(json.dumps({"spec": text, "mult_adds": found}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
