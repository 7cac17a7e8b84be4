"""The jobs that give latencies to the cells of a sweep: predicted, then measured, device after device."""

from collections.abc import Sequence

from edgecnn.sweeps.job import Job, key_of
from edgecnn.sweeps.places import Place, basis

# Both take all cells at once and wait for every one of them; what has failed is left out.
KINDS = ("predict", "time")


def latency_jobs(places: Sequence[Place], cells: Sequence[Job]) -> list[Job]:
    """Return a job for each place; each measures when nothing else of the sweep runs."""
    keys = tuple(cell.key for cell in cells)
    found: list[Job] = []
    for place in sorted(places, key=lambda each: each.address is not None):
        before = tuple(job.key for job in found)
        found.append(_prediction(place, keys) if place.address is None else _timing(place, keys, before))
    return found


def _prediction(place: Place, cells: tuple[str, ...]) -> Job:
    settings = {"device": place.device, "basis": basis(place.device)}
    key = key_of("predict", {**settings, "cells": sorted(cells)})
    return Job(key=key, kind="predict", title=f"predict {place.device}", needs=cells, settings=settings)


def _timing(place: Place, cells: tuple[str, ...], before: tuple[str, ...]) -> Job:
    settings = {"address": place.address, "device": place.device}
    key = key_of("time", {**settings, "cells": sorted(cells)})
    return Job(
        key=key,
        kind="time",
        title=f"time on {place.address}",
        needs=(*cells, *before),
        settings=settings,
        work=float(len(cells)),
    )
