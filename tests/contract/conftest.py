"""The networks that the contract tests run on.

All of them are built narrow and small, and each only once per process: tests of one network share a group,
so that they run in one process. `make zoo` runs every network at full size.
"""

from functools import lru_cache

import pytest

from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.network import Network, open_network

NAMES = sorted(ARCHITECTURES)


def grouped(names):
    """Parametrize over networks, each in a group of its own."""
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    )


def representatives() -> list[str]:
    """Return one network of each family, that with the shortest and least name: resnet18, vgg11, ..."""
    families: dict[object, list[str]] = {}
    for name in sorted(NAMES, key=lambda name: (len(name), name)):
        families.setdefault(ARCHITECTURES[name].builder, []).append(name)
    return sorted(names[0] for names in families.values())


@lru_cache(maxsize=2)
def narrow(name: str, size: str = "contract_res") -> Network:
    """Open a network with random weights, at a small width and resolution."""
    entry = ARCHITECTURES[name]
    width = {"width": 0.25} if "width" in entry.defaults else {}
    return open_network(name, res=getattr(entry, size), **width)
