"""Costs summed by kind of layer, as in table 2 of the MobileNet paper, or by block of the network."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgecnn.profile.records import LayerProfile, Profile


@dataclass(frozen=True, kw_only=True)
class Share:
    """Layers taken together.

    Attributes:
        name: of the kind or the block.
        layers: how many they are.
        mult_adds: None where one of them is unknown.
        mult_adds_share: as a fraction of the whole; None likewise.
        parameters: of all of them.
        parameters_share: as a fraction of the whole; None where there are none.
        weight_bytes: of all of them.
        activation_bytes: of all their outputs.
        alive_bytes: the most that is held while one of them runs.
    """

    name: str
    layers: int
    mult_adds: int | None
    mult_adds_share: float | None
    parameters: int
    parameters_share: float | None
    weight_bytes: int
    activation_bytes: int
    alive_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


def shares(profile: Profile, by: str) -> list[Share]:
    """Return the costs of layers taken together.

    Args:
        profile: of the network.
        by: `kind`, those with the most mult-adds first, or `block`, in order.
    """
    keys = GROUPINGS[by](profile.layers)
    groups: dict[str, list[LayerProfile]] = {}
    for key, layer in zip(keys, profile.layers, strict=True):
        groups.setdefault(key, []).append(layer)
    found = [_share(name, layers, profile) for name, layers in groups.items()]
    if by == "kind":
        found.sort(key=lambda share: (share.mult_adds or 0, share.parameters), reverse=True)
    return found


def _share(name: str, layers: Sequence[LayerProfile], profile: Profile) -> Share:
    counts = [layer.mult_adds for layer in layers]
    mult_adds = None if None in counts else sum(count or 0 for count in counts)
    parameters = sum(layer.parameters for layer in layers)
    return Share(
        name=name,
        layers=len(layers),
        mult_adds=mult_adds,
        mult_adds_share=_fraction(mult_adds, profile.mult_adds),
        parameters=parameters,
        parameters_share=_fraction(parameters, profile.parameters),
        weight_bytes=sum(layer.weight_bytes for layer in layers),
        activation_bytes=sum(layer.activation_bytes for layer in layers),
        alive_bytes=max(layer.alive_bytes for layer in layers),
    )


def _fraction(part: int | None, whole: int) -> float | None:
    return None if part is None or not whole else part / whole


def blocks(names: Sequence[str]) -> list[str]:
    """Return the block that each layer is in, from its name.

    A layer's name is the path of its module. Its block is the path up to the first part with a number in
    it and the bare numbers that follow, without the layer itself: `layer1.0` of `layer1.0.conv1`,
    `blocks.2.1` of `blocks.2.1.conv_dw`, `inception3a` of `inception3a.branch2.1`. Without such a part it
    is the first part: `features` of `features.0`; or, beside blocks of that part, the layer itself.
    """
    paths = [_parts(name) for name in names]
    found = [_numbered(path) or path[:1] for path in paths]
    containers = {block[:length] for block in set(found) for length in range(1, len(block))}
    return [
        ".".join(path[: len(block) + 1] if block in containers else block)
        for path, block in zip(paths, found, strict=True)
    ]


def _parts(name: str) -> tuple[str, ...]:
    """Split a path at its dots; of `/layer1/layer1.0/conv1/Conv`, the form of exported graphs, too."""
    parts: list[str] = []
    for part in filter(None, name.split("/")):
        while parts and part.startswith(f"{parts[-1]}."):
            part = part.removeprefix(f"{parts[-1]}.")
        parts += part.split(".")
    return tuple(parts) or ("",)


def _numbered(path: tuple[str, ...]) -> tuple[str, ...]:
    inside = path[:-1]
    for length, part in enumerate(inside, 1):
        if re.search(r"\d", part):
            while length < len(inside) and inside[length].isdecimal():
                length += 1
            return path[:length]
    return ()


GROUPINGS: dict[str, Callable[[Sequence[LayerProfile]], list[str]]] = {
    "kind": lambda layers: [layer.kind for layer in layers],
    "block": lambda layers: blocks([layer.name for layer in layers]),
}
