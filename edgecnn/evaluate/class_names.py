"""Which output of a network is which class of a data set: by name where both have names, never by guess."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecnn.errors import EdgeCnnError

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassOrder:
    """The outputs of a network in the order of a data set's classes.

    Attributes:
        outputs: int64 (outputs,): first the output of each of the data set's classes, then the others.
        names: of the classes in that order.
        note: what was mapped, in words; empty where the order is the network's own.
    """

    outputs: np.ndarray
    names: tuple[str, ...]
    note: str = ""


def class_order(classes: Sequence[str], labels: Sequence[str] | None, outputs: int) -> ClassOrder:
    """Find the output of each class of a data set.

    Where both have names, by name: the network may know further classes, but not lack one. Classes that are
    mere numbers are the outputs of those numbers. Where only the data set has names, there must be as many
    outputs, and they are taken in its order.

    Args:
        classes: the data set's, in the order of its labels; empty where it has none.
        labels: the network's, in the order of its outputs; None where it does not say.
        outputs: how many the network has.
    """
    named = labels is not None and len(labels) == outputs and not _numbered(labels)
    own = tuple(labels) if labels is not None and named else tuple(map(str, range(outputs)))
    if len(classes) > outputs:
        raise EdgeCnnError(
            f"the network has {outputs} outputs, but there are labels up to {len(classes) - 1}"
        )
    if tuple(classes) == own[: len(classes)] or _numbered(classes):
        return ClassOrder(outputs=np.arange(outputs), names=own)
    if named:
        return _by_name(classes, own)
    if len(classes) != outputs:
        raise EdgeCnnError(
            f"the data set has {len(classes)} classes and the network {outputs} outputs without names, so"
            " which is which is not known; give a run or bundle that names its classes, or pictures of all"
        )
    return ClassOrder(outputs=np.arange(outputs), names=tuple(classes))


def _by_name(classes: Sequence[str], own: tuple[str, ...]) -> ClassOrder:
    positions = {name: position for position, name in enumerate(own)}
    missing = [name for name in classes if name not in positions]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise EdgeCnnError(
            f"the network does not know {len(missing)} of the data set's {len(classes)} classes: {shown};"
            f" its own are {', '.join(own[:_SHOWN])}{', ...' if len(own) > _SHOWN else ''}"
        )
    if len(positions) < len(own):
        raise EdgeCnnError("the network has two outputs of one name, so classes cannot be found by name")
    first = [positions[name] for name in classes]
    order = np.array([*first, *sorted(set(range(len(own))) - set(first))])
    return ClassOrder(
        outputs=order,
        names=tuple(own[index] for index in order),
        note=f"{len(classes)} classes of the data set were found by name among the network's {len(own)}",
    )


def _numbered(names: Sequence[str]) -> bool:
    return tuple(names) == tuple(map(str, range(len(names))))
