#!/usr/bin/env python3
"""How long each layer of an engine takes, told by TensorRT's own profiler.

A profiled inference is slower, since TensorRT waits behind every layer. So these inferences come after those
that are timed, and the layers sum up to more than the latency.

Written after NVIDIA's documents of TensorRT 8.2 to 11. It has not run on a board yet.
"""

from typing import Any, Dict, List

import numpy as np


def measure(runner: Any, runs: int) -> List[Dict[str, Any]]:
    """Run what was loaded `runs` times; return the median seconds of each layer, in the order they run."""
    profiler = make_profiler(runner.tensorrt)
    runner.context.profiler = profiler
    for _ in range(runs):
        profiler.inferences.append({})
        runner.step()
    names = list(dict.fromkeys(name for each in profiler.inferences for name in each))
    return [
        {"layer": name, "median_s": float(np.median([each.get(name, 0.0) for each in profiler.inferences]))}
        for name in names
    ]


def make_profiler(tensorrt: Any) -> Any:
    """Return a profiler that adds up the seconds of each layer in the inference begun last."""

    class Profiler(tensorrt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            tensorrt.IProfiler.__init__(self)
            self.inferences = []  # type: List[Dict[str, float]]

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            last = self.inferences[-1]
            last[layer_name] = last.get(layer_name, 0.0) + ms / 1e3

    return Profiler()
