"""A strict stand-in for NVIDIA's trtexec, of the version in STANDIN_TENSORRT.

It knows the flags of its version and no others, builds with the stand-in of `tensorrt`, and runs an engine in
ONNX Runtime. Banner, exit codes and files have the form of NVIDIA's own samples/common/sampleReporting.cpp.
STANDIN_FAILURE makes a build fail with this error.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np

# By flag: the first version that has it and the first that has not, of NVIDIA's migration guides.
FLAGS = {
    "--help": ((8, 0), (99, 0)),
    "--onnx": ((8, 0), (99, 0)),
    "--saveEngine": ((8, 0), (99, 0)),
    "--loadEngine": ((8, 0), (99, 0)),
    "--noTF32": ((8, 0), (99, 0)),
    "--timingCacheFile": ((8, 0), (99, 0)),
    "--iterations": ((8, 0), (99, 0)),
    "--duration": ((8, 0), (99, 0)),
    "--warmUp": ((8, 0), (99, 0)),
    "--loadInputs": ((8, 0), (99, 0)),
    "--exportOutput": ((8, 0), (99, 0)),
    "--exportTimes": ((8, 0), (99, 0)),
    "--workspace": ((8, 0), (10, 0)),
    "--memPoolSize": ((8, 4), (99, 0)),
    "--buildOnly": ((8, 0), (10, 0)),
    "--skipInference": ((8, 6), (99, 0)),
    "--fp16": ((8, 0), (11, 0)),
    "--int8": ((8, 0), (11, 0)),
    "--stronglyTyped": ((9, 0), (99, 0)),
    "--noCudaGraph": ((11, 0), (99, 0)),
    "--noSpinWait": ((11, 0), (99, 0)),
    "--includeDataTransfers": ((11, 0), (99, 0)),
}
LATENCY_MS = {"fp32": 3.0, "fp16": 2.0, "int8": 1.0}


def standin():
    """Import the stand-in of `tensorrt`."""
    path = Path(__file__).with_name("tensorrt_standin.py")
    spec = importlib.util.spec_from_file_location("tensorrt_standin", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["tensorrt_standin"] = module
    spec.loader.exec_module(module)
    return module


def main(version, words):
    """Build or run an engine; return the exit code."""
    numbers = [int(part) for part in version.split(".")[:3]]
    wide = 10_000 if numbers[0] >= 10 else 1000
    name = f"TensorRT.trtexec [TensorRT v{numbers[0] * wide + numbers[1] * 100 + numbers[2]}]"
    say(f"&&&& RUNNING {name} # trtexec {' '.join(words)}")
    given = dict(word.partition("=")[::2] for word in words)
    for flag in given:
        first, until = FLAGS.get(flag, ((99, 0), (99, 0)))
        if not first <= tuple(numbers[:2]) < until:
            say(f"[11/27/2026-00:00:00] [E] Unknown option: {flag}")
            return 1
    if "--help" in given:
        return 0
    error = build(version, given) if "--onnx" in given else run(given)
    if error:
        say(f"[11/27/2026-00:00:00] [E] Error[2]: {error}")
    say(f"&&&& {'FAILED' if error else 'PASSED'} {name}")
    return 1 if error else 0


def build(version, given):
    """Write an engine; return the error where there is one."""
    module = standin()
    trt = module.make_tensorrt(
        version, module.Board(sm="8.7", build_error=os.environ.get("STANDIN_FAILURE", ""))
    )
    messages = []

    class Log(trt.ILogger):
        def log(self, severity, message):
            messages.append((severity, message))

    log = Log()
    builder, config = trt.Builder(log), trt.IBuilderConfig()
    typed = "--stronglyTyped" in given
    network = builder.create_network(0b11 if typed else 0b01)
    parser = trt.OnnxParser(network, log)
    if not parser.parse_from_file(given["--onnx"]):
        return parser.get_error(0).desc()
    for flag in ("fp16", "int8"):
        if f"--{flag}" in given:
            config.set_flag(trt.BuilderFlag[flag.upper()])
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        return next(message for severity, message in messages if severity == module.Severity.ERROR)
    Path(given["--saveEngine"]).write_bytes(plan)
    if "--timingCacheFile" in given:
        Path(given["--timingCacheFile"]).write_bytes(b"timings")
    return ""


def run(given):
    """Run an engine once and write what is asked for."""
    import onnxruntime

    plan = Path(given["--loadEngine"]).read_bytes().partition(b"\n")[2]
    session = onnxruntime.InferenceSession(plan, providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()
    feed = np.zeros(value.shape, np.float32)
    if "--loadInputs" in given:
        name, _, path = given["--loadInputs"].partition(":")
        assert name == value.name
        feed = np.fromfile(path, np.float32).reshape(value.shape)
    (output,) = session.run(None, {value.name: feed})
    if "--exportOutput" in given:
        found = {"name": session.get_outputs()[0].name, "dimensions": "x".join(map(str, output.shape))}
        write(given["--exportOutput"], [found | {"values": [float(each) for each in output.ravel()]}])
    if "--exportTimes" in given:
        latency_ms = next(ms for word, ms in LATENCY_MS.items() if word in given["--loadEngine"])
        warm_up, runs = float(given["--warmUp"]), int(given["--iterations"])
        starts = [0.0, *(warm_up + index for index in range(runs))]
        write(
            given["--exportTimes"],
            [{"startComputeMs": start, "latencyMs": latency_ms if start else 99.0} for start in starts],
        )
    return ""


def say(text):
    sys.stdout.write(text + "\n")


def write(path, found):
    Path(path).write_text(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main(os.environ["STANDIN_TENSORRT"], sys.argv[1:]))
