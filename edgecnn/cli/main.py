"""The `edgecnn` command: commands are imported when they are run, errors become one sentence."""

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from edgecnn.errors import EdgeCnnError
from edgecnn.version import __version__

# command: (module, one line for `edgecnn --help`)
COMMANDS = {
    "list": ("edgecnn.cli.catalog", "What there is: models, passes, targets, data sets."),
    "describe": ("edgecnn.cli.catalog", "Everything known about one of them."),
    "profile": ("edgecnn.cli.profile", "What a network costs: mult-adds, parameters, memory."),
    "train": ("edgecnn.cli.train", "Train a network on a data set."),
    "eval": ("edgecnn.cli.evaluate", "Accuracy of a run, a bundle, an .onnx or a .tflite file."),
    "compress": ("edgecnn.cli.compress", "Run passes over an .onnx file."),
    "export": ("edgecnn.cli.export", "From a network to a verified bundle for a board."),
    "verify": ("edgecnn.cli.verify", "Check a bundle's hashes and outputs."),
}


class Commands(click.Group):
    """A group whose help imports no command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the path."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a command."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[name][0])
        return getattr(module, f"{name}_command")  # type: ignore[no-any-return]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Say which command is near an unknown one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from edgecnn.errors import nearest

            ctx.fail(f"unknown command {args[0]!r}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgecnn")
def cli() -> None:
    r"""From a PyTorch CNN to a verified artifact on an edge board.

    \b
    edgecnn export mobilenet --width 0.5 --res 160 --target jetson
    """


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a user's error, 2 wrong usage, 130 interrupted."""
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        _fail("interrupted", 130)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except EdgeCnnError as error:
        _fail(f"error: {error}", 1)
    except BrokenPipeError:
        # The reader, such as `head`, has left; nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(sentence: str, code: int) -> None:
    click.echo(f"edgecnn: {sentence}", err=True)
    sys.exit(code)


def show(as_json: bool, data: Callable[[], Any], table: Callable[[], None]) -> None:
    """Print a result to stdout: one JSON object, or what a person reads."""
    if as_json:
        click.echo(json.dumps(data(), indent=2, allow_nan=False))
    else:
        table()
