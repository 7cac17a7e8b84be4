"""A recommendation for a terminal, and as plain data."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgecnn.report.points_views import to_json as points_json
from edgecnn.report.tables import print_line
from edgecnn.sweeps.point import Point
from edgecnn.sweeps.recommend import Recommendation, caution, describe


def print_recommendation(found: Recommendation) -> None:
    """Print the point to ship, what makes it, and those that come next."""
    best = found.best
    assert best is not None
    print_line(f"ship {best.title}", style="bold")
    print_line(f"  {describe(best, found.device)}")
    if said := caution(best, found.device):
        print_line(f"  {said}")
    for command in best.commands:
        print_line(f"  $ {command}")
    for number, point in enumerate(found.runners_up, 1):
        print_line("")
        print_line(f"runner-up {number}: {point.title}")
        print_line(f"  {describe(point, found.device)}")
        if _are_alike(best, point):
            print_line("  the 95 % intervals of its accuracy and of the first's overlap")


def _are_alike(one: Point, other: Point) -> bool:
    if one.interval is None or other.interval is None:
        return False
    return one.interval[0] <= other.interval[1] and other.interval[0] <= one.interval[1]


def to_json(found: Recommendation, points: Sequence[Point]) -> dict[str, Any]:
    """Return plain JSON data; `latency` is the recommended point's that counts, and says its kind."""
    latency = None if found.best is None else found.best.latency(found.device)
    return {
        "recommended": None if found.best is None else found.best.to_json(),
        "runners_up": [point.to_json() for point in found.runners_up],
        "relax": [{"flags": list(each.flags), "point": each.point.title} for each in found.relaxations],
        "device": found.device,
        "latency": None if latency is None else asdict(latency),
        **points_json(points),
    }
