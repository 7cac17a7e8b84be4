#!/usr/bin/env python3
"""Time every .tflite file of this folder in LiteRT, in turns.

    python3 time_networks.py --reference net.tflite --seconds 0.15 --passes 3 --threads 1 --out answer.json

A pass goes through the files in an order drawn anew. Each file is loaded, warmed up, and run for a while; the
median of each few milliseconds is written down, and that of the reference right before and after: what slowed
the one, slowed the other. With one thread a time is what that thread spent on a processor: what other
processes took meanwhile does not count. With several it is the time that went by.

Needs Python 3.6 or newer, numpy and LiteRT (ai_edge_litert, tflite_runtime or tensorflow), and `run.py`
beside it. It has not run on a board yet.
"""

import argparse
import json
import os
import random
import sys
import time
from typing import Any, Dict, List, Optional

import run as board  # type: ignore[import-not-found]  # beside it on the board

BLOCK_S = 5e-3  # of a block's inferences together, or one inference
WARM_S, FEWEST, MOST_BLOCKS = 0.03, 3, 40


class Network:
    """A .tflite file, loaded, with an input of small numbers."""

    def __init__(self, name: str, threads: int) -> None:
        make, self.runtime = board.load_litert()
        self.threads = threads
        try:
            self.interpreter = make(model_path=board.inside(name), num_threads=threads)
            self.interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise board.BoardError(f"{self.runtime} cannot load {name}: {board.first_line(error)}") from error
        for detail in self.interpreter.get_input_details():
            values = board.np.full(detail["shape"], 0.25, board.np.float32)
            self.interpreter.set_tensor(detail["index"], board.to_tensor(values, detail))
        # Python before 3.7 has no clock of a thread
        self.clock = getattr(time, "thread_time", time.process_time) if threads == 1 else time.perf_counter
        self.count = 1

    def environment(self) -> Dict[str, Any]:
        """Return what else the runtime says about itself."""
        return {}

    def once(self) -> float:
        """Return the seconds of one inference."""
        begin = self.clock()
        self.interpreter.invoke()
        return self.clock() - begin


def warm_up(network: Any, seconds: float = WARM_S) -> None:
    """Run until it is warm, and settle how many inferences make a block."""
    begin = time.perf_counter()
    times = []  # type: List[float]
    while len(times) < FEWEST or time.perf_counter() - begin < seconds:
        times.append(network.once())
    network.count = max(1, int(BLOCK_S / sorted(times)[len(times) // 2]))


def block(network: Any) -> float:
    """Return the median of a block's inferences, in seconds."""
    times = sorted(network.once() for _ in range(network.count))
    return float(times[len(times) // 2])


def blocks(network: Any, seconds: float) -> List[float]:
    """Return the time of each block, for so long."""
    found = []  # type: List[float]
    begin = time.perf_counter()
    while len(found) < FEWEST or (time.perf_counter() - begin < seconds and len(found) < MOST_BLOCKS):
        found.append(block(network))
    return found


def visit(network: Any, reference: Any, seconds: float, warm_s: float = WARM_S) -> Dict[str, List[float]]:
    """Return the times of a file's blocks, and of the reference before and after."""
    warm_up(network, warm_s)
    before = block(reference)
    times = blocks(network, seconds)
    return {"times_s": times, "reference_s": [before, block(reference)]}


def main(arguments: Optional[List[str]] = None) -> int:
    """Time the files and write the answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--reference", help="the file that is run beside each")
    parser.add_argument("--seconds", type=float, default=0.15, help="of each file in each pass")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="answer.json", help="the file of the answer")
    parser.add_argument("--check", action="store_true", help="only look whether LiteRT is there")
    given = parser.parse_args(arguments)
    if given.reference is None and not given.check:
        parser.error("give --reference FILE")
    names = sorted(name for name in os.listdir(board.BUNDLE) if name.endswith(".tflite"))
    found = {name: [] for name in names}  # type: Dict[str, List[Dict[str, List[float]]]]
    draw = random.Random(given.seed)  # noqa: S311  an order, not a secret
    try:
        if given.check:
            board.load_litert()
            return 0
        before = board.sense()
        reference = Network(given.reference, given.threads)
        warm_up(reference)
        for number in range(given.passes):
            for place, name in enumerate(draw.sample(names, len(names))):
                found[name].append(visit(Network(name, given.threads), reference, given.seconds))
                print(f"{number * len(names) + place + 1}/{given.passes * len(names)}", flush=True)
        environment = dict(board.environment(reference), before=before, after=board.sense())
        answer = json.dumps({"environment": environment, "visits": found})
        board.write_whole(given.out, answer.encode("utf-8"))
    except board.BoardError as error:
        print(f"time_networks.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
