"""`Asked`: a network, a recipe for it, and the pictures, as passes and measurements get them."""

import importlib.metadata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from edgecnn.calls import Call
from edgecnn.data import Dataset, load
from edgecnn.data.fingerprint import fingerprint
from edgecnn.device import DeviceProfile
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.precision import precision_of
from edgecnn.pipeline.calibration import FITTED, open_source
from edgecnn.pipeline.finished_passes import FinishedPasses
from edgecnn.pipeline.network import Network, narrower
from edgecnn.pipeline.pictures import Pictures
from edgecnn.pipeline.prediction import fit_for, latency_of
from edgecnn.pipeline.quantization import ANY, SCHEMES
from edgecnn.pipeline.standing import Standing, host_latency_s, some_of
from edgecnn.pipeline.training_pictures import (
    TRAINING,
    check_answers,
    open_training,
    without_answers,
)
from edgecnn.quantize import Context, Training, needs

if TYPE_CHECKING:
    from edgecnn.optimize import Epoch

_TOOLS = ("edgecnn", "torch", "numpy", "onnxruntime")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is called while a recipe runs.

    Attributes:
        start: with where the network stands before the first pass.
        step: after each pass, with its `Compression`.
        epoch: after each epoch of a training, with its name.
        note: with what to know about the pictures.
        batch: after each batch of a training, with its name, the pictures done, and those of the epoch.
        progress: now and then: what is being done, how much of it is done, and of how much.
    """

    start: Callable[[Standing], None] = lambda _standing: None
    step: Callable[[Any], None] = lambda _step: None
    epoch: "Callable[[str, Epoch], None]" = lambda _name, _epoch: None
    note: Callable[[str], None] = lambda _note: None
    progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None
    batch: Callable[[str, int, int], None] = lambda _name, _done, _of: None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be made.

    Attributes:
        network: as it was opened, with its contract.
        calls: the complete recipe.
        pictures: what the user says about them; `data` is None where there are none.
        device: the target; None where there is none.
        seed: of everything random.
    """

    network: Network
    calls: tuple[Call, ...]
    pictures: Pictures
    device: DeviceProfile | None
    seed: int

    @property
    def scheme(self) -> str:
        """Return whose rules pairs follow."""
        own = None if self.device is None else SCHEMES.get(self.device.runtime)
        return own or self.pictures.scheme or ANY

    @cached_property
    def needs(self) -> frozenset[str]:
        """Return what the passes need of a context."""
        return frozenset(needs(self.calls))

    @cached_property
    def training(self) -> Dataset | None:
        """Return the training pictures, where there are any."""
        return None if self.pictures.data is None else self._fitting(load(self.pictures.data, "train"))

    def held_out(self, note: Callable[[str], None]) -> Dataset | None:
        """Return the pictures to measure on; None, and a note, where there are none."""
        if self.pictures.data is None:
            return None
        try:
            dataset = load(self.pictures.data, "held-out")
        except EdgeCnnError as error:
            note(f"nothing is measured on held-out pictures: {error}")
            return None
        return some_of(self._fitting(dataset), self.pictures.held_out)

    def _fitting(self, dataset: Dataset) -> Dataset:
        """Return a data set without classes that are not the network's, unless a pass trains on them."""
        try:
            check_answers(self.network, dataset)
        except EdgeCnnError:
            if "labels" in self.needs:
                raise
            return without_answers(dataset)
        return dataset

    def settings(self) -> dict[str, Any]:
        """Return everything that the result depends on, but the graph, the recipe and the threads."""
        from edgecnn.optimize.processes import resolve

        place = self.pictures.training
        return {
            "pictures": None if self.training is None else fingerprint(self.training),
            "calibrate": self.pictures.count,
            "preprocessing": self.network.preprocessing.to_json(),
            "scheme": self.scheme,
            "target": None if self.device is None else self.device.name,
            "seed": self.seed,
            "on": resolve(place.on),
            "precision": place.precision,
            "augmentation": None if place.augmentation is None else place.augmentation.to_json(),
            "versions": {tool: importlib.metadata.version(tool) for tool in _TOOLS},
        }


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What the passes use; where finished ones are kept, if at all; and what to know about the pictures."""

    context: Context
    finished: FinishedPasses | None
    notes: tuple[str, ...]


@contextmanager
def prepared(asked: Asked, out: Path, told: Told) -> Iterator[Ready]:
    """Give what the passes use; the finished ones of a recipe that trains are kept until the block ends.

    Args:
        asked: what is to be made.
        out: the file or folder to write.
        told: what is called in between.
    """
    if not asked.needs & TRAINING:
        yield _ready(asked, None, told)
        return
    finished = FinishedPasses(out, asked.network.graph, asked.calls, asked.settings())
    with finished.kept():
        yield _ready(asked, finished, told)


def _ready(asked: Asked, finished: FinishedPasses | None, told: Told) -> Ready:
    given = asked.pictures
    source, more = (
        open_source(asked.network, given.data, asked.seed, count, given.preprocessing)
        for count in (given.count, max(given.count, FITTED))
    )
    latency, said = _latency(asked)
    for note in said:
        told.note(note)
    context = Context(
        images=source.images,
        pictures=more.images,
        scheme=asked.scheme,
        seed=asked.seed,
        training=_training(asked, finished, told),
        multiple=1 if asked.device is None else asked.device.channel_multiple,
        latency=latency,
        narrower=narrower(asked.network),
        on_progress=told.progress,
    )
    return Ready(context=context, finished=finished, notes=(*source.notes, *said))


def _latency(asked: Asked) -> tuple[Callable[[ir.Model], float], tuple[str, ...]]:
    """Return what gives a graph's latency, and what that is: predicted where the target was fitted."""
    wanted = any("latency" in call.arguments for call in asked.calls)
    fit = fit_for(asked.device, precision_of(asked.network.graph)) if wanted else None
    if fit is None:
        return partial(host_latency_s, device=asked.device), ()
    return latency_of(fit), (f"latency on {fit.target} is predicted, fitted on {fit.device}, {fit.runtime}",)


def _training(asked: Asked, finished: FinishedPasses | None, told: Told) -> Training | None:
    if not asked.needs & TRAINING:
        return None
    from edgecnn.trainable import to_module

    assert asked.training is not None
    to_module(asked.network.graph)  # refuses what does not train, before any work
    found = open_training(asked.network, asked.training, asked.pictures.training)
    return replace(found, checkpoints=finished, on_epoch=told.epoch, on_batch=told.batch)
