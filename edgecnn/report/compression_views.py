"""The table of a recipe: what a network costs and still gets right, before the first pass and after each."""

from collections.abc import Sequence

from edgecnn import units
from edgecnn.pipeline.shrink import Compression
from edgecnn.pipeline.standing import Standing
from edgecnn.report.tables import print_line, print_table

_FIRST = "(as it was)"
_AGREES = "same answer"


def print_compression(start: Standing, steps: Sequence[Compression], out: str) -> None:
    """Print the table, what each pass did, and where the graph is."""
    figure = start.figure
    columns = ["pass", "mult-adds", "parameters", start.file, "latency"]
    columns += [figure] if figure else []
    columns += [_AGREES] if start.measured is not None else []
    stands = [(_FIRST, start), *((str(each.step.call), each.standing) for each in steps)]
    rows = [(*row, *[""] * (len(columns) - len(row))) for row in (_row(*each) for each in stands)]
    print_table(columns, rows, title=_title(start), numeric=columns[1:])
    print_line("")
    _print_steps(steps)
    print_line(f"graph: {out}")


def _row(name: str, standing: Standing) -> tuple[str, ...]:
    cells = [
        name,
        units.count(standing.profile.mult_adds),
        units.count(standing.profile.parameters),
        units.size(standing.bytes),
        units.duration(standing.latency_s),
    ]
    if standing.accuracy is not None:
        cells.append(f"{standing.accuracy:.2%}")
    if standing.measured is not None:
        cells.append("" if standing.agreement is None else f"{standing.agreement:.2%}")
    return tuple(cells)


def _title(start: Standing) -> str:
    latency = f"latency of one picture in {start.runtime} on this host, measured"
    if start.measured is None:
        return latency
    what = f"{start.figure} and answers" if start.figure else "answers"
    return f"{latency}; {what} on {start.measured.n} held-out pictures beside the network as it was, measured"


def _print_steps(steps: Sequence[Compression]) -> None:
    columns = ("pass", "places", "max abs error", "of", "what")
    rows = [
        (
            str(each.step.call),
            str(each.step.matched),
            "" if each.parity is None else units.error(each.parity.max_abs_error),
            "" if each.parity is None else f"{each.parity.response:.3g}",
            each.step.note,
        )
        for each in steps
    ]
    print_table(columns, rows, numeric=columns[1:4], title="outputs beside those before the pass, measured")
