#!/usr/bin/env python3
"""Build this bundle's TensorRT engine on the board that will run it.

    python3 build_engine.py
    python3 build_engine.py --precision fp32 --workspace 512 --timing-cache timing.cache
    python3 build_engine.py --dla 0

Writes model.<precision>.engine and model.<precision>.engine.json beside the ONNX file, by default of the
fastest precision that the bundle holds and the board has. With --dla the int8 engine is for a deep learning
accelerator: it is built from the float graph and calibration.cache, and what the DLA cannot run runs on the
GPU (model.int8.dla.engine).

An engine is only good for the TensorRT version and the GPU it was built with. One that still fits is kept;
one that does not is built again and the reason said (--force builds in any case). Where TensorRT's Python
module is missing, its trtexec builds. fastest_engine.py builds all of them and keeps the fastest.

Python 3.6 or newer, numpy, TensorRT 8.2 to 11. Exit codes: 0 built, 1 failed (the reason on stderr), 2 wrong
usage. It has been checked against stand-ins of nine TensorRT versions. It has not built an engine on a
board yet.
"""

import argparse
import json
import os
import re
import sys
import time
from typing import Any, Callable, Dict, List, Optional

try:
    import engine_layers  # type: ignore[import-not-found]  # of the same bundle, as the next two
    import run  # type: ignore[import-not-found]
    import trtexec_engine  # type: ignore[import-not-found]
except ImportError as missing:
    if __name__ != "__main__":
        raise
    sys.exit(
        "build_engine.py needs the other files of its bundle (%s): copy the whole bundle to the board"
        % missing
    )

DEFAULT_WORKSPACE_MIB = 256
WARNING_SEVERITY = 2  # ILogger.Severity
# What a weakly typed network (TensorRT 8, 9) must be allowed; a strongly typed one says it in the graph.
PRECISION_FLAGS = {"fp32": (), "fp16": ("FP16",), "int8": ("INT8",)}
# What a DLA cannot do in int8 it does in fp16, and the GPU does the rest. Its networks are weakly typed.
DLA_FLAGS = ("INT8", "FP16", "GPU_FALLBACK")
# Compute capabilities without int8 arithmetic: Jetson Nano and TX2, and TX1 with the Nano's.
WITHOUT_INT8 = ("5.3", "6.2")
# What an engine depends on, by the record's entry, and what is said where it has changed.
CHANGES = {
    "onnx_sha256": "was built from another model",
    "tensorrt": "was built by TensorRT {old} and this board has {new}",
    "gpu": "was built for {old} and this board has {new}",
    "calibration_sha256": "was built from other scales",
    "dla_core": "was built for DLA {old} and is asked for DLA {new}",
    "tf32": "was built with another --tf32",
    "workspace_bytes": "was built with another --workspace",
}
SHOWN = {"engine", "precision", "bytes", "builder"}  # of the record of an engine that is kept
# What TensorRT says where a layer finds no implementation, most often for want of scratch memory.
NO_ROOM = ("Could not find any implementation", "no tactics to implement")
# run.py reads an engine through TensorRT's Python module.
CHECKED_BY_TRTEXEC = "python3 fastest_engine.py --keep-all (trtexec checks the outputs and measures)"
CALIBRATOR = "IInt8EntropyCalibrator2"  # up to TensorRT 10


def build(options: argparse.Namespace) -> Dict[str, Any]:
    """Build one engine and write it with its record; keep the one that is there where it still fits."""
    manifest = run.read_manifest()
    if manifest["runtime"] != "tensorrt":
        raise run.BoardError("this bundle is for LiteRT and needs no engine: run python3 run.py verify")
    run.require_whole_manifest()
    found = choices(manifest, options)
    open_tool = find_tool(manifest)
    cuda = run.open_cuda()
    try:
        gpu, tool = cuda.gpu(), open_tool()
        artifact = choose(found, tool, gpu, options)
        if options.dla is not None:
            tool.check_dla(gpu, options.dla)
        record = describe_engine(manifest, artifact, tool, gpu, options)
        reason = reason_to_build(record)
        if reason is None:
            reason = tool.unreadable(record)
        if reason is None and not options.force:
            return dict(run.read_engine_record(record["engine"], ""), built=False)
        if reason:
            say(f"{record['engine']} {reason}: building it again")
        return dict(make_engine(record, artifact, tool, options), built=True, reason=reason or None)
    finally:
        cuda.close()


def describe_engine(
    manifest: Dict[str, Any],
    artifact: Dict[str, Any],
    tool: Any,
    gpu: Dict[str, str],
    options: argparse.Namespace,
) -> Dict[str, Any]:
    """Return what is known of an engine before it is built: what it depends on."""
    onnx, name = run.look_up(artifact, "path"), run.engine_name(artifact)
    record = {"engine": name, "precision": artifact["precision"], "onnx": onnx, "tf32": options.tf32}
    record.update(onnx_sha256=check_file(manifest, onnx), tensorrt=tool.version, gpu=gpu, builder=tool.name)
    record["workspace_bytes"] = options.workspace << 20
    if options.dla is not None:
        record.update(dla_core=options.dla, calibration_sha256=check_file(manifest, artifact["calibration"]))
    return record


def reason_to_build(record: Dict[str, Any]) -> Optional[str]:
    """Return why an engine is to be built: nothing to say where there is none, None where it still fits."""
    name = record["engine"]
    if not os.path.isfile(run.inside(name)):
        return ""
    try:
        old, digest = run.read_engine_record(name, ""), run.sha256_of(run.inside(name))
    except run.BoardError:
        return "has no record of what it was built for"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    for key, told in CHANGES.items():
        if old.get(key) != record.get(key):
            return told.format(old=shown(old.get(key)), new=shown(record.get(key)))
    if old.get("sha256") != digest:
        return "has changed since it was built"
    return None if set(old) >= SHOWN else "has no record of what it was built for"


def shown(value: Any) -> str:
    """Return an entry of a record as people read it."""
    return f"{value.get('name')} (SM {value.get('sm')})" if isinstance(value, dict) else str(value)


def make_engine(
    record: Dict[str, Any], artifact: Dict[str, Any], tool: Any, options: argparse.Namespace
) -> Dict[str, Any]:
    """Build an engine, write it and its record, and say in which precision its layers are."""
    name, gpu = record["engine"], record["gpu"]
    by = "" if tool.name == "tensorrt" else f" by {tool.name}"
    where = f"{gpu['name']} (SM {gpu['sm']})"
    say(f"building {name} from {record['onnx']} with TensorRT {tool.version}{by} for {where}")
    start = time.perf_counter()
    plan = tool.plan(artifact, options)
    record.update(build_s=time.perf_counter() - start, bytes=len(plan))
    write(run.inside(name), plan)
    record["sha256"] = run.sha256_of(run.inside(name))
    layers = tool.layers(plan, artifact)
    if layers is not None:
        record["layers"] = layers
    write(run.inside(name + ".json"), (json.dumps(record, indent=2, sort_keys=True) + "\n").encode("utf-8"))
    return record


def find_tool(manifest: Dict[str, Any]) -> Callable[[], Any]:
    """Return what opens TensorRT's Python module or, where that is missing, its trtexec."""
    try:
        tensorrt = run.load_tensorrt()
    except run.BoardError as error:
        path = trtexec_engine.find()
        if path is None:
            raise run.BoardError(f"{error}; there is no trtexec either") from error
        check_file(manifest, trtexec_engine.LINES)
        return lambda: trtexec_engine.Trtexec(path)
    return lambda: Bindings(tensorrt)


class Bindings:
    """TensorRT, reached through its Python module."""

    name = "tensorrt"

    def __init__(self, tensorrt: Any) -> None:
        self.tensorrt, self.version = tensorrt, str(tensorrt.__version__)
        self.logger = make_logger(tensorrt)
        self.builder = make_builder(tensorrt, self.logger)
        self.has_int8 = bool(getattr(self.builder, "platform_has_fast_int8", True))

    def check_dla(self, gpu: Dict[str, str], core: int) -> None:
        """Refuse a DLA that is not there."""
        check_dla(self.tensorrt, self.builder, gpu, core)

    def plan(self, artifact: Dict[str, Any], options: argparse.Namespace) -> bytes:
        """Return the serialized engine."""
        return build_plan(self.tensorrt, self.builder, self.logger, artifact, options)

    def unreadable(self, record: Dict[str, Any]) -> Optional[str]:
        """Return why an engine that should fit is to be built again, or None where TensorRT reads it."""
        reader = self.tensorrt.Runtime(self.logger)
        if "dla_core" in record:
            reader.DLA_core = record["dla_core"]
        with open(run.inside(record["engine"]), "rb") as file:
            if reader.deserialize_cuda_engine(file.read()) is not None:
                return None
        return f"cannot be read ({run.said(self.logger, 'TensorRT gave no reason')})"

    def layers(self, plan: bytes, artifact: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Return what became of the precision of each layer, where bundle and TensorRT say it."""
        asked = artifact.get("layers")
        if asked is None or run.accelerator(artifact):
            return None  # a DLA runs as one layer
        engine = self.tensorrt.Runtime(self.logger).deserialize_cuda_engine(plan)
        if engine is None:
            say(f"its layers cannot be read: {run.said(self.logger, 'TensorRT gave no reason')}")
            return None
        return dict(engine_layers.compare(asked, engine_layers.read(self.tensorrt, engine)))


def choices(manifest: Dict[str, Any], options: argparse.Namespace) -> List[Dict[str, Any]]:
    """Return the artifacts that may be built, the fastest first."""
    found, dla = run.artifacts(manifest), options.dla is not None
    found = found if dla else [each for each in found if not run.accelerator(each)]
    return list(run.with_precision(found, options.precision, dla))


def choose(
    found: List[Dict[str, Any]], tool: Any, gpu: Dict[str, str], options: argparse.Namespace
) -> Dict[str, Any]:
    """Return the first artifact that this board has the arithmetic for."""
    lacks = gpu["sm"] in WITHOUT_INT8 or not tool.has_int8
    left = [each for each in found if each["precision"] != "int8" or not lacks]
    reason = f"{gpu['name']} (SM {gpu['sm']}) has no int8 arithmetic"
    if not left:
        asked = options.precision is not None or options.dla is not None
        advice = "run python3 build_engine.py --precision fp16" if asked else "export it with --fp16"
        raise run.BoardError(f"{reason}, and TensorRT builds no int8 engine for it: {advice}")
    if len(left) < len(found):
        say(f"{reason}: building {left[0]['precision']}")
    return left[0]


def check_dla(tensorrt: Any, builder: Any, gpu: Dict[str, str], core: int) -> None:
    """Refuse a DLA that is not there, and a TensorRT that cannot be told its scales."""
    if not hasattr(tensorrt, CALIBRATOR):
        raise run.BoardError(
            f"TensorRT {tensorrt.__version__} reads no calibration cache, and a DLA takes its scales from"
            " nowhere else: run python3 build_engine.py for the GPU"
        )
    cores = builder.num_DLA_cores
    if core >= cores:
        has = f"has DLA 0 to {cores - 1}" if cores > 0 else "has no DLA"
        raise run.BoardError(f"--dla {core}: this board ({gpu['name']}) {has}")


def check_file(manifest: Dict[str, Any], name: str) -> str:
    """Return the SHA-256 of a file of the bundle; refuse one that is not the manifest's."""
    listed = run.listed_files(manifest)
    check = run.file_check(name, listed.get(name))
    if not check["ok"]:
        raise run.BoardError(f"{name} is damaged ({check['detail']}); copy the bundle again")
    return str(listed[name]["sha256"])


def make_builder(tensorrt: Any, logger: Any) -> Any:
    """Return TensorRT's builder."""
    try:
        return tensorrt.Builder(logger)
    except (RuntimeError, TypeError) as error:
        raise run.BoardError(
            f"TensorRT finds no GPU to build for: {run.said(logger, run.first_line(error))}"
        ) from error


def build_plan(
    tensorrt: Any, builder: Any, logger: Any, artifact: Dict[str, Any], options: argparse.Namespace
) -> bytes:
    """Return the serialized engine."""
    network = builder.create_network(network_flags(tensorrt, options.dla is not None))
    parse(tensorrt, network, logger, run.inside(artifact["path"]))
    config = builder.create_builder_config()
    set_workspace(tensorrt, config, options.workspace << 20)
    if hasattr(config, "profiling_verbosity"):
        config.profiling_verbosity = tensorrt.ProfilingVerbosity.DETAILED  # layers say their types
    calibrator = None  # TensorRT does not hold it: it lives here until the engine is built
    if options.dla is None:
        set_precision(tensorrt, config, artifact, options.tf32)
    else:
        calibrator = make_calibrator(tensorrt, run.inside(artifact["calibration"]))
        config.int8_calibrator = calibrator
        set_dla(tensorrt, config, network, options.dla)
    cache = load_timing_cache(config, options.timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise run.BoardError(build_failure(logger, options))
    if cache is not None:
        write(options.timing_cache, bytes(config.get_timing_cache().serialize()))
    return bytes(plan)


def network_flags(tensorrt: Any, weakly_typed: bool = False) -> int:
    """Return what create_network takes: explicit batch up to TensorRT 9, strong typing from 10 on."""
    kinds = tensorrt.NetworkDefinitionCreationFlag
    names = ("EXPLICIT_BATCH",) if weakly_typed else ("EXPLICIT_BATCH", "STRONGLY_TYPED")
    return sum(1 << int(getattr(kinds, name)) for name in names if hasattr(kinds, name))


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
    return f"{' '.join(word for word in words if word)}: {reason(error.desc())}"


def reason(text: str) -> str:
    """Return the line of a parser error that says what is wrong, behind the one that names the node."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("Invalid Node")), run.first_line(text))


def set_workspace(tensorrt: Any, config: Any, size_bytes: int) -> None:
    """Limit the scratch memory of the build."""
    if hasattr(config, "set_memory_pool_limit"):  # TensorRT 8.4 and newer
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, size_bytes)
    else:
        config.max_workspace_size = size_bytes


def set_precision(tensorrt: Any, config: Any, artifact: Dict[str, Any], tf32: bool) -> None:
    """Allow what the precision needs; a strongly typed network needs nothing but its own types."""
    flags, precision = tensorrt.BuilderFlag, artifact["precision"]
    if not hasattr(tensorrt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED"):
        rest = PRECISION_FLAGS.get(artifact.get("rest", "fp32"), ())  # what int8 leaves in float
        for name in PRECISION_FLAGS[precision] + rest:
            config.set_flag(getattr(flags, name))
    if precision == "fp32" and not tf32 and hasattr(flags, "TF32"):
        # On by default on Ampere and newer, with a 10-bit mantissa: fp32 was asked for.
        config.clear_flag(flags.TF32)


def set_dla(tensorrt: Any, config: Any, network: Any, core: int) -> None:
    """Give the DLA every layer that it can run, and say how many are left to the GPU."""
    for name in DLA_FLAGS:
        config.set_flag(getattr(tensorrt.BuilderFlag, name))
    config.DLA_core = core
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    fitting = [layer for layer in layers if config.can_run_on_DLA(layer)]
    for layer in fitting:
        config.set_device_type(layer, tensorrt.DeviceType.DLA)
    if not fitting:
        raise run.BoardError(
            "the DLA can run no layer of this network: run python3 build_engine.py for the GPU"
        )
    if len(fitting) < len(layers):
        say(
            f"{len(layers) - len(fitting)} of {len(layers)} layers run on the GPU, because the DLA cannot run"
            " them"
        )


def with_version(cache: bytes, version: str) -> bytes:
    """Return a calibration cache under the version of the TensorRT that reads it; its scales stay."""
    # An early one is called 10.0.0b6.
    major, minor, patch = (int(digits) for digits in re.findall(r"\d+", version + ".0.0")[:3])
    number = major * 10000 + minor * 100 + patch if major >= 10 else major * 1000 + minor * 100 + patch
    return f"TRT-{number}-EntropyCalibration2\n".encode("utf-8") + cache.partition(b"\n")[2]


def make_calibrator(tensorrt: Any, path: str) -> Any:
    """Return a calibrator that has no pictures and knows every scale from its file."""
    with open(path, "rb") as file:
        cache = with_version(file.read(), tensorrt.__version__)
    parent = getattr(tensorrt, CALIBRATOR)

    class Scales(parent):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            parent.__init__(self)

        def get_batch_size(self) -> int:
            return 1

        def get_batch(self, _names: List[str]) -> None:
            return None

        def read_calibration_cache(self) -> bytes:
            return cache

        def write_calibration_cache(self, _cache: Any) -> None:
            return None

    return Scales()


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
    if any(words in message for message in logger.errors for words in NO_ROOM):
        return f"TensorRT built no engine: {text}; try --workspace {2 * options.workspace}"
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


def core_number(text: str) -> int:
    """Read the number of a DLA."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not 0 or more")
    return value


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(prog="build_engine.py", description="Build this bundle's TensorRT engine.")
    top.add_argument(
        "--precision",
        choices=sorted(PRECISION_FLAGS),
        help="which graph (default: the fastest the board has)",
    )
    top.add_argument("--dla", type=core_number, metavar="CORE", help="int8 for this DLA, 0 or 1")
    top.add_argument(
        "--workspace",
        type=run.count,
        default=DEFAULT_WORKSPACE_MIB,
        metavar="MIB",
        help="scratch memory (256)",
    )
    top.add_argument("--timing-cache", metavar="FILE", help="keep timings here: later builds are faster")
    top.add_argument(
        "--force", action="store_true", help="build where the engine that is there still fits, too"
    )
    top.add_argument("--tf32", action="store_true", help="let fp32 engines round to TF32 on Ampere and newer")
    top.add_argument("--json", action="store_true", help="print one JSON object")
    return top


def main(arguments: Optional[List[str]] = None) -> int:
    """Build and return the exit code."""
    options = parser().parse_args(arguments)
    record, code = run.attempt(lambda: build(options))
    if code:
        return int(code)
    if options.json:
        print(json.dumps(dict(record, command="build_engine", ok=True)))
    else:
        did = (
            f"built in {record['build_s']:.1f} s" if record["built"] else "still fits this board and was kept"
        )
        print(f"{record['engine']}: {record['bytes']} bytes, {did}")
        if "layers" in record:
            print(engine_layers.sentence(record["layers"]))
        flag = "--dla" if "dla_core" in record else f"--precision {record['precision']}"
        with_module = f"python3 run.py verify {flag}"
        print(f"next: {with_module if record['builder'] == 'tensorrt' else CHECKED_BY_TRTEXEC}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
