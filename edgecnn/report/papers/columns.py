"""Columns that several tables share."""

from collections.abc import Callable, Iterable

from edgecnn.report.papers import counts
from edgecnn.report.papers.cells import Column, Kind
from edgecnn.report.papers.table import Row

MODEL = Column("model")
SOURCE = Column("source")


def accuracy(name: str) -> Column:
    """Return a column of published accuracies or errors in per cent."""
    return Column(name, "published", "%")


def figure(name: str, unit: str = "", decimals: int = 0, kind: Kind = "computed") -> Column:
    """Return a column of figures, computed unless said otherwise."""
    return Column(name, kind, unit, decimals)


def both(name: str, unit: str = "", decimals: int = 0) -> tuple[Column, Column]:
    """Return a published column and the computed one beside it."""
    return Column(name, "published", unit), Column(name, "computed", unit, decimals)


MULT_ADDS = figure("mult-adds", "M", 2)
PARAMETERS = figure("parameters", "M", 3)
COSTS = (MULT_ADDS, PARAMETERS)
PRINTED_COSTS = (*both("mult-adds", "M", 2), *both("parameters", "M", 3))


def compared(rows: Iterable[tuple[str, ...]]) -> list[Row]:
    """Put the computed costs beside the printed ones.

    Args:
        rows: label and accuracies as printed, mult-adds and parameters as printed, and the network's spec.
    """
    return [_compared(*row[:-3], printed=row[-3:-1], spec=row[-1]) for row in rows]


def _compared(*labels: str, printed: tuple[str, ...], spec: str) -> Row:
    return (*labels, printed[0], counts.mult_adds(spec), printed[1], counts.parameters(spec))


def with_costs(rows: Iterable[tuple[str | None, ...]], *measures: Callable[[str], int]) -> list[Row]:
    """Replace each row's last entry, a spec, by mult-adds and parameters, or by other measures of it."""
    return [
        (*row[:-1], *(measure(str(row[-1])) for measure in measures or (counts.mult_adds, counts.parameters)))
        for row in rows
    ]
