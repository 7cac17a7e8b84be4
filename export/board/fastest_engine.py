#!/usr/bin/env python3
"""Build every engine that this board can run, measure each, and keep the fastest one that is good enough.

    python3 fastest_engine.py
    python3 fastest_engine.py --pictures photos --max-drop 0.5
    python3 fastest_engine.py --keep-all --json

int8 is not always faster than fp16: it depends on the network, the GPU and the TensorRT. An engine is good
enough where its outputs for the sample are those of its graph and, with --pictures, where it does not lose
more than --max-drop points against the fp32 engine: in top-1 where the pictures lie in folders named by
class, in agreement where they do not. The engines of the others are removed, so that run.py takes the one
that is kept; fastest.json says what was measured.

Python 3.6 or newer, numpy, TensorRT 8.2 to 11. Exit codes: 0 kept one, 1 failed (the reason on stderr), 2
wrong usage. It has been checked against stand-ins of nine TensorRT versions. It has not built an engine on a
board yet.
"""

import argparse
import json
import os
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

try:
    import build_engine  # type: ignore[import-not-found]  # of the same bundle, as the next three
    import engine_layers  # type: ignore[import-not-found]
    import run  # type: ignore[import-not-found]
    import trtexec_engine  # type: ignore[import-not-found]
except ImportError as missing:
    if __name__ != "__main__":
        raise
    sys.exit(
        "fastest_engine.py needs the other files of its bundle (%s): copy the whole bundle to the board"
        % missing
    )

RESULT = "fastest.json"
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".npy")
WARM_UP_RUNS = 20
Pictures = List[Tuple[str, Optional[int]]]


def fastest(options: argparse.Namespace) -> Dict[str, Any]:
    """Build, check and time every engine; return what was measured and which one is kept."""
    manifest = run.read_manifest()
    if manifest["runtime"] != "tensorrt":
        raise run.BoardError("this bundle is for LiteRT and needs no engine: run python3 run.py verify")
    run.require_whole_manifest()
    pictures = find_pictures(options.pictures, manifest) if options.pictures else []
    rows = measure_all(manifest, pictures, options)
    good = [row for row in rows if row["kept_out"] is None]
    if not good:
        reasons = "; ".join(f"{row['title']}: {row['kept_out']}" for row in rows)
        raise run.BoardError(f"no engine is good enough: {reasons}")
    kept = min(good, key=lambda row: row["median_s"])
    result = {"kept": kept["engine"], "kind": "measured", "pictures": len(pictures), "engines": rows}
    result["max_drop"] = options.max_drop if pictures else None
    text = json.dumps(result, indent=2, sort_keys=True) + "\n"
    build_engine.write(run.inside(RESULT), text.encode("utf-8"))
    if not options.keep_all:
        remove([row["engine"] for row in rows if row is not kept])
    return result


def measure_all(
    manifest: Dict[str, Any], pictures: Pictures, options: argparse.Namespace
) -> List[Dict[str, Any]]:
    """Build and measure every engine; what fails says why and does not end the others."""
    open_runner = runner_maker(manifest, bool(pictures))
    # fp32 first: the others are compared with its answers.
    candidates = sorted(run.artifacts(manifest), key=lambda each: each["precision"] != "fp32")
    rows, answers = [], None  # type: List[Dict[str, Any]], Optional[np.ndarray]
    for artifact in candidates:
        row = {"engine": run.engine_name(artifact), "title": run.title(artifact)}
        try:
            row.update(built(artifact, options))
            found, mine = measured(manifest, artifact, open_runner, pictures, options.runs)
            answers = mine if artifact["precision"] == "fp32" else answers
            row.update(found, **compared(mine, answers, pictures))
        except run.BoardError as error:
            row["failed"] = str(error)
        row["kept_out"] = kept_out(row, options.max_drop if pictures else None)
        build_engine.say(f"{row['title']}: {said(row)}")
        rows.append(row)
    return rows


def built(artifact: Dict[str, Any], options: argparse.Namespace) -> Dict[str, Any]:
    """Build an engine where there is none that fits; return its record."""
    on_dla = bool(run.accelerator(artifact))
    words = ["--dla", str(options.dla)] if on_dla else ["--precision", artifact["precision"]]
    words += ["--workspace", str(options.workspace)]
    words += ["--timing-cache", options.timing_cache] if options.timing_cache else []
    record = build_engine.build(build_engine.parser().parse_args(words))
    names = ("bytes", "build_s", "layers", "tensorrt", "gpu")
    return {name: record[name] for name in names if name in record}


def runner_maker(manifest: Dict[str, Any], many: bool) -> Callable[[Dict[str, Any]], Any]:
    """Return what opens an engine: TensorRT's Python module or, where that is missing, its trtexec."""
    try:
        run.load_tensorrt()
    except run.BoardError:
        path = trtexec_engine.find()
        if path is None:
            raise
        if many:
            raise run.BoardError(
                "--pictures needs TensorRT's Python module (sudo apt install python3-libnvinfer):"
                " trtexec would be started anew for every picture"
            ) from None
        trtexec = trtexec_engine.Trtexec(path)
        return lambda artifact: trtexec_engine.TrtexecRunner(trtexec, artifact, manifest)
    return lambda artifact: run.open_runner(manifest, artifact, 1)


def measured(
    manifest: Dict[str, Any],
    artifact: Dict[str, Any],
    open_runner: Callable[[Dict[str, Any]], Any],
    pictures: Pictures,
    runs: int,
) -> Tuple[Dict[str, Any], np.ndarray]:
    """Return error and latency of an engine, and its class for each picture."""
    runner = open_runner(artifact)
    try:
        check = run.check_outputs(manifest, artifact, runner)
        if not check["ok"]:
            raise run.BoardError(f"its outputs are wrong ({check['detail']})")
        classes = [best_class(runner, path, manifest) for path, _ in pictures]
        batch = run.samples(manifest, artifact)[0][: run.look_up(manifest, "input", "shape")[0]]
        times_s = times_of(runner, batch, runs)
        found = dict(run.summary(times_s), max_abs_error=check["max_abs_error"], runtime=runner.runtime)
        return found, np.asarray(classes, int)
    finally:
        runner.close()


def times_of(runner: Any, batch: np.ndarray, runs: int) -> List[float]:
    """Return the seconds of `runs` inferences, copies included, after some that do not count."""
    if hasattr(runner, "times"):
        return list(runner.times(runs))
    run.timed(runner, batch, WARM_UP_RUNS)
    return list(run.timed(runner, batch, runs))


def best_class(runner: Any, path: str, manifest: Dict[str, Any]) -> int:
    """Return the class that an engine gives a picture."""
    shape = tuple(run.look_up(manifest, "input", "shape"))
    values = run.read_picture(path, run.look_up(manifest, "preprocessing"), shape)
    if values.shape != shape:
        raise run.BoardError(f"{path} gives {values.shape} and the model takes {shape}")
    scores = runner(values)
    if scores.ndim != 2 or not np.all(np.isfinite(scores)):
        raise run.BoardError(f"the scores of shape {scores.shape} for {path} name no class")
    return int(np.argmax(scores[0]))


def compared(mine: np.ndarray, answers: Optional[np.ndarray], pictures: Pictures) -> Dict[str, Any]:
    """Return top-1 and agreement with the fp32 engine, in percent, and the points lost against it."""
    if not pictures:
        return {}
    if answers is None:
        raise run.BoardError("there is no fp32 engine to compare it with")
    found = {"agreement": percent(mine == answers)}
    found["drop"] = 100 - found["agreement"]
    if pictures[0][1] is not None:
        true = np.asarray([label for _, label in pictures])
        found["top1"] = percent(mine == true)
        found["drop"] = percent(answers == true) - found["top1"]
    return found


def percent(right: np.ndarray) -> float:
    """Return how many of a hundred are right."""
    return 100 * float(np.mean(right))


def kept_out(row: Dict[str, Any], max_drop: Optional[float]) -> Optional[str]:
    """Return why an engine is not good enough, or None."""
    if "failed" in row:
        return str(row["failed"])
    if max_drop is not None and row["drop"] > max_drop:
        return f"loses {row['drop']:.2f} points, allowed {max_drop:g}"
    return None


def find_pictures(folder: str, manifest: Dict[str, Any]) -> Pictures:
    """Return the pictures of a folder; those in folders named by class with the class's index."""
    try:
        names = sorted(os.listdir(folder))
        inside = [name for name in names if os.path.isdir(os.path.join(folder, name))]
        found = [
            (path, class_index(name, manifest))
            for name in inside
            for path in files_in(os.path.join(folder, name))
        ]  # type: Pictures
        found = found if inside else [(path, None) for path in files_in(folder)]
    except OSError as error:
        raise run.BoardError(f"--pictures {folder} cannot be read: {error.strerror}") from error
    if not found:
        raise run.BoardError(f"--pictures {folder} holds no picture ({', '.join(SUFFIXES)})")
    return found


def files_in(folder: str) -> List[str]:
    """Return the pictures of one folder."""
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(SUFFIXES))
    return [os.path.join(folder, name) for name in names]


def class_index(name: str, manifest: Dict[str, Any]) -> int:
    """Return the class that a folder is named after: by its label, or by its number."""
    labels, classes = manifest.get("labels"), run.look_up(manifest, "output", "shape")[-1]
    if isinstance(labels, list) and name in labels:
        return labels.index(name)
    if name.isdigit() and int(name) < classes:
        return int(name)
    known = f"{', '.join(map(str, labels[:5]))}, ... or " if isinstance(labels, list) else ""
    raise run.BoardError(f"the folder {name} is no class of this model: {known}0 to {classes - 1}")


def remove(names: List[str]) -> None:
    """Remove engines with their records."""
    for name in names:
        for path in (run.inside(name), run.inside(name + ".json")):
            try:
                os.remove(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise run.BoardError(f"{path} cannot be removed: {error.strerror}") from error


def said(row: Dict[str, Any]) -> str:
    """Return what was found of an engine, in a few words."""
    if "failed" in row:
        return f"failed: {row['failed']}"
    words = [f"{row['median_s'] * 1e3:.3f} ms"]
    words += [
        f"{name} {row[key]:.2f} %"
        for name, key in (("top-1", "top1"), ("agreement", "agreement"))
        if key in row
    ]
    return ", ".join(words + ([row["kept_out"]] if row["kept_out"] else []))


def show(result: Dict[str, Any]) -> None:
    """Print one line an engine, the fastest first, and what follows from them."""
    rows = sorted(result["engines"], key=lambda row: row.get("median_s", float("inf")))
    print(f"{'engine':24} {'median':>10} {'p90':>10} {'MiB':>7} {'top-1':>8} {'agrees':>8}  measured here")
    for row in rows:
        ms = [f"{row[key] * 1e3:.3f} ms" if key in row else "-" for key in ("median_s", "p90_s")]
        size = f"{row['bytes'] / 2**20:.1f}" if "bytes" in row else "-"
        shares = [f"{row[key]:.2f} %" if key in row else "-" for key in ("top1", "agreement")]
        note = "kept" if row["engine"] == result["kept"] else row["kept_out"] or "slower"
        noisy = ", noisy" if row.get("noisy") else ""
        cells = f"{row['title']:24} {ms[0]:>10} {ms[1]:>10} {size:>7} {shares[0]:>8} {shares[1]:>8}"
        print(f"{cells}  {note}{noisy}")
    medians = {row["title"]: row["median_s"] for row in rows if "median_s" in row}
    if medians.get("int8", 0) > medians.get("fp16", float("inf")):
        print("int8 is slower than fp16 here")
    for row in rows:
        if row.get("layers"):
            print(f"{row['title']}: {engine_layers.sentence(row['layers'])}")
    if not result["pictures"]:
        print("accuracy was not measured (--pictures): each engine gives the sample outputs of its own graph")


def points(text: str) -> float:
    """Read a number of points of at least 0."""
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not 0 to 100")
    return value


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(
        prog="fastest_engine.py", description="Keep the fastest engine of this bundle."
    )
    top.add_argument("--pictures", metavar="DIR", help="pictures, in folders named by class or not")
    top.add_argument("--max-drop", type=points, default=0.5, metavar="POINTS", help="what may be lost (0.5)")
    top.add_argument("--runs", type=run.count, default=100, help="timed inferences of each engine (100)")
    top.add_argument(
        "--workspace",
        type=run.count,
        default=build_engine.DEFAULT_WORKSPACE_MIB,
        metavar="MIB",
        help="scratch memory of a build (256)",
    )
    top.add_argument("--timing-cache", metavar="FILE", help="keep timings here: later builds are faster")
    top.add_argument("--dla", type=build_engine.core_number, default=0, metavar="CORE", help="which DLA (0)")
    top.add_argument("--keep-all", action="store_true", help="remove no engine")
    top.add_argument("--json", action="store_true", help="print one JSON object")
    return top


def main(arguments: Optional[List[str]] = None) -> int:
    """Keep the fastest and return the exit code."""
    options = parser().parse_args(arguments)
    result, code = run.attempt(lambda: fastest(options))
    if code:
        return int(code)
    if options.json:
        print(json.dumps(dict(result, command="fastest_engine", ok=True)))
    else:
        show(result)
        by_trtexec = any(row.get("runtime", "").startswith("trtexec") for row in result["engines"])
        print("run.py needs TensorRT's Python module" if by_trtexec else "next: python3 run.py verify")
    return 0


if __name__ == "__main__":
    sys.exit(main())
