"""Where latencies are from: a device that is reached measures, the name of a profile predicts.

A name is a target's, such as `pi4`, or says how a device is reached, such as `ssh://pi@host`. What `local`
reaches is the profile `host`; a bundle for one board that was measured over ssh or adb was measured on it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn import devices
from edgecnn.devices import TARGETS, fits
from edgecnn.devices.address import Address
from edgecnn.errors import EdgeCnnError

HOST, HOST_GPU, LOCAL = "host", "host-gpu", "local"
_PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A device as latencies are told apart by; `address` is how it is reached, None where it predicts."""

    device: str
    address: str | None


def target_of(given: str | None, names: Sequence[str]) -> str:
    """Return the target that bundles are made for: that which is given, else the one that a name says.

    Raises `EdgeCnnError` for an unknown one, and where a name says none.
    """
    if given is not None:
        return devices.find(given).name
    known = [target for name in names if (target := _target(name)) is not None]
    if names and not known:
        raise EdgeCnnError(
            f"say with --target which board {names[0]} is, such as pi4: `edgecnn list targets`"
        )
    return next((target for target in known if target != HOST), HOST)


def places_of(names: Sequence[str] | None, target: str) -> tuple[Place, ...]:
    """Return the places of these names; of no names this machine, where it runs what the target runs.

    Raises `EdgeCnnError` for a name that is neither a target nor a device.
    """
    for name in names or ():
        _target(name)
    if names is None:
        names = (LOCAL,) if devices.find(target).runtime == devices.find(HOST).runtime else ()
    return tuple(dict.fromkeys(_place(name, target) for name in names))


def device_of(address: str, target: str) -> str:
    """Return the profile of a device on which a bundle for a target was measured; else how it is reached."""
    if target not in TARGETS:
        return HOST if address == LOCAL else address
    profile = TARGETS[target]
    if address == LOCAL:
        return HOST if profile.runtime == TARGETS[HOST].runtime else target
    return address if profile.is_family or target == HOST else target


def basis(device: str) -> str:
    """Return what a prediction on a device rests on: a digest of its fits, empty where it has none."""
    found = [fits.find(device, precision) for precision in _PRECISIONS]
    known = [fit.to_json() for fit in found if fit is not None]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16] if known else ""


def _target(name: str) -> str | None:
    """Return the target that a name says: its own, or that for which the device was fitted."""
    if name == LOCAL or ":" not in name:
        return HOST if name == LOCAL else devices.find(name).name
    if Address.parse(name).way == "emulated":
        raise EdgeCnnError(
            f"{name} computes what the board computes, and not as fast: give {name.partition(':')[2]} to"
            " predict, or the board itself, such as ssh://user@host, to measure"
        )
    fit = fits.find(name, "fp32")
    return None if fit is None else fit.target


def _place(name: str, target: str) -> Place:
    if name not in (HOST, LOCAL):
        address = name if ":" in name else None
        return Place(device=name if address is None else device_of(address, target), address=address)
    if target != HOST_GPU and devices.find(target).runtime != devices.find(HOST).runtime:
        raise EdgeCnnError(
            f"this machine runs no bundle for {target}: give {target} as --device to predict, or the board,"
            " such as ssh://user@host, to measure"
        )
    return Place(device=device_of(LOCAL, target), address=LOCAL)
