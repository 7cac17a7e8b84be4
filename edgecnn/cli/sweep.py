"""`edgecnn sweep`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import json_option, seed_option
from edgecnn.cli.options import model_options as _model_options
from edgecnn.cli.train import RECIPE_KEYS, recipe_options
from edgecnn.errors import EdgeCnnError
from edgecnn.published_recipes import DEFAULT, RECIPES

_MODEL = ("classes", "in_channels", "options")


def _numbers(_ctx: click.Context, _param: click.Parameter, given: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in given.split(",")) if given else ()
    except ValueError:
        raise click.BadParameter(f"{given!r} is not numbers joined by commas, such as 0.25,0.5") from None


def _words(_ctx: click.Context, _param: click.Parameter, given: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.split(",")) if given else ()


def _grid_options(command: Any) -> Any:
    """Take --width and --res of the common options as lists."""
    command = _model_options(command)
    lists = {"width": (_numbers, "W,W", "Width multipliers."), "res": (_words, "R,R", "Resolutions.")}
    for option in command.__click_params__:
        if option.name in lists:
            option.callback, option.metavar, option.help = lists[option.name]
            option.type = click.STRING
    return command


@click.command("sweep")
@click.argument("models", metavar="[MODEL...]", nargs=-1)
@_grid_options
@click.option("--data", help="A data set: `edgecnn list datasets`, or the path of one.")
@click.option(
    "--recipe", "recipes", multiple=True, help="Passes besides float, such as int8; again for more."
)
@click.option("--target", help="What bundles are made for.  [default: what --device says, or host]")
@click.option(
    "--device", "devices", multiple=True, metavar="DEVICE",
    help="Where latencies are from, again for more: local or ssh://user@board measures, a target such as pi4"
    " predicts; nowhere.  [default: local]",
)  # fmt: skip
@click.option(
    "--jobs", type=int, default=1, show_default=True, help="Processes, each with its share of cores."
)
@click.option("--training", default=DEFAULT, help=f"A published recipe: {', '.join(RECIPES)}.")
@recipe_options
@click.option("--on", default="auto", help="cuda, cpu, or auto: a GPU where there is one.  [default: auto]")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Folder, or FILE.sqlite [default: NAME.sweep]."
)
@seed_option
@json_option
def sweep_command(
    models: tuple[str, ...], data: str | None, out: Path | None, jobs: int, as_json: bool, **given: Any
) -> None:
    """Train, export, measure and time each MODEL at every --width and --res, in float and by each --recipe.

    The same command goes on where it was stopped; several may run at once on one sweep. Without MODEL,
    everything that -o has open is done.
    """
    from edgecnn.report.points_views import print_points, to_json
    from edgecnn.report.progress import progress
    from edgecnn.sweeps.run import sweep

    request = _request(models, data, given)
    path = out or _default(models, data)
    with progress("look at every network ...") as say:
        last: list[str] = []

        def tell(course: Any) -> None:
            if [str(course)] != last:
                last[:] = [str(course)]
                say(last[0])

        done = sweep(request, path, processes=jobs, on_course=tell)
    failed = [{"job": f"{row.kind} {row.title}", "error": row.error or ""} for row in done.failed]
    show(
        as_json,
        lambda: {"sweep": str(done.path), **to_json(done.points), "failed": failed},
        lambda: print_points(done.points, f"sweep: {done.path}"),
    )
    if failed:
        said = "; ".join(f"{each['job']}: {each['error']}" for each in failed)
        raise EdgeCnnError(f"{len(failed)} of the jobs failed: {said}")


def _request(models: tuple[str, ...], data: str | None, given: dict[str, Any]) -> Any:
    from edgecnn.sweeps.cells import Request, grid

    asked = {key: given[key] for key in RECIPE_KEYS if given[key] is not None}
    if not models:
        if (
            data is not None
            or asked
            or given["width"]
            or given["res"]
            or given["recipes"]
            or given["devices"]
        ):
            raise EdgeCnnError("a sweep takes models: name one or more, such as mobilenet")
        return None
    if data is None:
        raise EdgeCnnError("give --data D, what the networks are trained on: `edgecnn list datasets`")
    if "" in given["res"]:
        raise EdgeCnnError("--res has an empty part; give resolutions joined by commas, such as 16,32")
    overrides = {key: given[key] for key in _MODEL if given[key] not in (None, {})}
    return Request(
        models=grid(models, given["width"], given["res"], **overrides),
        data=data,
        recipes=given["recipes"],
        target=given["target"],
        devices=_devices(given["devices"]),
        training=given["training"],
        given=asked,
        seed=given["seed"],
        on=given["on"],
    )


def _devices(given: tuple[str, ...]) -> tuple[str, ...] | None:
    if "nowhere" in given and len(given) > 1:
        raise EdgeCnnError("--device nowhere asks for no latency; leave it out, or the other devices")
    return () if given == ("nowhere",) else given or None


def _default(models: tuple[str, ...], data: str | None) -> Path:
    if not models:
        raise EdgeCnnError("name a model and --data, or with -o a sweep to go on with")
    from edgecnn.spec import ModelSpec

    names = dict.fromkeys(ModelSpec.parse(model).arch for model in models)
    return Path(f"{'-'.join(names)}-{Path(str(data)).stem or 'data'}.sweep")
