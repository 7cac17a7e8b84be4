"""The files of `predict.py`, and three predictions of each network of the zoo."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from command import tell

from edgecnn import devices
from edgecnn.calls import parse_recipe
from edgecnn.device import DeviceProfile
from edgecnn.devices.fit import Fit
from edgecnn.devices.fitting import Timed
from edgecnn.devices.least_squares import non_negative
from edgecnn.devices.measurement import quantile
from edgecnn.devices.roofline import roofline
from edgecnn.export import tflite
from edgecnn.graph.nodes import static_shape
from edgecnn.models import ARCHITECTURES
from edgecnn.pipeline.fitting_ways import WAYS
from edgecnn.pipeline.micro_networks import micro_networks
from edgecnn.pipeline.network import open_network
from edgecnn.pipeline.timed_networks import fit_of, timed_files
from edgecnn.pipeline.visits import latencies_s, read_visits
from edgecnn.profile import Profile, profile, profile_tflite
from edgecnn.quantize import compress
from edgecnn.quantize.context import Context

MOST_MULT_ADDS = 25e9  # a heavier network is taken at its smallest resolution
STACKS = "stacks.json"
WAY = WAYS["litert"]
PRECISIONS = WAY.precisions


def write_micro(folder: Path) -> dict[str, bool]:
    """Write the micro-networks' files; return which are stacks."""
    if (folder / STACKS).is_file():
        return dict(json.loads((folder / STACKS).read_text()))
    stacks = {}
    for micro in micro_networks():
        tell(f"make {micro.name}")
        for precision in PRECISIONS if not micro.only_int8 else ("int8",):
            name = WAY.file_name(micro.name, precision)
            (folder / name).write_bytes(WAY.compiled(micro, precision))
            stacks[name] = micro.stack
    (folder / STACKS).write_text(json.dumps(stacks))
    return stacks


def write_zoo(folder: Path) -> list[str]:
    """Write every network of the zoo in each precision; return the networks as name@resolution, sorted."""
    found = []
    for name, entry in ARCHITECTURES.items():
        heavy = profile(open_network(name, allocate=False).graph).mult_adds > MOST_MULT_ADDS
        res = entry.least_res if heavy else entry.defaults["res"]
        found.append(f"{name}@{res}")
        places = {each: folder / WAY.file_name(found[-1], each) for each in PRECISIONS}
        if not all(place.is_file() for place in places.values()):
            tell(f"make {found[-1]}")
            _write(open_network(name, res=res).graph, places)
    return sorted(found)


def _write(graph: Any, places: dict[str, Path]) -> None:
    shape = static_shape(graph.graph.inputs[0])
    numbers = np.random.default_rng(0).standard_normal((2, *shape[1:]), dtype=np.float32)
    has_lrn = any(node.op_type == "LRN" for node in graph.graph)
    recipes = {"fp32": "fold", "int8": "fold | int8(allow_float=LRN)" if has_lrn else "fold | int8"}
    for precision, place in places.items():
        steps = compress(graph, parse_recipe(recipes[precision]), context=Context(images=lambda: [numbers]))
        place.write_bytes(tflite.write(steps[-1].after))


def judged(folder: Path, stacks: dict[str, bool], zoo: list[str], found: dict[str, Any]) -> dict[str, Any]:
    """Return fits, what they are compared with, and a row for each network and precision."""
    files = [WAY.file_name(name, precision) for name in zoo for precision in PRECISIONS]
    visits = read_visits(found, [*stacks, *files], "local")
    reference = [time for each in visits.values() for visit in each for time in visit.reference_s]
    taken = latencies_s(visits)
    result: dict[str, Any] = {
        "reference_s": {f"{share:.0%}": quantile(reference, share) for share in (0.1, 0.5, 0.9)},
        "fits": {},
        "compared_with": {},
        "rows": [],
    }
    for precision in PRECISIONS:
        micro = timed_files(folder, {name: stacks[name] for name in stacks if precision in name}, taken)
        judge = Judge.of(micro, folder, found, precision)
        result["fits"][precision] = judge.fit.to_json()
        result["compared_with"][precision] = judge.facts
        for place, name in enumerate(zoo):
            file = folder / WAY.file_name(name, precision)
            half = "untouched" if place % 2 else "development"
            told = {"name": name, "precision": precision, "half": half, "measured_s": taken[file.name]}
            result["rows"].append(told | judge.row(file.read_bytes()))
    return result


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A fit, and two simpler predictions from the same micro-networks."""

    fit: Fit
    only: Callable[[float], float]
    best: DeviceProfile
    facts: dict[str, Any]

    @classmethod
    def of(cls, micro: Sequence[Timed], folder: Path, found: dict[str, Any], precision: str) -> Self:
        """Fit all three."""
        profiles = {each.name: profile_tflite((folder / each.name).read_bytes()) for each in micro}
        only, facts = mult_adds_only(
            [each.latency_s for each in micro], [profiles[each.name].mult_adds or 0 for each in micro]
        )
        best = _at_its_best(micro, profiles, precision)
        rates = {
            "peak": best.peak_mult_adds_per_s[precision],
            "bandwidth": best.memory_bandwidth_bytes_per_s,
        }
        fit = fit_of(micro, found, {"device": "local", "target": "host", "precision": precision})
        return cls(fit=fit, only=only, best=best, facts={"mult_adds_only": facts, "roofline": rates})

    def row(self, data: bytes) -> dict[str, Any]:
        """Return what is predicted of a file."""
        costs, predicted = profile_tflite(data), self.fit.predict(data)
        return {
            "mult_adds": costs.mult_adds,
            "weight_bytes": costs.weight_bytes,
            "fitted_s": predicted.latency_s,
            "band_s": list(predicted.band_s or ()),
            "outside": list(predicted.outside),
            "mult_adds_only_s": self.only(costs.mult_adds),
            "roofline_s": roofline(costs, self.best, self.fit.precision, self.fit.precision).latency_s,
        }


def mult_adds_only(
    latencies_s: Sequence[float], mult_adds: Sequence[int]
) -> tuple[Callable[[float], float], dict[str, float]]:
    """Fit a fixed time and one for each mult-add, by relative errors; return what predicts, and both."""
    times, work = np.array(latencies_s), np.array(mult_adds, float)
    fixed, each = non_negative(np.stack([np.ones_like(work), work], 1) / times[:, None], np.ones(len(times)))
    return lambda count: float(fixed + each * count), {"fixed_s": float(fixed), "mult_add_s": float(each)}


def _at_its_best(micro: Sequence[Timed], profiles: dict[str, Profile], precision: str) -> DeviceProfile:
    """Return the host's profile with the highest rates that any micro-network reached."""
    peak = max((profiles[each.name].mult_adds or 0) / each.latency_s for each in micro)
    moved = {name: sum(layer.moved_bytes for layer in found.layers) for name, found in profiles.items()}
    bandwidth = max(moved[each.name] / each.latency_s for each in micro)
    said = dict.fromkeys(("peak_mult_adds_per_s", "memory_bandwidth_bytes_per_s"), "micro-networks")
    host = devices.find("host")
    return replace(
        host,
        peak_mult_adds_per_s={precision: peak},
        memory_bandwidth_bytes_per_s=bandwidth,
        sources={**host.sources, **said},
    )
