"""Points that papers publish, from their tables: accuracy against mult-adds, with data set and source."""

from collections.abc import Iterator
from dataclasses import dataclass

from edgecnn.report.papers.cells import Cell
from edgecnn.report.papers.table import PAPER_TABLES

# Table: the data set of its accuracies. A table is here where it prints accuracy, mult-adds and parameters.
_TABLES = {
    "mobilenet-6": "ImageNet",
    "mobilenet-7": "ImageNet",
    "mobilenet-8": "ImageNet",
    "mobilenet-9": "ImageNet",
    "torchvision": "ImageNet",
}
_SCALE = 1e6  # of both costs in these tables


@dataclass(frozen=True, kw_only=True)
class PublishedPoint:
    """A network as its paper prints it; nothing of it is measured or computed here."""

    name: str
    data: str
    accuracy: float
    mult_adds: float
    parameters: float
    source: str


def published_points() -> list[PublishedPoint]:
    """Return every network once, in the order of the tables."""
    found: dict[str, PublishedPoint] = {}
    for name, data in _TABLES.items():
        for point in _of_table(name, data):
            found.setdefault(point.name, point)
    return list(found.values())


def _of_table(name: str, data: str) -> Iterator[PublishedPoint]:
    table = PAPER_TABLES[name].compute()
    columns = [column.name for column in table.columns]
    top1 = next(at for at, column in enumerate(columns) if "top-1" in column)
    for row in table.cells():
        accuracy, mult_adds, parameters = (row[at] for at in (top1, *map(columns.index, _COSTS)))
        if all(isinstance(cell.value, (int, float)) for cell in (accuracy, mult_adds, parameters)):
            yield PublishedPoint(
                name=row[0].shown,
                data=data,
                accuracy=_number(accuracy) / 100,
                mult_adds=_number(mult_adds) * _SCALE,
                parameters=_number(parameters) * _SCALE,
                source=table.source,
            )


_COSTS = ("mult-adds", "parameters")


def _number(cell: Cell) -> float:
    assert isinstance(cell.value, (int, float))
    return float(cell.value)
