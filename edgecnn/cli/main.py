"""The `edgecnn` command: commands are imported when they are run, errors become one sentence."""

import importlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from edgecnn.cli.signals import Terminated, unwinding
from edgecnn.errors import EdgeCnnError
from edgecnn.version import __version__

# command: (module, one line for `edgecnn --help`)
COMMANDS = {
    "list": ("edgecnn.cli.catalog", "What there is: models, passes, targets, data sets."),
    "describe": ("edgecnn.cli.catalog", "Everything known about one of them."),
    "profile": ("edgecnn.cli.profile", "What a network costs: mult-adds, parameters, memory."),
    "tables": ("edgecnn.cli.tables", "The papers' tables: printed figures beside computed ones."),
    "train": ("edgecnn.cli.train", "Train a network on a data set."),
    "eval": ("edgecnn.cli.evaluate", "Accuracy of a run, a bundle, an .onnx or a .tflite file."),
    "compress": ("edgecnn.cli.compress", "Run passes over an .onnx file."),
    "sensitivity": ("edgecnn.cli.sensitivity", "Which layers lose most by int8."),
    "export": ("edgecnn.cli.export", "From a network to a verified bundle for a board."),
    "verify": ("edgecnn.cli.verify", "Check a bundle's hashes and outputs."),
    "bench": ("edgecnn.cli.bench", "Latency of bundles on a device, measured."),
    "device": ("edgecnn.cli.device", "Set an emulated board up, to verify without one."),
    "sweep": ("edgecnn.cli.sweep", "Train and measure a grid of networks."),
    "report": ("edgecnn.cli.report", "Accuracy against cost, as a page, a picture or a table."),
    "recommend": ("edgecnn.cli.recommend", "Which network of a sweep to ship within limits."),
    "doctor": ("edgecnn.cli.doctor", "What is installed, what is missing, and how to install it."),
}

_NAME = "edgecnn"
_HELP = """From a PyTorch CNN to a verified artifact on an edge board.

\b
edgecnn export mobilenet --width 0.5 --res 160 --target jetson
"""


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


@click.group(cls=Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=_NAME)
def cli() -> None:
    """Run a command; its name is looked up in `COMMANDS`."""


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 a user's error or a failed verification, 2 wrong usage, 130 interrupted,
    143 terminated.
    """
    with unwinding():
        try:
            _quiet()
            code = cli.main(prog_name=_NAME, standalone_mode=False) or 0
            if sys.stdout:  # None where the shell has closed it
                sys.stdout.flush()
            sys.exit(code)
        except (click.exceptions.Abort, KeyboardInterrupt):
            _fail("interrupted", 130)
        except Terminated:
            _fail("terminated", 143)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except EdgeCnnError as error:
            _fail(f"error: {error}", 1)
        except BrokenPipeError:
            _forget_output()  # the reader, such as `head`, has left; nothing more can be said
            sys.exit(1)
        except OSError as error:
            _forget_output()
            _fail(f"error: {_about(error)}", 1)
        except (MemoryError, RuntimeError) as error:
            if not _is_lack_of_memory(error):
                raise
            _fail("error: the memory of this machine is too small for that; give a smaller network", 1)


def _quiet() -> None:
    """Let libraries log nothing, and no character be too foreign for the terminal."""
    import logging

    # onnx_ir logs a traceback before it raises what we turn into a sentence.
    logging.getLogger("onnx_ir").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _fail(sentence: str, code: int) -> None:
    click.echo(f"edgecnn: {' '.join(sentence.splitlines())}", err=True)
    sys.exit(code)


def _forget_output() -> None:
    """Keep Python from writing the rest of stdout once more at its end, and failing once more."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _about(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"cannot read or write {error.filename}: {reason}" if error.filename else f"cannot go on: {reason}"


def _is_lack_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def show(as_json: bool, data: Callable[[], Any], table: Callable[[], None]) -> None:
    """Print a result to stdout: one JSON object, or what a person reads."""
    if as_json:
        click.echo(json.dumps(data(), indent=2, allow_nan=False))
    else:
        table()
