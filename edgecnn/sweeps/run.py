"""`edgecnn sweep`: a grid of networks trained, exported, measured and timed, into one file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgecnn.atomic import check_free
from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps.cells import Request, jobs
from edgecnn.sweeps.course import Course, course
from edgecnn.sweeps.crew import work_together
from edgecnn.sweeps.job import Job
from edgecnn.sweeps.point import Point
from edgecnn.sweeps.points import points_of
from edgecnn.sweeps.store import Row, Store, is_sweep, place
from edgecnn.sweeps.worker import work


@dataclass(frozen=True, kw_only=True)
class Swept:
    """A sweep after its command: where it is, its points, and the jobs that failed."""

    path: Path
    points: tuple[Point, ...]
    failed: tuple[Row, ...]


def sweep(
    request: Request | None,
    out: str | Path,
    *,
    processes: int = 1,
    on_course: Callable[[Course], None] = lambda _course: None,
) -> Swept:
    """Do every job of a request that is not done yet; what is done, in this or an earlier call, stays.

    Several processes, on machines that share the file system, may do this at once: each job is done by one,
    and a process that is killed loses the jobs it was at. A training goes on from its last epoch.

    Args:
        request: what to do; None for all that is in the sweep already.
        out: a folder, or a file that ends in `.sqlite`.
        processes: how many do jobs, each with its share of the processor's cores.
        on_course: told how far it is.

    Raises:
        EdgeCnnError: the request is wrong, or the file cannot be written. A job that fails does not raise.
    """
    if processes < 1:
        raise EdgeCnnError(f"--jobs {processes} does nothing; give at least 1")
    asked = None if request is None else jobs(request)
    path = Path(out)
    if not is_sweep(path):
        if asked is None:
            raise EdgeCnnError(f"there is no sweep {path} to go on with; name a model and --data")
        check_free(place(path)[0] if path.suffix == ".sqlite" else path, force=path.is_dir(), marker="")
    store = Store(path, new=asked is not None)
    try:
        _add(store, asked)
        keys = [job.key for job in (asked if asked is not None else store.rows())]
        if not keys:
            raise EdgeCnnError(f"the sweep {path} is empty; name a model and --data")

        def change() -> None:
            on_course(course(store.rows(keys), processes))

        change()
        if processes == 1:
            work(path, keys, change)
        else:
            work_together(path, keys, processes, change)
        failed = tuple(row for row in store.rows(keys) if row.state == "failed")
        return Swept(path=path, points=tuple(points_of(store)), failed=failed)
    finally:
        store.close()


def _add(store: Store, asked: list[Job] | None) -> None:
    if asked is not None:
        store.add(asked)
        return
    store.add(
        [
            Job(
                key=row.key,
                kind=row.kind,
                title=row.title,
                needs=row.needs,
                settings=row.settings,
                work=row.work,
            )
            for row in store.rows()
        ]
    )
