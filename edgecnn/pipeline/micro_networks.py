"""Micro-networks: small ones of one kind of layer, and short stacks of several, that a device is fitted on.

Extents and channels are drawn from a seed, spread evenly on a logarithmic scale. Single kinds show what a
layer costs by itself; stacks, what it costs between others, and only they are held back to judge the fit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from edgecnn.pipeline.micro_layers import Draw
from edgecnn.pipeline.micro_singles import ONLY_INT8, SINGLES, Single
from edgecnn.pipeline.micro_stacks import STACKS, WIDE_STACKS, stack_of, wide_stack_of

STACK, WIDE = "stack", "wide"

Kinds = Mapping[str, tuple[int, Single]]  # name: how many of it, and what makes one


@dataclass(frozen=True, kw_only=True)
class Micro:
    """One micro-network: its name, the shape of its input (1, c, h, w), and the module.

    `stack` says whether it holds several kinds of layers, `only_int8` that it is too large in float32.
    """

    name: str
    shape: tuple[int, ...]
    module: nn.Module
    stack: bool
    only_int8: bool = False


def micro_networks(seed: int = 0, share: float = 1.0, kinds: Kinds | None = None) -> Iterator[Micro]:
    """Give the micro-networks one by one: single kinds of layers, then stacks.

    Args:
        seed: of extents, channels and weights.
        share: how many of them, of all; at least one of each kind.
        kinds: which; by default those that a processor is fitted on.
    """
    stacks: Kinds = {STACK: (STACKS, stack_of), WIDE: (WIDE_STACKS, wide_stack_of)}
    chosen = {**SINGLES, **stacks} if kinds is None else kinds
    for name, (count, make) in chosen.items():
        for number in range(max(1, round(count * share))):
            key = seed * 1000 + number
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(key)
                shape, module = make(Draw(key * 1009 + sum(map(ord, name))))
                module.eval()(torch.zeros(shape))  # settles the lazy convolutions
            yield Micro(
                name=f"{name}-{number}",
                shape=shape,
                module=module,
                stack=name in stacks,
                only_int8=name in ONLY_INT8,
            )
