"""What every benchmark's command does: run, publish its result, and say what went wrong in one sentence."""

import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from report import README, readme, to_text

from edgecnn.atomic import write_file
from edgecnn.errors import EdgeCnnError, UnknownNameError

Section = Callable[[Mapping[str, Any]], str]


def main(run: Callable[[list[str]], None], *, interrupted: str = "interrupted") -> int:
    """Run with the arguments of the command line; return 0, for a user's error 1, interrupted 130."""
    name = Path(sys.argv[0]).stem
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop as at Ctrl-C, leaving nothing behind
    try:
        run(sys.argv[1:])
    except EdgeCnnError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: {interrupted}", file=sys.stderr)
        return 130
    return 0


def tell(text: str) -> None:
    """Say how far a benchmark is."""
    print(text, file=sys.stderr, flush=True)


def publish(result: Mapping[str, Any], place: Path, given: Path | None, section: Section) -> None:
    """Write a result and print its section; without a file that was given, into README.md too.

    Args:
        result: plain JSON data.
        place: where it is published.
        given: the file of --json, instead.
        section: makes Markdown of it.
    """
    write_file(given or place, to_text(result).encode(), force=True)
    if given is None:
        write_file(README, readme().encode(), force=True)
    print(section(result))


def chosen(kind: str, text: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Read names joined by commas; raise `EdgeCnnError` for one that is not allowed."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in allowed:
            raise UnknownNameError(kind, name, allowed)
    return names
