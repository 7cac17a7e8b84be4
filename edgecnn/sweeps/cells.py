"""What a sweep is to do: trainings, the cells that share each, a timing of all; checked before any work."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgecnn.errors import EdgeCnnError
from edgecnn.published_recipes import DEFAULT, published
from edgecnn.spec import ModelSpec
from edgecnn.training_recipe import Recipe

FLOAT = "fold"  # the recipe that changes nothing
_EXTRA = 2_000_000  # what a layer's overhead adds to a network's mult-adds when times are estimated
_MEASURING = 1.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for.

    Attributes:
        models: the networks, as they are asked for.
        data: the data set's name or path.
        recipes: passes besides none: each network is exported once in float, and once more with each.
        device: the target that bundles are compiled for.
        address: where they are timed: `local`, `ssh://user@board`; None for nowhere.
        training: name of the published recipe.
        given: what is changed in it.
        seed: of everything random.
        on: what trains: `auto`, `cpu` or `cuda`.
    """

    models: tuple[ModelSpec, ...]
    data: str
    recipes: tuple[str, ...] = ()
    device: str = "host"
    address: str | None = "local"
    training: str = DEFAULT
    given: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    on: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work that one process does at a time.

    Attributes:
        key: says all that its result depends on.
        kind: `train`, `measure` or `time`.
        title: for people.
        needs: the keys of the jobs whose results it takes.
        settings: as plain JSON data.
        work: how much it is, beside others of its kind.
    """

    key: str
    kind: str
    title: str
    needs: tuple[str, ...]
    settings: dict[str, Any]
    work: float = _MEASURING


def grid(
    models: Sequence[str], widths: Sequence[float], resolutions: Sequence[str], **overrides: Any
) -> tuple[ModelSpec, ...]:
    """Return every model at every width and resolution, once each, in that order."""
    specs = [
        ModelSpec.parse(model).override(width=width, res=res, **overrides)
        for model, width, res in itertools.product(models, widths or (None,), resolutions or (None,))
    ]
    return tuple(dict.fromkeys(specs))


def jobs(request: Request) -> list[Job]:
    """Return the jobs of a request, each after those it needs.

    Raises `EdgeCnnError` for what can be known before any work: a network that does not fit its resolution,
    data that cannot be read, a recipe that the device cannot run.
    """
    from edgecnn import devices
    from edgecnn.data import load

    if not request.models:
        raise EdgeCnnError("the sweep is empty; name a model, such as mobilenet --width 0.5,1.0 --res 16,32")
    recipe = published(request.training).override(**request.given)
    dataset = load(request.data, "train")
    load(request.data, "held-out")
    if dataset.task == "unlabelled":
        raise EdgeCnnError(f"{dataset} has no classes and no masks to train on; give pictures that have")
    devices.find(request.device)
    recipes = tuple(dict.fromkeys((FLOAT, *request.recipes)))
    found: list[Job] = []
    for spec in request.models:
        found += _of_network(request, spec, recipe, len(dataset.class_names), recipes)
    found = list({job.key: job for job in found}.values())
    return found + _timing(request, [job for job in found if job.kind == "measure"])


def _of_network(
    request: Request, asked: ModelSpec, recipe: Recipe, classes: int, recipes: Sequence[str]
) -> list[Job]:
    from edgecnn import devices
    from edgecnn.export.compilers import check_target
    from edgecnn.models import complete
    from edgecnn.pipeline.network import open_network, short_name
    from edgecnn.profile import profile

    spec = complete(asked if asked.classes is not None else asked.override(classes=classes))
    network = open_network(spec, allocate=False)
    check_target(devices.find(request.device), network.graph)
    name, mult_adds = short_name(spec), profile(network.graph).mult_adds
    settings = {
        "model": str(asked),
        "spec": str(spec),
        "data": request.data,
        "training": request.training,
        "given": _plain(request.given),
        "recipe": recipe.to_json(),
        "seed": request.seed,
    }
    key = _key("train", settings, leave_out=("model", "training", "given"))
    work = recipe.epochs * float(mult_adds + _EXTRA)
    training = Job(
        key=key,
        kind="train",
        title=name,
        needs=(),
        settings=settings | {"name": f"{name}-{key[:8]}", "on": request.on},
        work=work,
    )
    return [training, *(_cell(request, training, name, passes) for passes in recipes)]


def _cell(request: Request, training: Job, name: str, passes: str) -> Job:
    _check_recipe(request, training.settings["spec"], passes)
    settings = {"passes": passes, "device": request.device, "seed": request.seed}
    key = _key("measure", {**settings, "training": training.key})
    label = "float" if passes == FLOAT else passes
    return Job(
        key=key,
        kind="measure",
        title=f"{name}, {label}",
        needs=(training.key,),
        settings=settings | {"name": f"{name}-{key[:8]}.{request.device}"},
    )


def _check_recipe(request: Request, model: str, passes: str) -> None:
    from edgecnn.pipeline.quantization import Quantization, order
    from edgecnn.pipeline.training_pictures import PICTURES
    from edgecnn.quantize.recipe import needs

    wants = PICTURES & set(needs(Quantization().calls(passes)))
    order(model, request.device, passes, Quantization(calibrate=request.data if wants else None))


def _timing(request: Request, cells: Sequence[Job]) -> list[Job]:
    """Return the job that times all bundles in turns, when nothing of the sweep runs beside it."""
    from edgecnn import devices

    local = request.address == "local"
    if request.address is None or (local and devices.find(request.device).runtime != "litert"):
        return []
    keys = tuple(cell.key for cell in cells)
    settings = {"address": request.address, "device": "host" if local else request.device}
    key = _key("time", {**settings, "cells": sorted(keys)})
    return [Job(key=key, kind="time", title="timing", needs=keys, settings=settings, work=float(len(keys)))]


def _key(kind: str, settings: dict[str, Any], leave_out: Iterable[str] = ()) -> str:
    kept = {key: value for key, value in settings.items() if key not in leave_out}
    return hashlib.sha256(json.dumps([kind, kept], sort_keys=True).encode()).hexdigest()[:20]


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return {key: value for key, value in values.items() if value is not None}
