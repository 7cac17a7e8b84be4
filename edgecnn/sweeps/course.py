"""How far a sweep is: jobs done and failed, what is under way, and the time left at the pace so far."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn import units
from edgecnn.sweeps.store import Row


@dataclass(frozen=True, kw_only=True)
class Course:
    """How far a sweep is; `left_s` is None while nothing is known of it."""

    done: int
    failed: int
    total: int
    under_way: tuple[str, ...]
    left_s: float | None

    def __str__(self) -> str:
        parts = [f"{self.done} of {self.total} jobs done"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [", ".join(self.under_way)] if self.under_way else []
        parts += [f"about {units.clock(self.left_s)} left"] if self.left_s is not None else []
        return "  ".join(parts)


def course(rows: Sequence[Row], processes: int) -> Course:
    """Return how far these jobs are, done by so many processes."""
    taken = [row for row in rows if row.state == "taken"]
    return Course(
        done=sum(row.state == "done" for row in rows),
        failed=sum(row.state == "failed" for row in rows),
        total=len(rows),
        under_way=tuple(f"{_VERBS[row.kind]}{row.title} {row.share:.0%}" for row in taken),
        left_s=_left_s(rows, processes),
    )


_VERBS = {"train": "train ", "measure": "measure ", "predict": "", "time": ""}


def _left_s(rows: Sequence[Row], processes: int) -> float | None:
    """Return the time left: for each kind of job the work left, at the rate of those of its kind."""
    left, known = 0.0, False
    for kind in _VERBS:
        own = [row for row in rows if row.kind == kind]
        done = [row for row in own if row.state == "done" and row.seconds is not None]
        remaining = sum(row.work * (1 - row.share) for row in own if row.state in ("open", "taken"))
        worked = sum(row.work for row in done)
        if worked and remaining:
            left += remaining * sum(row.seconds or 0.0 for row in done) / worked
            known = True
    return left / max(1, processes) if known else None
