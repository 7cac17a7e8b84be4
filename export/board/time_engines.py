#!/usr/bin/env python3
"""Build an engine of every .onnx file of this folder, then time the engines in turns.

    python3 time_engines.py --reference net.fp16.onnx --seconds 0.3 --passes 2 --out answer.json

A file's name says its precision before `.onnx`. Engines are built by a process of their own, one after
another with one timing cache: where TensorRT refuses a network, finds no room, or dies, that network is named
under `failed`, and the others go on. An engine that is there already is not built again. Then a pass goes
through the engines in an order drawn anew. Each is loaded, warmed up and run for a while: the input is copied
to the GPU, the network run and the output copied back, as `run.py bench` does. The median of each few
milliseconds is written down, and that of the reference right before and after.

Needs Python 3.6 or newer, numpy, TensorRT 8.2 to 11 with its Python module, and beside it `run.py`,
`build_engine.py`, `time_networks.py` and what they need. It has been checked against stand-ins of nine
TensorRT versions. It has not run on a board yet.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional, Tuple

import build_engine  # type: ignore[import-not-found]  # beside it on the board, as the next two
import numpy as np
import run as board  # type: ignore[import-not-found]
import time_networks  # type: ignore[import-not-found]

BEGUN, FAILED, TIMINGS = "begun.txt", "failed.json", "timing.cache"
ROOM_BYTES = 1 << 26  # that stay free besides the engines, each about as large as its file
LONGEST_REASON = 300
PRECISIONS = ("fp32", "fp16", "int8")
DIED = "the process that built it ended with {}; where that is a signal, the memory may be too small"


class Engine(board.TensorRtRunner):  # type: ignore[misc]
    """The engine of a file, loaded, with random numbers as its input."""

    def __init__(self, name: str) -> None:
        self.count = 1
        try:
            super().__init__({"precision": precision_of(name), "engine": engine_of(name)}, {})
        except board.BoardError:
            self.let_go()
            raise
        random_numbers = np.random.RandomState(0).standard_normal(self.input.shape)
        self.load(random_numbers.astype(np.float32))

    def check_record(self, artifact: Dict[str, Any], _files: Dict[str, str]) -> None:
        """Take the engine that was built for this file a moment ago; there is no bundle."""
        self.name, self.rebuild = artifact["engine"], "fit the device again"

    def let_go(self) -> None:
        """Give back what was taken before loading failed."""
        if hasattr(self, "cuda"):
            self.close()

    def once(self) -> float:
        """Return the seconds of one inference, copies included."""
        begin = time.perf_counter()
        self.step()
        return time.perf_counter() - begin


def precision_of(name: str) -> str:
    """Return the precision that a file's name says."""
    words = name.split(".")
    if len(words) < 3 or words[-2] not in PRECISIONS:
        raise board.BoardError(f"{name} does not say its precision, as net.fp16.onnx does")
    return words[-2]


def engine_of(name: str) -> str:
    """Return the name of a file's engine."""
    return name + ".engine"


def networks() -> List[str]:
    """Return the names of the files."""
    return sorted(name for name in os.listdir(board.BUNDLE) if name.endswith(".onnx"))


# --------------------------------------------------------------------------------------------- building


def build_all(options: argparse.Namespace) -> Dict[str, Any]:
    """Build the engines that are not there yet; return which networks have none, and why."""
    tensorrt, cuda = board.load_tensorrt(), board.open_cuda()
    try:
        logger = board.make_logger(tensorrt)  # without warnings: there are as many as networks
        builder = build_engine.make_builder(tensorrt, logger)
        names, gpu = networks(), cuda.gpu()
        check_gpu(names, builder, gpu, options.sm)
        words = ["--workspace", str(options.workspace), "--timing-cache", board.inside(TIMINGS)]
        settings = build_engine.parser().parse_args(words)
        for place, name in enumerate(names):
            failed = known_failures()
            if name not in failed and not os.path.exists(board.inside(engine_of(name))):
                board.write_whole(BEGUN, name.encode("utf-8"))
                reason = build_one((tensorrt, builder, logger), name, settings)
                if reason is not None:
                    fail(name, reason)
                os.remove(board.inside(BEGUN))
            print(f"{place + 1}/{len(names)}", flush=True)
        return known_failures()
    finally:
        cuda.close()


def build_one(tools: Tuple[Any, Any, Any], name: str, settings: argparse.Namespace) -> Optional[str]:
    """Write the engine of a file; return why there is none, or None."""
    tensorrt, builder, logger = tools
    del logger.errors[:]  # of the network before
    artifact = {"path": name, "precision": precision_of(name)}
    try:
        plan = build_engine.build_plan(tensorrt, builder, logger, artifact, settings)
        build_engine.write(board.inside(engine_of(name)), plan)
    except board.BoardError as error:
        return str(error)
    except MemoryError:
        return "out of memory while building"
    return None


def check_gpu(names: List[str], builder: Any, gpu: Dict[str, str], sm: Optional[str]) -> None:
    """Refuse another GPU than was named, and int8 files on one without int8 arithmetic, before any work."""
    if sm is not None and gpu["sm"] != sm:
        raise board.BoardError(
            f"{gpu['name']} (SM {gpu['sm']}) is not the GPU that was named, of SM {sm}: name the board that"
            " this is with --as"
        )
    lacks = gpu["sm"] in build_engine.WITHOUT_INT8 or not getattr(builder, "platform_has_fast_int8", True)
    if lacks and any(precision_of(name) == "int8" for name in names):
        raise board.BoardError(
            f"{gpu['name']} (SM {gpu['sm']}) has no int8 arithmetic: fit it with --precision fp16 or fp32"
        )


def known_failures() -> Dict[str, str]:
    """Return which networks have no engine, and why."""
    path = board.inside(FAILED)
    return dict(board.read_json(FAILED)) if os.path.exists(path) else {}


def fail(name: str, reason: str) -> None:
    """Note why a network has no engine."""
    text = " ".join(reason.split())[:LONGEST_REASON]
    board.write_whole(FAILED, json.dumps(dict(known_failures(), **{name: text})).encode("utf-8"))


def build_apart(options: argparse.Namespace) -> None:
    """Let a process build, and another one go on where that ended over a network."""
    check_room()
    begun = board.inside(BEGUN)
    if os.path.exists(begun):
        os.remove(begun)  # of a run that was ended from outside: no network's fault
    while True:
        named = [] if options.sm is None else ["--sm", options.sm]
        code = spawn(["--build", "--workspace", str(options.workspace)] + named)
        if code == 0:
            return
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if not os.path.exists(begun):
            if code > 0:
                raise SystemExit(code)  # it has said why
            raise board.BoardError(DIED.format(how))
        with open(begun) as file:
            fail(file.read(), DIED.format(how))
        os.remove(begun)


def spawn(words: List[str]) -> int:
    """Run this script in a process of its own; return its exit code, negative where a signal ended it."""
    return subprocess.call([sys.executable, os.path.abspath(__file__)] + words)


def check_room() -> None:
    """Refuse a disk on which the engines find no room."""
    disk = os.statvfs(board.BUNDLE)
    free = disk.f_bavail * disk.f_frsize
    missing = [name for name in networks() if not os.path.exists(board.inside(engine_of(name)))]
    needed = ROOM_BYTES + sum(os.path.getsize(board.inside(name)) for name in missing)
    if free < needed:
        raise board.BoardError(
            f"the engines need about {needed >> 20} MiB in {board.BUNDLE}, and {free >> 20} MiB are free"
        )


# --------------------------------------------------------------------------------------------- timing


def time_all(options: argparse.Namespace) -> Dict[str, Any]:
    """Time the engines that were built; return what the host reads."""
    failed = known_failures()
    if options.reference in failed:
        raise board.BoardError(f"the reference cannot be built: {failed[options.reference]}")
    found = {name: [] for name in networks() if name not in failed}  # type: Dict[str, List[Dict[str, Any]]]
    draw = random.Random(options.seed)  # noqa: S311  an order, not a secret
    before, reference = board.sense(), Engine(options.reference)
    try:
        time_networks.warm_up(reference, options.warm)
        names, done = sorted(found), 0
        for _ in range(options.passes):
            for name in draw.sample(names, len(names)):
                if name not in failed:
                    try:
                        found[name].append(visit(name, reference, options))
                    except board.BoardError as error:
                        failed[name] = " ".join(str(error).split())[:LONGEST_REASON]
                done += 1
                print(f"{done}/{options.passes * len(names)}", flush=True)
        environment = dict(board.environment(reference), before=before, after=board.sense())
    finally:
        reference.close()
    visits = {name: each for name, each in found.items() if name not in failed}
    return {"environment": environment, "visits": visits, "failed": failed}


def visit(name: str, reference: Engine, options: argparse.Namespace) -> Dict[str, Any]:
    """Load an engine, time it beside the reference, and let it go."""
    engine = Engine(name)
    try:
        return dict(time_networks.visit(engine, reference, options.seconds, options.warm))
    finally:
        engine.close()


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(prog="time_engines.py", description=(__doc__ or "").split("\n")[0])
    top.add_argument("--reference", help="the file that is run beside each")
    top.add_argument("--seconds", type=float, default=0.3, help="of each file in each pass")
    # A GPU takes a while to raise its clocks.
    top.add_argument("--warm", type=float, default=0.2, help="seconds before, of each engine just loaded")
    top.add_argument("--passes", type=board.count, default=2)
    top.add_argument("--seed", type=int, default=0)
    top.add_argument(
        "--workspace",
        type=board.count,
        default=build_engine.DEFAULT_WORKSPACE_MIB,
        metavar="MIB",
        help="scratch memory of a build (256)",
    )
    top.add_argument("--sm", help="the compute capability that the GPU has to have, such as 8.7")
    top.add_argument("--out", default="answer.json", help="the file of the answer")
    top.add_argument("--build", action="store_true", help="build only, in this process")
    top.add_argument("--check", action="store_true", help="only look whether TensorRT and the GPU are there")
    return top


def check(options: argparse.Namespace) -> Dict[str, Any]:
    """Refuse what has no TensorRT, or another GPU than was named."""
    tensorrt, cuda = board.load_tensorrt(), board.open_cuda()
    try:
        builder = build_engine.make_builder(tensorrt, board.make_logger(tensorrt))
        check_gpu(networks(), builder, cuda.gpu(), options.sm)
    finally:
        cuda.close()
    return {}


def answer(options: argparse.Namespace) -> Dict[str, Any]:
    """Do what is asked for."""
    if options.check:
        return check(options)
    if options.build:
        return build_all(options)
    board.load_tensorrt()  # said once, before anything is started
    build_apart(options)
    found = time_all(options)
    board.write_whole(options.out, json.dumps(found).encode("utf-8"))
    return found


def main(arguments: Optional[List[str]] = None) -> int:
    """Build, time, and write the answer."""
    top = parser()
    options = top.parse_args(arguments)
    if options.reference is None and not (options.build or options.check):
        top.error("give --reference FILE")
    return int(board.attempt(lambda: answer(options))[1])


if __name__ == "__main__":
    sys.exit(main())
