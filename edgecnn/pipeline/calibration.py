"""Where calibration pictures come from, and how they become a network's input."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecnn import run_folder
from edgecnn.calls import Call
from edgecnn.data import load
from edgecnn.data.stream import stream
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.model_paths import is_path
from edgecnn.pipeline.network import Network
from edgecnn.pipeline.training_pictures import PICTURES
from edgecnn.quantize.recipe import needs, uses

IMAGES = 200  # pictures, unless told otherwise
FITTED = 1024  # pictures for passes that fit weights
_BATCH = 16
_PICTURES = (1, 3)  # channels that pictures have


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Calibration pictures.

    Attributes:
        images: gives them in batches (n, c, h, w), the same every time; None where nothing is calibrated.
        notes: what to know about where they are from.
    """

    images: Callable[[], Iterable[np.ndarray]] | None = None
    notes: tuple[str, ...] = ()


def data_for(model: Any, given: str | None, who: str = "int8") -> tuple[str, tuple[str, ...]]:
    """Return the data set to calibrate with and what to say about it; `who` is the pass that needs it.

    A network that a run folder holds may be calibrated with what it was trained on.
    """
    data, notes = data_if_any(model, given, "calibrated with")
    if data is not None:
        return data, notes
    raise EdgeCnnError(
        f"{who} needs pictures like those the network will see: give --calibrate DATA, a name or a path"
        " (`edgecnn compress`: --images DATA)"
    )


def data_if_any(model: Any, given: str | None, verb: str = "fitted to") -> tuple[str | None, tuple[str, ...]]:
    """Return the data set that was given, or that a run folder was trained on, and what to say about it."""
    if (
        given is None
        and isinstance(model, (str, Path))
        and is_path(model)
        and run_folder.is_run_folder(model)
    ):
        data = run_folder.read(Path(model)).data
        return data, (f"{verb} training pictures of {data}, which {model} was trained on",)
    return given, ()


def data_of(model: Any, given: str | None, calls: Sequence[Call]) -> tuple[str | None, tuple[str, ...]]:
    """Return the data set for the pictures of a recipe and what to say about it; None where it has no use.

    Raises `EdgeCnnError` where a pass needs pictures and there are none.
    """
    for need, name in needs(calls).items():
        if need in PICTURES:
            return data_for(model, given, name)
    return data_if_any(model, given) if PICTURES & set(uses(calls)) else (None, ())


def open_source(
    network: Network, data: str | None, seed: int, count: int, contract: Mapping[str, Any]
) -> Source:
    """Return training pictures of a data set, drawn by the seed, as the network reads them.

    Args:
        network: whose contract says how a picture becomes input.
        data: a name or path; None where no pictures are needed.
        seed: of the drawing.
        count: at most so many pictures.
        contract: the fields of the contract that the user gave.

    Raises:
        EdgeCnnError: for a foreign network of which nobody says how pictures become its input.
    """
    if data is None:
        return Source()
    dataset, preprocessing = load(data, "train"), network.preprocessing
    require_contract(network, dataset.channels, contract)
    drawn = np.random.default_rng(seed).permutation(len(dataset))[:count]
    notes = (f"{len(dataset.skipped)} pictures of {data} could not be read",) if dataset.skipped else ()

    def images() -> Iterable[np.ndarray]:
        for batch in stream(dataset, preprocessing, order=drawn, batch=_BATCH):
            yield batch.inputs

    return Source(images=images, notes=notes)


def require_contract(network: Network, channels: int, given: Mapping[str, Any]) -> None:
    """Raise `EdgeCnnError` for a foreign network of which nobody says how pictures become its input."""
    contract = network.preprocessing
    unsaid = contract.channel_order == "raw" and contract.channels in _PICTURES and channels in _PICTURES
    missing = [name for name in ("mean", "std", "channel_order") if name not in given]
    if unsaid and missing:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise EdgeCnnError(
            f"{network.title} does not say how pixels become its input; calibration needs {flags}"
        )
