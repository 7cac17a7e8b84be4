"""`edgecnn profile`."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import input_option, json_option, model_options


@click.command("profile")
@click.argument("model")
@model_options
@input_option
@click.option("--layers", is_flag=True, help="Every layer.")
@click.option("--by", type=click.Choice(["kind", "block"]), help="Summed by kind or by block.")
@click.option("--csv", "as_csv", is_flag=True, help="Layers, or what --by sums, as CSV on stdout.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg|.png|.html", help="A picture.")
@click.option("--device", metavar="DEVICE", help="Predict the latency there: pi4, local, ssh://user@host.")
@click.option("--fp16", is_flag=True, help="Predict a float32 MODEL in fp16.")
@click.option("--int8", is_flag=True, help="Predict a float32 MODEL in int8.")
@click.option("--threads", type=click.IntRange(1, 256), help="CPU threads, of the prediction.  [default: 1]")
@json_option
def profile_command(
    model: str,
    layers: bool,
    by: str | None,
    as_csv: bool,
    plot: Path | None,
    device: str | None,
    fp16: bool,
    int8: bool,
    threads: int | None,
    as_json: bool,
    **opening: Any,
) -> None:
    """Count mult-adds, parameters and memory of MODEL.

    MODEL is a name, a call such as "mobilenet(width=0.5)", a run folder, a bundle, an .onnx or a .tflite
    file.
    1 mult-add = 1 multiplication + 1 addition, of convolutions and fully connected layers.
    With --device the latency is predicted: from a fit of the device (edgecnn device fit), else as the
    roofline of its profile.
    """
    for option, value in {"--threads": threads, "--fp16": fp16, "--int8": int8}.items():
        if value and device is None:
            raise click.UsageError(f"{option} is of the prediction; give --device, too")
    if fp16 and int8:
        raise click.UsageError("--fp16 and --int8 exclude each other")
    if device is not None and as_csv:
        raise click.UsageError("--csv has no latency; give --json with --device")
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    with _without_collector():
        from edgecnn.pipeline.costs import opened_costs
        from edgecnn.report import profile_plot, profile_views

        if plot:
            profile_plot.check_plot(plot)
        prediction = None
        if device is not None:
            from edgecnn.pipeline.prediction import opened_prediction

            precision = "fp16" if fp16 else "int8" if int8 else None
            title, found, prediction = opened_prediction(
                model, device, precision=precision, threads=threads or 1, **opening
            )
        else:
            title, found = opened_costs(model, **opening)
    if plot:
        profile_plot.write_plot(title, found, plot, by=by)
    if as_csv:
        click.echo(profile_views.to_csv(found, by), nl=False)
        return
    show(
        as_json,
        lambda: (
            profile_views.to_json(title, found, by)
            | ({} if prediction is None else {"latency": prediction.to_json()})
        ),
        lambda: _print(title, found, prediction, layers=layers, by=by),
    )


def _print(title: str, found: Any, prediction: Any, *, layers: bool, by: str | None) -> None:
    from edgecnn.report import prediction_views, profile_views

    profile_views.print_profile(title, found, layers=layers, by=by)
    if prediction is not None:
        prediction_views.print_prediction(prediction, layers=layers)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the collector from reading torch's modules while they are imported: a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
