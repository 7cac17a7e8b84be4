"""`edgecnn eval`."""

from pathlib import Path
from typing import Any

import click

from edgecnn.cli.main import show
from edgecnn.cli.options import contract_options, json_option, model_options, seed_option, weights_option


@click.command("eval")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@model_options
@click.option("--data", required=True, help="A data set: `edgecnn list datasets`; its held-out images.")
@weights_option
@contract_options
@seed_option
@json_option
def eval_command(
    models: tuple[str, ...], data: str, weights: Path | None, preprocessing: dict[str, Any], as_json: bool,
    **opening: Any,
) -> None:  # fmt: skip
    """Measure the accuracy of each MODEL: a run (PyTorch), a bundle, an .onnx or a .tflite file.

    All read pictures by one contract: the run's or the bundle's, or the one that --mean, --std and
    --channel-order give. Several are compared with the first, image by image.
    """
    from edgecnn.pipeline.learn import score
    from edgecnn.report.views import metrics_rows, print_metrics

    given = {"preprocessing": preprocessing, "weights": weights, **opening}
    rows = metrics_rows({model: score(model, data, **given) for model in models})
    show(
        as_json,
        lambda: {"data": data, "metrics": rows[0]["metrics"], "results": rows},
        lambda: print_metrics(data, rows),
    )
