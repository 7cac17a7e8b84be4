"""From the validated graph to what a board's runtime reads, one compiler for each runtime."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from edgecnn.device import DeviceProfile
from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export import micro, tensorrt, tflite
from edgecnn.export.artifacts import Artifact, graph_artifact
from edgecnn.export.bundle import CALIBRATION_CACHE, SAMPLE_OUTPUT_INT8
from edgecnn.export.parity import LOSSLESS
from edgecnn.graph.precision import layer_precisions, precision_of, rest_of, stored_weights
from edgecnn.graph.tflite_file import read_tflite

HOST_GPU = "host-gpu"  # the target that is this machine

# On random weights two runtimes that round another way are 1 to 10 % apart in int8, and kernels that round
# their inputs as they run are 1 to 7 % from exact ones (measured). For int8 the count of steps decides.
_TFLITE = {"fp32": LOSSLESS, "int8": 1e-1, "dynamic": 2e-1}
_TENSORRT_SCRIPTS = (
    "run.py",
    "build_engine.py",
    "engine_layers.py",
    "fastest_engine.py",
    "layer_times.py",
    "trtexec_engine.py",
)
_FP16 = 5e-2  # half precision through 30 layers moves an output by 0.1 to 1 % of its response (measured)


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The artifacts for a target, the scripts that go with them, and what to know about them."""

    artifacts: tuple[Artifact, ...]
    scripts: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is compiled.

    Attributes:
        graph: the folded canonical graph.
        io: the type of a .tflite file's input and output, `float` or `int8`.
        float_graph: what `graph` was quantized from, where a bundle holds both.
        ranges: of every tensor of that one by name, for a DLA.
    """

    graph: ir.Model
    io: str = "float"
    float_graph: ir.Model | None = None
    ranges: Mapping[str, tuple[float, float]] | None = None


def check_target(device: DeviceProfile, model: ir.Model, precision: str = "fp32") -> None:
    """Raise `EdgeCnnError`, before any work, where the device cannot run the graph in a precision."""
    operators = sorted({node.op_type for node in model.graph})
    device.refuse(precision=precision, opset=model.opset_imports[""], operators=operators)


def check_runtime(device: DeviceProfile) -> None:
    """Raise `EdgeCnnError`, before any work, where nothing compiles for the device's runtime."""
    if device.runtime not in _COMPILERS:
        raise EdgeCnnError(
            f"{device.name} runs {device.runtime}, for which no bundle can be made yet; choose a target of"
            f" {' or '.join(_COMPILERS)} (edgecnn list targets)"
        )


def compile_for(device: DeviceProfile, model: ir.Model, **more: Any) -> Compiled:
    """Compile a folded canonical graph for a target; raise `EdgeCnnError` where it cannot be done.

    `more` are the further fields of `Source`.
    """
    return _COMPILERS[device.runtime](device, Source(graph=model, **more))


def _compile_litert(_device: DeviceProfile, source: Source) -> Compiled:
    from edgecnn.runtime.litert_runner import LitertRunner

    model = source.graph
    data = tflite.write(model, io=source.io, weights=stored_weights(model))
    found = tflite.read_back(data)
    precision = _check_read_back(model, data, found)

    def values(image: np.ndarray) -> dict[str, np.ndarray]:
        runner = LitertRunner(data, keep_all=True)
        runner(image)
        return runner.values()

    artifact = Artifact(
        path="model.tflite",
        data=data,
        format="tflite",
        precision=precision,
        layout="NHWC",
        tolerance=_TFLITE[precision],
        runner=LitertRunner(data),
        values=values,
        operators=tflite.count_operators(data),
        quantized=precision == "int8",
    )
    notes = tuple(
        f"{name} computes in float32, between int8 operators" for name in sorted(set(found.islands))
    )
    return Compiled(artifacts=(artifact,), scripts=_scripts("run.py"), notes=notes)


def _check_read_back(model: ir.Model, data: bytes, found: tflite.ReadBack) -> str:
    """Look at what is really in the file: as asked, without a transposed activation; return the precision."""
    if found.transposed:
        raise VerificationError(f"the .tflite file transposes activations {found.transposed} times")
    if tflite.has_activation_pairs(model):
        # What has no int8 kernel stayed in float32 because that was allowed when the graph was quantized.
        tflite.check_precisions(model, data, tflite.without_int8())
        tflite.check_grids(model, data)
        return "int8"
    if tflite.has_weight_pairs(model):
        tflite.check_grids(model, data)
        return "dynamic"
    for operator in found.operators:
        other = {kind for kind in operator.outputs if kind != "float32"}
        if other:
            raise VerificationError(
                f"asked for float32, but {operator.name} of the .tflite file gives {other}"
            )
    halves = any("float16" in operator.inputs for operator in found.operators)
    if halves != (stored_weights(model) == "float16"):
        raise VerificationError(
            f"the graph wants {stored_weights(model)} weights, and the .tflite file has others"
        )
    return "fp32"


def _compile_tensorrt(device: DeviceProfile, source: Source) -> Compiled:
    versions = [release.version for release in device.runtimes if release.name == "tensorrt"]
    full = source.graph if source.float_graph is None else source.float_graph
    precision = precision_of(full)
    artifacts = [_with_layers(graph_artifact(full, precision=precision), full)]
    if precision == "fp32":
        half = tensorrt.to_fp16(full)
        artifacts.append(_with_layers(graph_artifact(half, "model.fp16.onnx", "fp16", _FP16), half))
    if source.graph is not full:
        artifacts.append(_with_layers(_int8_artifact(source.graph), source.graph))
    lines = tensorrt.trtexec_text([(each.path, each.precision, each.rest) for each in artifacts], versions)
    scripts = {**_scripts(*_TENSORRT_SCRIPTS), "trtexec.txt": lines.encode()}
    if source.ranges is not None:
        scripts[CALIBRATION_CACHE] = tensorrt.calibration_cache(source.ranges, versions[0]).encode()
    for_dla = ["for a DLA: python3 build_engine.py --dla 0; no DLA has run it yet"]
    notes = (
        "the engine is built on the board: python3 build_engine.py, then python3 run.py verify",
        *_missing_here(device),
        "no engine has been built on a board yet; checked were TensorRT's rules, and outputs in ONNX Runtime",
        *(for_dla if source.ranges is not None else []),
        *dict.fromkeys(
            str(each) for model in {id(full): full, id(source.graph): source.graph}.values()
            for each in _lint(device, model, versions)
        ),
    )  # fmt: skip
    return Compiled(artifacts=tuple(artifacts), scripts=scripts, notes=notes)


def _with_layers(artifact: Artifact, model: ir.Model) -> Artifact:
    return replace(artifact, layers=layer_precisions(model))


def _missing_here(device: DeviceProfile) -> list[str]:
    if device.name != HOST_GPU or find_spec("tensorrt") is not None:
        return []
    return ['TensorRT is not installed on this machine: pip install "edgecnn[tensorrt]"']


def _lint(device: DeviceProfile, model: ir.Model, versions: Sequence[str]) -> list[tensorrt.Finding]:
    """Return what makes a graph slow; raise for what TensorRT refuses or reads wrongly."""
    findings = tensorrt.lint(model, versions)
    errors = [finding for finding in findings if finding.severity == tensorrt.ERROR]
    if errors:
        raise EdgeCnnError(
            f"TensorRT on {device.name} would refuse the graph: {errors[0].place}: {errors[0].message}"
        )
    return findings


def _int8_artifact(model: ir.Model) -> Artifact:
    """Return the quantized graph beside the float one, run as it is read back from its bytes."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    artifact = graph_artifact(model, "model.int8.onnx", "int8")
    read_back = OnnxRunner(ir.serde.deserialize_model(onnx.load_model_from_string(artifact.data)))
    return replace(artifact, runner=read_back, expected=SAMPLE_OUTPUT_INT8, rest=rest_of(model))


def _scripts(*names: str) -> dict[str, bytes]:
    folder = files("edgecnn.export.board")
    return {name: (folder / name).read_bytes() for name in names}


def _compile_micro(device: DeviceProfile, source: Source) -> Compiled:
    """Write the same file as for LiteRT, of operators that TFLite Micro has; C++ is made of it later."""
    compiled = _compile_litert(device, source)
    for artifact in compiled.artifacts:
        micro.check_operators(read_tflite(artifact.data), device.name)
    return replace(compiled, scripts={})


_COMPILERS: dict[str, Callable[[DeviceProfile, Source], Compiled]] = {
    "litert": _compile_litert,
    "tensorrt": _compile_tensorrt,
    "tflite-micro": _compile_micro,
}
