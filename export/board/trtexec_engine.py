#!/usr/bin/env python3
"""Engines by NVIDIA's trtexec, for a board that has TensorRT but not its Python module.

The lines come from this bundle's trtexec.txt, for the TensorRT that trtexec says it is. An engine is checked
and timed by trtexec too, since run.py needs the module.

It has been checked against a stand-in of trtexec. It has not run on a board yet.
"""

import glob
import json
import os
import re
import shlex
import subprocess
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import run  # type: ignore[import-not-found]  # the run.py of the same bundle

PLACES = ("/usr/src/tensorrt/bin/trtexec", "/opt/tensorrt/bin/trtexec", "/usr/local/tensorrt/bin/trtexec")
LINES = "trtexec.txt"
BANNER = re.compile(r"\[TensorRT v(\d+)(?:\.(\d+)\.(\d+))?")
ERROR = re.compile(r"\[E\]\s*(?:\[TRT\]\s*)?(?:Error\[\d+\]:\s*)?(.*)")
WARM_UP_MS = 200
ASK_S, RUN_S, BUILD_S = 60, 600, 4 * 3600


def find() -> Optional[str]:
    """Return the path of trtexec, or None."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    found = [os.path.join(folder, "trtexec") for folder in folders if folder] + list(PLACES)
    return next((path for path in found if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def version_in(text: str) -> Tuple[int, int, int]:
    """Return the version in trtexec's banner: v8201 is 8.2.1, v101602 is 10.16.2."""
    found = BANNER.search(text)
    if found is None:
        raise run.BoardError(
            f"trtexec does not say its version ({run.first_line(text)}); install TensorRT again"
        )
    if found.group(2):
        return int(found.group(1)), int(found.group(2)), int(found.group(3))
    number = int(found.group(1))
    wide = 10000 if number >= 100000 else 1000
    return number // wide, number % wide // 100, number % 100


class Trtexec:
    """A TensorRT that is reached through trtexec."""

    name = "trtexec"
    has_int8 = True  # where a GPU has none, the compute capability says so

    def __init__(self, path: str) -> None:
        self.path = path
        self.numbers = version_in(self.call([path, "--help"], ASK_S)[1])
        self.version = ".".join(map(str, self.numbers))

    def check_dla(self, _gpu: Dict[str, str], _core: int) -> None:
        """Refuse a DLA."""
        raise run.BoardError(
            "trtexec builds no engine for a DLA from this bundle: it needs TensorRT's Python module"
            " (sudo apt install python3-libnvinfer)"
        )

    def plan(self, artifact: Dict[str, Any], options: Any) -> bytes:
        """Return the serialized engine."""
        target = run.inside(f"{run.engine_name(artifact)}.{os.getpid()}.tmp")
        words = self.line(artifact, 0)
        words = [
            f"--saveEngine={base(target)}" if word.startswith("--saveEngine=") else word for word in words
        ]
        words = [
            re.sub(r"(--workspace=|workspace:)\d+", rf"\g<1>{options.workspace}", word) for word in words
        ]
        words = [word for word in words if not (options.tf32 and word == "--noTF32")]
        if options.timing_cache:
            words.append(f"--timingCacheFile={os.path.abspath(options.timing_cache)}")
        try:
            self.execute(words, BUILD_S, "built no engine")
            with open(target, "rb") as file:
                return file.read()
        except OSError as error:
            raise run.BoardError(f"trtexec built no engine: {error.strerror}") from error
        finally:
            if os.path.exists(target):
                os.remove(target)

    def unreadable(self, _record: Dict[str, Any]) -> None:
        """Return nothing: whether trtexec reads an engine is seen when it is run."""

    def layers(self, _plan: bytes, _artifact: Dict[str, Any]) -> None:
        """Return nothing: layers are read through the Python module."""

    def line(self, artifact: Dict[str, Any], which: int) -> List[str]:
        """Return the words of the line of trtexec.txt that builds (0) or times (1) an artifact."""
        lines = written(run.look_up(artifact, "path"))
        fitting = [numbers for numbers in lines if numbers <= self.numbers[:2]]
        if not fitting:
            have = ", ".join(".".join(map(str, numbers)) for numbers in sorted(lines))
            raise run.BoardError(
                f"{LINES} has lines for TensorRT {have or 'none'} and this board has {self.version};"
                " export the bundle for this board's target"
            )
        return shlex.split(lines[max(fitting)][which])

    def execute(self, words: List[str], limit_s: float, failure: str) -> str:
        """Run a line of trtexec in the bundle; return what it printed."""
        if words[0] != "trtexec":
            raise run.BoardError(
                f"{LINES} is damaged: a line begins with {words[0]!r}; copy the bundle again"
            )
        code, text = self.call([self.path] + words[1:], limit_s)
        if code != 0:
            errors = [found.group(1) for found in ERROR.finditer(text) if found.group(1).strip()]
            last = (text.strip().splitlines() or ["no reason given"])[-1]
            raise run.BoardError(f"trtexec {failure}: {errors[0] if errors else last}")
        return text

    def call(self, words: List[str], limit_s: float) -> Tuple[int, str]:
        """Run a program in the bundle's folder; return its exit code and what it printed."""
        try:
            done = subprocess.run(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=run.BUNDLE,
                timeout=limit_s,
            )
        except subprocess.TimeoutExpired as error:
            raise run.BoardError(f"trtexec did not end within {limit_s:.0f} s") from error
        except OSError as error:
            raise run.BoardError(f"{words[0]} cannot be run: {error.strerror}") from error
        return done.returncode, done.stdout.decode("utf-8", "replace")


def written(onnx: str) -> Dict[Tuple[int, ...], Tuple[str, str]]:
    """Return the lines of trtexec.txt for a graph, build and time, by TensorRT version."""
    found = {}  # type: Dict[Tuple[int, ...], Tuple[str, str]]
    with open(run.inside(LINES), "rb") as file:
        blocks = file.read().decode("utf-8", "replace").split("\n\n")
    for block in blocks:
        head = re.match(r"# TensorRT (\d+)\.(\d+) ", block)
        lines = block.splitlines()[1:]
        if head and len(lines) == 2 and f"--onnx={onnx}" in lines[0].split():
            found[int(head.group(1)), int(head.group(2))] = (lines[0], lines[1])
    return found


class TrtexecRunner:
    """A built engine, run by trtexec; called with one float32 batch, returns float32."""

    def __init__(self, trtexec: Trtexec, artifact: Dict[str, Any], manifest: Dict[str, Any]) -> None:
        self.trtexec, self.words = trtexec, trtexec.line(artifact, 1)
        self.input = str(run.look_up(manifest, "input", "name"))
        self.shape = tuple(run.look_up(manifest, "output", "shape"))
        self.runtime = f"trtexec {trtexec.version}"

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Run one batch."""
        given, out = self.file("input.bin"), self.file("output.json")
        try:
            np.ascontiguousarray(batch, np.float32).tofile(given)
            words = ["--iterations=1", "--duration=0", "--warmUp=0"]
            self.execute(words + [f"--loadInputs={self.input}:{base(given)}", f"--exportOutput={base(out)}"])
            return self.values(out)
        finally:
            self.close()

    def values(self, path: str) -> np.ndarray:
        """Read the first output that trtexec wrote."""
        found = read_json_list(path)
        try:
            return np.asarray(found[0]["values"], np.float32).reshape(self.shape)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise run.BoardError(f"trtexec wrote no output of shape {self.shape}: {error}") from error

    def times(self, runs: int) -> List[float]:
        """Return the seconds of at least `runs` inferences, copies included."""
        path = self.file("times.json")
        words = [f"--iterations={runs}", "--duration=0", f"--warmUp={WARM_UP_MS}"]
        try:
            self.execute(words + [f"--exportTimes={base(path)}"])
            warm = [each for each in read_json_list(path) if each["startComputeMs"] >= WARM_UP_MS]
            times_s = [float(each["latencyMs"]) / 1e3 for each in warm]
        except (KeyError, TypeError, ValueError) as error:
            raise run.BoardError(f"trtexec wrote no times: {error}") from error
        finally:
            self.close()
        if not times_s:
            raise run.BoardError("trtexec wrote no times: all of them belong to its warm-up")
        return times_s

    def execute(self, words: List[str]) -> None:
        """Run the engine with further flags."""
        self.trtexec.execute(self.words + words, RUN_S, "failed")

    def file(self, name: str) -> str:
        """Return the path of a file that is passed to or from trtexec."""
        return str(run.inside(f"trtexec.{os.getpid()}.{name}"))

    def close(self) -> None:
        """Remove the files that were passed."""
        for path in glob.glob(glob.escape(self.file("")) + "*"):
            os.remove(path)


def base(path: str) -> str:
    """Return the name of a file in the bundle, where trtexec runs: a path may hold what divides its words."""
    return os.path.basename(path)


def read_json_list(path: str) -> List[Any]:
    """Read a list that trtexec wrote."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read().decode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        raise run.BoardError(f"trtexec left no result: {error}") from error
    if not isinstance(found, list):
        raise run.BoardError("trtexec left no result: not a list")
    return found
