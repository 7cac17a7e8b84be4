#!/usr/bin/env python3
"""Build this bundle's TensorRT engine on the board that will run it.

    python3 build_engine.py
    python3 build_engine.py --precision fp32 --workspace 512 --timing-cache timing.cache

Writes model.<precision>.engine and model.<precision>.engine.json beside the ONNX file. An engine is only
good for the TensorRT version and the GPU it was built with, so this is run once on every board.

Python 3.6 or newer, numpy, TensorRT 8.2 to 11. Exit codes: 0 built, 1 failed (the reason on stderr), 2 wrong
usage. It has been checked against stand-ins of nine TensorRT versions. It has not built an engine on a
board yet.
"""

import argparse
import json
import os
import sys
import time
from typing import Any, Dict, List, Optional

try:
    import run  # type: ignore[import-not-found]  # the run.py of the same bundle
except ImportError as missing:
    if __name__ != "__main__":
        raise
    sys.exit(
        "build_engine.py needs the run.py of its bundle (%s): copy the whole bundle to the board" % missing
    )

DEFAULT_PRECISION = "fp16"
DEFAULT_WORKSPACE_MIB = 256
WARNING_SEVERITY = 2  # ILogger.Severity
# What a weakly typed network (TensorRT 8, 9) must be allowed; a strongly typed one says it in the graph.
PRECISION_FLAGS = {"fp32": (), "fp16": ("FP16",), "int8": ("INT8",)}


def build(options: argparse.Namespace) -> Dict[str, Any]:
    """Build one engine and write it with its record."""
    manifest = run.read_manifest()
    if manifest["runtime"] != "tensorrt":
        raise run.BoardError("this bundle is for LiteRT and needs no engine: run python3 run.py verify")
    run.require_whole_manifest()
    artifact = choose(manifest, options.precision)
    onnx = run.look_up(artifact, "path")
    digest = check_onnx(manifest, onnx)
    tensorrt, cuda = run.load_tensorrt(), run.open_cuda()
    gpu = cuda.gpu()
    name = run.engine_name(artifact)
    say(
        f"building {name} from {onnx} with TensorRT {tensorrt.__version__} for {gpu['name']} (SM {gpu['sm']})"
    )
    start = time.perf_counter()
    plan = build_plan(tensorrt, run.inside(onnx), artifact["precision"], options)
    record = {
        "engine": name,
        "precision": artifact["precision"],
        "onnx": onnx,
        "onnx_sha256": digest,
        "tensorrt": tensorrt.__version__,
        "gpu": gpu,
        "workspace_bytes": options.workspace << 20,
        "build_s": time.perf_counter() - start,
        "bytes": len(plan),
    }
    write(run.inside(name), plan)
    record["sha256"] = run.sha256_of(run.inside(name))
    write(run.inside(name + ".json"), (json.dumps(record, indent=2, sort_keys=True) + "\n").encode("utf-8"))
    cuda.close()
    return record


def choose(manifest: Dict[str, Any], precision: Optional[str]) -> Dict[str, Any]:
    """Return the artifact to build: the one asked for, else fp16, else the first."""
    found = run.artifacts(manifest)  # type: List[Dict[str, Any]]
    if precision is not None:
        found = run.with_precision(found, precision)
        return found[0]
    return next((each for each in found if run.look_up(each, "precision") == DEFAULT_PRECISION), found[0])


def check_onnx(manifest: Dict[str, Any], name: str) -> str:
    """Return the SHA-256 of the ONNX file; refuse one that is not the manifest's."""
    listed = run.listed_files(manifest)
    check = run.file_check(name, listed.get(name))
    if not check["ok"]:
        raise run.BoardError(f"{name} is damaged ({check['detail']}); copy the bundle again")
    return str(listed[name]["sha256"])


def build_plan(tensorrt: Any, onnx: str, precision: str, options: argparse.Namespace) -> bytes:
    """Return the serialized engine."""
    logger = make_logger(tensorrt)
    try:
        builder = tensorrt.Builder(logger)
    except (RuntimeError, TypeError) as error:
        raise run.BoardError(
            f"TensorRT finds no GPU to build for: {run.said(logger, run.first_line(error))}"
        ) from error
    network = builder.create_network(network_flags(tensorrt))
    parse(tensorrt, network, logger, onnx)
    config = builder.create_builder_config()
    set_workspace(tensorrt, config, options.workspace << 20)
    set_precision(tensorrt, config, precision, options.tf32)
    cache = load_timing_cache(config, options.timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise run.BoardError(build_failure(logger, options))
    if cache is not None:
        write(options.timing_cache, bytes(config.get_timing_cache().serialize()))
    return bytes(plan)


def network_flags(tensorrt: Any) -> int:
    """Return what create_network takes: explicit batch up to TensorRT 9, strong typing from 10 on."""
    kinds = tensorrt.NetworkDefinitionCreationFlag
    flags = [name for name in ("EXPLICIT_BATCH", "STRONGLY_TYPED") if hasattr(kinds, name)]
    return sum(1 << int(getattr(kinds, name)) for name in flags)


def parse(tensorrt: Any, network: Any, logger: Any, onnx: str) -> None:
    """Read the ONNX file into the network, or say what of it this TensorRT cannot read, one line an error."""
    parser = tensorrt.OnnxParser(network, logger)
    if parser.parse_from_file(onnx):
        return
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    lines = [f"  {describe(error)}" for error in errors] or [f"  {run.said(logger, 'no reason given')}"]
    name = os.path.basename(onnx)
    raise run.BoardError("\n".join([f"TensorRT {tensorrt.__version__} cannot read {name}:"] + lines))


def describe(error: Any) -> str:
    """Return one line about a parser error: the node, by name where this TensorRT says it, and the reason."""
    words = [f"node {error.node()}"]
    if hasattr(error, "node_operator"):  # TensorRT 9.1 and newer
        words += [error.node_operator(), error.node_name()]
    return f"{' '.join(word for word in words if word)}: {run.first_line(error.desc())}"


def set_workspace(tensorrt: Any, config: Any, size_bytes: int) -> None:
    """Limit the scratch memory of the build."""
    if hasattr(config, "set_memory_pool_limit"):  # TensorRT 8.4 and newer
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, size_bytes)
    else:
        config.max_workspace_size = size_bytes


def set_precision(tensorrt: Any, config: Any, precision: str, tf32: bool) -> None:
    """Allow what the precision needs; a strongly typed network needs nothing but its own types."""
    flags = tensorrt.BuilderFlag
    if not hasattr(tensorrt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED"):
        for name in PRECISION_FLAGS[precision]:
            config.set_flag(getattr(flags, name))
    if precision == "fp32" and not tf32 and hasattr(flags, "TF32"):
        # On by default on Ampere and newer, with a 10-bit mantissa: fp32 was asked for.
        config.clear_flag(flags.TF32)


def load_timing_cache(config: Any, path: Optional[str]) -> Any:
    """Give the build the timings of earlier builds; return the cache, or None where none was asked for."""
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            known = file.read()
    except FileNotFoundError:
        known = b""
    except OSError as error:
        raise run.BoardError(f"the timing cache {path} cannot be read: {error.strerror}") from error
    cache = config.create_timing_cache(known)
    if cache is None or not config.set_timing_cache(cache, False):
        say(f"the timing cache {path} is of another TensorRT or GPU: starting an empty one")
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    return cache


def build_failure(logger: Any, options: argparse.Namespace) -> str:
    """Return why a build returned nothing."""
    text = run.said(logger, "TensorRT gave no reason")
    if any("out of memory" in message.lower() for message in logger.errors):
        return (
            f"out of memory while building ({text}): close other programs, add swap,"
            f" or try --workspace {max(16, options.workspace // 2)}"
        )
    return f"TensorRT built no engine: {text}"


def make_logger(tensorrt: Any) -> Any:
    """Return a logger that keeps errors and shows warnings on stderr."""

    class Messages(tensorrt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)
            self.errors = []  # type: List[str]

        def log(self, severity: Any, message: str) -> None:
            if int(severity) < WARNING_SEVERITY:
                self.errors.append(message)
            elif int(severity) == WARNING_SEVERITY:
                say(f"TensorRT: {message}")

    return Messages()


def write(path: str, data: bytes) -> None:
    """Write a file whole or not at all."""
    partial = f"{path}.{os.getpid()}.tmp"
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise run.BoardError(f"{os.path.basename(path)} cannot be written: {error.strerror}") from error
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def say(text: str) -> None:
    """Tell the person at the board what is going on."""
    print(text, file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(prog="build_engine.py", description="Build this bundle's TensorRT engine.")
    top.add_argument("--precision", choices=sorted(PRECISION_FLAGS), help="which graph (default fp16)")
    top.add_argument(
        "--workspace",
        type=run.count,
        default=DEFAULT_WORKSPACE_MIB,
        metavar="MIB",
        help="scratch memory (256)",
    )
    top.add_argument("--timing-cache", metavar="FILE", help="keep timings here: later builds are faster")
    top.add_argument("--tf32", action="store_true", help="let fp32 engines round to TF32 on Ampere and newer")
    top.add_argument("--json", action="store_true", help="print one JSON object")
    return top


def main(arguments: Optional[List[str]] = None) -> int:
    """Build and return the exit code."""
    options = parser().parse_args(arguments)
    try:
        record = build(options)
    except run.BoardError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print("error: out of memory; close other programs and try again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps(dict(record, command="build_engine", ok=True)))
    else:
        print(f"{record['engine']}: {record['bytes']} bytes, built in {record['build_s']:.1f} s")
        print(f"next: python3 run.py verify --precision {record['precision']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
