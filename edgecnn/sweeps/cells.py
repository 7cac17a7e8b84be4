"""What a sweep is to do: trainings, the cells that share each, their latencies; checked before any work."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgecnn.errors import EdgeCnnError
from edgecnn.published_recipes import DEFAULT, published
from edgecnn.spec import ModelSpec
from edgecnn.sweeps.job import MEASURING, Job, key_of
from edgecnn.training_recipe import Recipe

FLOAT = "fold"  # the recipe that changes nothing
_EXTRA = 2_000_000  # what a layer's overhead adds to a network's mult-adds when times are estimated


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for.

    Attributes:
        models: the networks, as they are asked for.
        data: the data set's name or path.
        recipes: passes besides none: each network is exported once in float, and once more with each.
        target: what bundles are compiled for; None for what `devices` say, else `host`.
        devices: where latencies are from: a target's name predicts, `local` or `ssh://user@board` measures;
            None for this machine, where it runs such bundles.
        training: name of the published recipe, and `given` what is changed in it.
        seed: of everything random.
        on: what trains: `auto`, `cpu` or `cuda`.
    """

    models: tuple[ModelSpec, ...]
    data: str
    recipes: tuple[str, ...] = ()
    target: str | None = None
    devices: tuple[str, ...] | None = None
    training: str = DEFAULT
    given: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    on: str = "auto"


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
    data that cannot be read, a recipe that the target cannot run, a device that nothing predicts.
    """
    from edgecnn.data import load
    from edgecnn.sweeps.latencies import latency_jobs
    from edgecnn.sweeps.places import places_of, target_of

    if not request.models:
        raise EdgeCnnError("the sweep is empty; name a model, such as mobilenet --width 0.5,1.0 --res 16,32")
    recipe = published(request.training).override(**request.given)
    dataset = load(request.data, "train")
    load(request.data, "held-out")
    if dataset.task == "unlabelled":
        raise EdgeCnnError(f"{dataset} has no classes and no masks to train on; give pictures that have")
    target = target_of(request.target, request.devices or ())
    places = places_of(request.devices, target)
    request = replace(request, target=target)
    recipes = tuple(dict.fromkeys((FLOAT, *request.recipes)))
    found: list[Job] = []
    for spec in request.models:
        found += _of_network(request, spec, recipe, len(dataset.class_names), recipes)
    found = list({job.key: job for job in found}.values())
    for place in places:
        if place.address is None:
            _check_prediction(found[0].settings["spec"], place.device)
    return found + latency_jobs(places, [job for job in found if job.kind == "measure"])


def _check_prediction(model: str, device: str) -> None:
    from edgecnn.pipeline.prediction import predict

    try:
        predict(model, device)
    except EdgeCnnError as error:
        raise EdgeCnnError(f"{error}; without latencies: --target {device} --device nowhere") from error


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
    check_target(devices.find(_target(request)), network.graph)
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
    key = key_of("train", settings, leave_out=("model", "training", "given"))
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
    settings = {"passes": passes, "device": _target(request), "seed": request.seed}
    key = key_of("measure", {**settings, "training": training.key})
    label = "float" if passes == FLOAT else passes
    return Job(
        key=key,
        kind="measure",
        title=f"{name}, {label}",
        needs=(training.key,),
        settings=settings | {"name": f"{name}-{key[:8]}.{_target(request)}"},
        work=MEASURING + _epochs(passes),
    )


def _epochs(passes: str) -> float:
    """Return how many epochs the passes of a recipe train in all."""
    from edgecnn.pipeline.quantization import Quantization
    from edgecnn.quantize import PASSES

    calls = Quantization().calls(passes)
    found = [call.arguments.get("epochs", PASSES[call.name].defaults.get("epochs", 0)) for call in calls]
    return float(sum(each for each in found if isinstance(each, (int, float))))


def _check_recipe(request: Request, model: str, passes: str) -> None:
    from edgecnn.pipeline.quantization import Quantization, order
    from edgecnn.pipeline.training_pictures import PICTURES
    from edgecnn.quantize.recipe import needs

    wants = PICTURES & set(needs(Quantization().calls(passes)))
    order(model, _target(request), passes, Quantization(calibrate=request.data if wants else None))


def _target(request: Request) -> str:
    assert request.target is not None
    return request.target


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return {key: value for key, value in values.items() if value is not None}
