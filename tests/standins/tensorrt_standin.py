# ruff: noqa: N802, N815  # the names are NVIDIA's
"""A strict stand-in for NVIDIA's `tensorrt` module, of any version whose public names are in tensorrt_api/.

Whatever a version lacks raises AttributeError, on reading and on setting. The parser loads the ONNX file, the
"plan" holds its bytes with the version and the GPU it was built for, and the execution context runs it in
ONNX Runtime on the addresses it is given, so that the scripts under test are run end to end.

Of 8.2, 8.4 and 8.5 only the flat set of names is known; which class has which is then taken from 8.6.
"""

import ctypes
import enum
import hashlib
import json
import os
import signal
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

API = Path(__file__).parent / "tensorrt_api"
VERSIONS = sorted(
    (path.stem for path in API.glob("*.json")), key=lambda text: [int(x) for x in text.split(".")]
)
HIGHEST_OPSET = {"8.2": 13, "8.4": 13, "8.5": 17, "8.6": 17, "10.3": 20, "10.13": 22, "10.16": 24}
NO_HARD_SWISH = ("8.2", "8.4")
NO_INT8 = ("5.3", "6.2")  # compute capabilities
# A class that 8.6 has and an older version may lack, and the name that tells.
WITNESS = {
    "MemoryPoolType": "set_memory_pool_limit",
    "TensorIOMode": "get_tensor_mode",
    "HardwareCompatibilityLevel": "hardware_compatibility_level",
    "PreviewFeature": "set_preview_feature",
    "OnnxParserFlag": "NATIVE_INSTANCENORM",
    "ProfilingVerbosity": "profiling_verbosity",
}
ENUM_VALUES = {
    "NetworkDefinitionCreationFlag": {"EXPLICIT_BATCH": 0, "EXPLICIT_PRECISION": 1, "STRONGLY_TYPED": 1},
}


@dataclass
class Board:
    """What the stand-in pretends to run on, and how it should fail."""

    gpu: str = "Stand-in GPU"
    sm: str = "5.3"
    build_error: str = ""  # build_serialized_network logs this and returns None
    fails: dict[str, str] = field(default_factory=dict)  # the same for networks with an operator, by its name
    dies_at: tuple[str, ...] = ()  # operators over which the process is killed
    no_gpu: bool = False
    dla_cores: int = 0
    dla_lacks: tuple[str, ...] = ()  # operators that its DLA cannot run
    no_context: bool = False
    wrong_outputs: float = 0.0  # added to every output
    in_fp16: tuple[str, ...] = ()  # layers that its engines compute in fp16, whatever the graph says
    profiled: int = 0  # inferences that reported their layers
    in_a_block: tuple[str, ...] = ()  # layers that its engines hold inside a compiled block
    log: list[str] = field(default_factory=list)
    configs: list[Any] = field(default_factory=list)
    networks: list[Any] = field(default_factory=list)
    runtimes: list[Any] = field(default_factory=list)


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


@cache
def api(version: str) -> dict[str, Any]:
    return json.loads((API / f"{version}.json").read_text())


class Names:
    """The public names of one version: of the module, of each class, of each enumeration."""

    def __init__(self, version: str) -> None:
        self.flat = set(api(version).get("names", ()))
        self.full = api("8.6.1" if self.flat else version)

    def top(self) -> set[str]:
        top = set(self.full["top"])
        return (
            {name for name in top if name not in WITNESS or WITNESS[name] in self.flat} if self.flat else top
        )

    def of(self, kind: str) -> set[str]:
        names = set(self.full["attrs"].get(kind) or ())
        return names & self.flat if self.flat else names

    def members(self, kind: str) -> list[str]:
        members = self.full["enums"].get(kind) or []
        return [name for name in members if not self.flat or name in self.flat]


def strict(cls: type, allowed: set[str]) -> type:
    """Return the class with only the allowed public names, whose objects take no others."""

    def refuse_new(self: Any, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in allowed:
            raise AttributeError(f"{cls.__name__} has no attribute {name!r}")
        object.__setattr__(self, name, value)

    kept = {
        name: value
        for name, value in vars(cls).items()
        if (name.startswith("_") and name not in ("__dict__", "__weakref__")) or name in allowed
    }
    return type(cls.__name__, cls.__bases__, {**kept, "__setattr__": refuse_new})


class Severity(enum.IntEnum):
    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4


class ILogger:
    Severity = Severity
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = Severity

    def __init__(self) -> None:
        self._ready = True

    def log(self, severity: Severity, message: str) -> None:
        raise NotImplementedError


class IProfiler:
    def __init__(self) -> None:
        self._ready = True

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError


class IInt8EntropyCalibrator2:
    def __init__(self) -> None:
        self._ready = True


def report(logger: ILogger, severity: Severity, message: str) -> None:
    if not getattr(logger, "_ready", False):
        raise RuntimeError("ILogger.__init__ was not called")
    logger.log(severity, message)


def make_tensorrt(version: str, board: Board | None = None) -> types.ModuleType:
    """Return a module that can stand in sys.modules["tensorrt"]."""
    board = board or Board()
    names, module = Names(version), types.ModuleType("tensorrt")
    module.__version__ = version
    module._board = board
    for kind in names.full["enums"]:
        members = names.members(kind)
        if kind in names.top() and members:
            values = ENUM_VALUES.get(kind) or {name: index for index, name in enumerate(members)}
            setattr(
                module, kind, enum.Enum(kind, {name: values.get(name, 9) for name in members}, type=Indexed)
            )
    module.ILogger = ILogger
    module.IProfiler = IProfiler
    if "IInt8EntropyCalibrator2" in names.top():
        module.IInt8EntropyCalibrator2 = IInt8EntropyCalibrator2
    for cls in classes(version, module, board):
        setattr(module, cls.__name__, strict(cls, names.of(cls.__name__)))
    missing = {name for name in vars(module) if not name.startswith("_")} - names.top()
    assert not missing, f"the stand-in has names that TensorRT {version} lacks: {missing}"
    return module


class Indexed(int, enum.Enum):
    """An enumeration of pybind11: int() works, no arithmetic is asked of it."""


def classes(version: str, trt: types.ModuleType, board: Board) -> list[type]:  # noqa: C901  # a module's worth
    """Return the classes as the newest and the oldest version together have them; `strict` takes away."""
    old = minor(version).startswith("8.")
    strongly_typed_only = int(version.split(".")[0]) >= 11

    class Builder:
        def __init__(self, logger: ILogger) -> None:
            if board.no_gpu:
                report(logger, Severity.ERROR, "CUDA initialization failure with error: 100")
                raise TypeError("pybind11::init(): factory function returned nullptr")
            self._logger = logger

        platform_has_fast_fp16 = True
        platform_has_fast_int8 = board.sm not in NO_INT8
        num_DLA_cores = board.dla_cores

        def create_network(self, flags: int = 0) -> Any:
            network = trt.INetworkDefinition()
            network._flags = flags
            board.networks.append(network)
            return network

        def create_builder_config(self) -> Any:
            config = trt.IBuilderConfig()
            board.configs.append(config)
            return config

        def build_serialized_network(self, network: Any, config: Any) -> Any:
            operators = {node.op_type for node in onnx.load_from_string(network._onnx).graph.node}
            if operators & {*board.dies_at}:
                os.kill(os.getpid(), signal.SIGKILL)
            failing = next((said for name, said in board.fails.items() if name in operators), "")
            reason = board.build_error or failing or self._refusal(network, config)
            if reason:
                report(self._logger, Severity.ERROR, reason)
                return None
            report(self._logger, Severity.WARNING, "stand-in: nothing was optimized")
            config._cache_after = True
            header = {"version": version, "sm": board.sm, "dla": config._dla_core}
            header["detailed"] = config._verbosity == "DETAILED"
            body = network._onnx
            header["digest"] = hashlib.sha256(body).hexdigest()
            return IHostMemory(json.dumps(header).encode() + b"\n" + body)

        def _refusal(self, network: Any, config: Any) -> str:
            typed = strongly_typed_only or is_set(network._flags, trt, "STRONGLY_TYPED")
            flags = {flag.name for flag in config._flags}
            graph = onnx.load_from_string(network._onnx).graph
            halves = any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in graph.initializer)
            pairs = any(node.op_type == "QuantizeLinear" for node in graph.node)
            if typed and flags & {"FP16", "INT8"}:
                return f"precision flags {flags} are not allowed for a strongly typed network"
            if halves and not typed and "FP16" not in flags:
                return "fp16 precision has been set for a layer or layer output, but fp16 is not configured"
            if pairs and not typed and "INT8" not in flags:
                return "int8 precision has been set for a layer or layer output, but int8 is not configured"
            if (pairs or "INT8" in flags) and board.sm in NO_INT8:
                return "Int8 support requested on hardware without native Int8 support"
            if "INT8" in flags and not pairs and config._calibrator is None:
                return "Calibration failure: no calibrator and no scales"
            return self._refuse_scales(graph, config) or self._refuse_dla(config, pairs, flags)

        def _refuse_scales(self, graph: Any, config: Any) -> str:
            """Read the calibration cache as TensorRT does: every tensor of the network has a scale in it."""
            if config._calibrator is None:
                return ""
            header, *lines = config._calibrator.read_calibration_cache().decode().splitlines()
            numbers = [int(each) for each in version.split(".")[:3]]
            wide = 10_000 if numbers[0] >= 10 else 1000
            if header != f"TRT-{numbers[0] * wide + numbers[1] * 100 + numbers[2]}-EntropyCalibration2":
                return f"calibration cache {header} is of another version or calibrator"
            known = {name: bytes.fromhex(value) for name, value in (line.split(": ") for line in lines)}
            wanted = [each.name for each in graph.input] + [
                each for node in graph.node for each in node.output
            ]
            lacking = [name for name in wanted if not np.frombuffer(known.get(name, bytes(4)), ">f4")[0] > 0]
            return f"Missing scale for {lacking}" if lacking else ""

        def _refuse_dla(self, config: Any, pairs: bool, flags: set[str]) -> str:
            if not config._on_dla:
                return ""
            if pairs:
                return "DLA does not support QuantizeLinear"
            lacking = config._left_to_gpu and "GPU_FALLBACK" not in flags
            if not 0 <= config._dla_core < board.dla_cores:
                return f"DLA core {config._dla_core} is not available"
            return "GPU fallback is not enabled" if lacking else ""

    class IBuilderConfig:
        def __init__(self) -> None:
            self._flags, self._workspace, self._cache = set(), None, None
            self._verbosity = "LAYER_NAMES_ONLY"
            self._cleared = set()
            self._calibrator, self._dla_core, self._on_dla, self._left_to_gpu = None, -1, [], []

        @property
        def int8_calibrator(self) -> Any:
            return self._calibrator

        @int8_calibrator.setter
        def int8_calibrator(self, value: Any) -> None:
            assert value._ready
            self._calibrator = value

        @property
        def DLA_core(self) -> int:
            return self._dla_core

        @DLA_core.setter
        def DLA_core(self, value: int) -> None:
            self._dla_core = value

        @property
        def profiling_verbosity(self) -> Any:
            return trt.ProfilingVerbosity[self._verbosity]

        @profiling_verbosity.setter
        def profiling_verbosity(self, value: Any) -> None:
            self._verbosity = trt.ProfilingVerbosity(value).name

        def can_run_on_DLA(self, layer: Any) -> bool:
            runs = layer.type not in board.dla_lacks and {"INT8", "FP16"} & {
                each.name for each in self._flags
            }
            if not runs:
                self._left_to_gpu.append(layer)
            return bool(runs)

        def set_device_type(self, layer: Any, device_type: Any) -> None:
            assert trt.DeviceType(device_type).name == "DLA"
            self._on_dla.append(layer)

        def set_flag(self, flag: Any) -> None:
            self._flags.add(trt.BuilderFlag(flag))

        def clear_flag(self, flag: Any) -> None:
            self._cleared.add(trt.BuilderFlag(flag).name)

        @property
        def max_workspace_size(self) -> int:
            return self._workspace

        @max_workspace_size.setter
        def max_workspace_size(self, value: int) -> None:
            self._workspace = value

        def set_memory_pool_limit(self, pool: Any, value: int) -> None:
            assert trt.MemoryPoolType(pool).name == "WORKSPACE"
            self._workspace = value

        def create_timing_cache(self, known: bytes) -> Any:
            cache = trt.ITimingCache()
            cache._known = bytes(known)
            return cache

        def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
            if cache._known and not cache._known.startswith(f"timings {version}".encode()):
                return bool(ignore_mismatch)
            self._cache = cache
            return True

        def get_timing_cache(self) -> Any:
            return self._cache

    class ITimingCache:
        _known = b""

        def serialize(self) -> Any:
            return IHostMemory(f"timings {version} of {board.sm}".encode())

    class INetworkDefinition:
        _flags, _onnx = 0, b""

        @property
        def num_layers(self) -> int:
            return len(onnx.load_from_string(self._onnx).graph.node)

        def get_layer(self, index: int) -> Any:
            return types.SimpleNamespace(type=onnx.load_from_string(self._onnx).graph.node[index].op_type)

    class OnnxParser:
        def __init__(self, network: Any, logger: ILogger) -> None:
            self._network, self._logger, self._errors = network, logger, []

        @property
        def num_errors(self) -> int:
            return len(self._errors)

        def get_error(self, index: int) -> Any:
            return self._errors[index]

        def parse_from_file(self, path: str) -> bool:
            data = Path(path).read_bytes()
            try:
                model = onnx.load_from_string(data)
            except Exception:  # noqa: BLE001  # protobuf's own error type moves between versions
                self._errors.append(error(-1, "", "", "Failed to parse the ONNX model"))
                return False
            if old and not is_set(self._network._flags, trt, "EXPLICIT_BATCH"):
                self._errors.append(error(-1, "", "", "This version of the ONNX parser needs explicit batch"))
            highest = HIGHEST_OPSET.get(minor(version), 24)
            if model.opset_import[0].version > highest:
                self._errors.append(
                    error(-1, "", "", f"opset {model.opset_import[0].version} is over {highest}")
                )
            for index, node in enumerate(model.graph.node):
                if node.domain or (node.op_type == "HardSwish" and minor(version) in NO_HARD_SWISH):
                    text = f"No importer registered for op: {node.op_type}.\nAttempted to import as plugin."
                    self._errors.append(error(index, node.op_type, node.name, text))
            self._errors += [error(index, *found) for index, *found in wrong_pairs(model.graph)]
            self._network._onnx = data
            return not self._errors

    def error(index: int, operator: str, name: str, text: str) -> Any:
        found = trt_error()
        found._values = (index, operator, name, text)
        return found

    def trt_error() -> Any:
        class ParserError:
            def node(self) -> int:
                return self._values[0]

            def desc(self) -> str:
                return self._values[3]

            def node_operator(self) -> str:
                return self._values[1]

            def node_name(self) -> str:
                return self._values[2]

        old_names = {"node", "desc"}
        return strict(ParserError, old_names if old else old_names | {"node_operator", "node_name"})()

    class Runtime:
        def __init__(self, logger: ILogger) -> None:
            self._logger = logger

            self._dla_core = -1
            board.runtimes.append(self)

        @property
        def DLA_core(self) -> int:
            return self._dla_core

        @DLA_core.setter
        def DLA_core(self, value: int) -> None:
            self._dla_core = value

        def deserialize_cuda_engine(self, plan: bytes) -> Any:
            header, _, body = bytes(plan).partition(b"\n")
            try:
                made = json.loads(header)
            except ValueError:
                report(
                    self._logger,
                    Severity.ERROR,
                    "Serialization assertion magicTagRead failed.",
                )
                return None
            if made["version"] != version:
                text = "The engine plan file is not compatible with this version of TensorRT, please rebuild"
                report(self._logger, Severity.ERROR, text)
                return None
            if made["dla"] != self._dla_core:
                report(self._logger, Severity.ERROR, f"the engine is for DLA core {made['dla']}")
                return None
            engine = trt.ICudaEngine()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1  # several wait for each other where the machine is busy
            engine._session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
            engine._logger, engine._graph = self._logger, onnx.load_from_string(body).graph
            engine._detailed = made["detailed"]
            return engine

    class ICudaEngine:
        @property
        def num_io_tensors(self) -> int:
            return len(self._tensors())

        num_bindings = num_io_tensors

        def _tensors(self) -> list[tuple[Any, bool]]:
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
            return [(each, True) for each in inputs] + [(each, False) for each in outputs]

        def _named(self, name: str) -> tuple[Any, bool]:
            return next(pair for pair in self._tensors() if pair[0].name == name)

        def get_tensor_name(self, index: int) -> str:
            return self._tensors()[index][0].name

        get_binding_name = get_tensor_name

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            return tuple(self._named(name)[0].shape)

        def get_tensor_dtype(self, name: str) -> Any:
            kinds = {"tensor(float)": "FLOAT", "tensor(float16)": "HALF"}
            return getattr(trt.DataType, kinds[self._named(name)[0].type])

        def get_tensor_mode(self, name: str) -> Any:
            return trt.TensorIOMode.INPUT if self._named(name)[1] else trt.TensorIOMode.OUTPUT

        def get_binding_shape(self, index: int) -> tuple[int, ...]:
            return tuple(self._tensors()[index][0].shape)

        def get_binding_dtype(self, index: int) -> Any:
            assert self._tensors()[index][0].type == "tensor(float)"
            return trt.DataType.FLOAT

        def binding_is_input(self, index: int) -> bool:
            return self._tensors()[index][1]

        def create_engine_inspector(self) -> Any:
            inspector = trt.EngineInspector()
            inspector._engine = self
            return inspector

        def create_execution_context(self) -> Any:
            if board.no_context:
                report(self._logger, Severity.ERROR, "Cuda Runtime (out of memory)")
                return None
            context = trt.IExecutionContext()
            context._engine, context._addresses = self, {}
            return context

    class EngineInspector:
        def get_engine_information(self, kind: Any) -> str:
            assert trt.LayerInformationFormat(kind).name == "JSON"
            graph, ends = self._engine._graph, "I/O Tensors" if strongly_typed_only else "Bindings"
            layers = inspected(graph, board, "DataType" if strongly_typed_only else "Format/Datatype")
            named = layers if self._engine._detailed else [layer["Name"] for layer in layers]
            return json.dumps({"Layers": named, ends: []})

    class IExecutionContext:
        profiler: Any = None

        def set_tensor_address(self, name: str, address: int) -> bool:
            assert isinstance(address, int)
            self._addresses[name] = address
            return True

        def execute_async_v3(self, stream_handle: int) -> bool:
            return self._run(self._addresses, stream_handle)

        def execute_async_v2(self, bindings: list[int], stream_handle: int) -> bool:
            names = [each.name for each, _ in self._engine._tensors()]
            return self._run(dict(zip(names, bindings, strict=True)), stream_handle)

        def _run(self, addresses: dict[str, int], stream: int) -> bool:
            assert isinstance(stream, int)
            assert stream
            session = self._engine._session
            feed = {each.name: read(addresses[each.name], each.shape) for each in session.get_inputs()}
            for each, values in zip(session.get_outputs(), session.run(None, feed), strict=True):
                write(addresses[each.name], values + np.float32(board.wrong_outputs))
            self._profile()
            return True

        def _profile(self) -> None:
            if self.profiler is None:
                return
            if not getattr(self.profiler, "_ready", False):
                raise RuntimeError("IProfiler.__init__ was not called")
            board.profiled += 1
            for place, layer in enumerate(inspected(self._engine._graph, board, "Format/Datatype")):
                # The first of the inferences is the slowest, as on a board.
                self.profiler.report_layer_time(
                    layer["Name"], (place + 1) * (5.0 if board.profiled == 1 else 1.0)
                )

    found = [Builder, IBuilderConfig, ITimingCache, INetworkDefinition, OnnxParser, EngineInspector]
    return [*found, Runtime, ICudaEngine, IExecutionContext]


def inspected(graph: Any, board: Board, type_key: str) -> list[dict[str, Any]]:
    """Return the layers that an engine inspector tells: fused, named after the nodes, with the types read."""
    halves = {each.name for each in graph.initializer if each.data_type == onnx.TensorProto.FLOAT16}
    makers = {output: node for node in graph.node for output in node.output}
    layers = [
        {"Name": "Reformatting CopyNode for Input Tensor 0 to the first layer", "LayerType": "Reformat"}
    ]
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        maker = makers.get(node.input[0])
        int8 = maker is not None and maker.op_type == "DequantizeLinear"
        kind = "Int8" if int8 else "Half" if node.input[1] in halves else "Float"
        kind = "Half" if node.name in board.in_fp16 else kind
        name = (
            f"{node.input[1]} + {node.input[1]}.quantize + {node.name} + act"
            if int8
            else f"{node.name} + act"
        )
        name = f"{{ForeignNode[{node.name}...fc]}}" if node.name in board.in_a_block else name
        layers.append(
            {"Name": name, "LayerType": "CaskConvolution", "Inputs": [{"Name": "x", type_key: kind}]}
        )
    return layers


def wrong_pairs(graph: Any) -> Iterator[tuple[int, str, str, str]]:
    """Yield (index, operator, name, reason) of what TensorRT's parser refuses of an int8 graph."""
    values = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for index, node in enumerate(graph.node):
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        scale, zero_point = (values.get(name) for name in node.input[1:3])
        if scale is None or not np.all(scale > 0):
            yield index, node.op_type, node.name, "Scale coefficients must all be positive"
        if zero_point is None or zero_point.dtype != np.int8 or np.any(zero_point):
            yield index, node.op_type, node.name, "Non-zero zero point is not supported"


class IHostMemory(bytearray):
    """Host memory with the buffer protocol."""

    @property
    def nbytes(self) -> int:
        return len(self)


def is_set(flags: int, trt: types.ModuleType, name: str) -> bool:
    member = getattr(trt.NetworkDefinitionCreationFlag, name, None)
    return member is not None and bool(flags >> int(member) & 1)


def read(address: int, shape: list[int]) -> np.ndarray:
    text = ctypes.string_at(address, int(np.prod(shape)) * 4)
    return np.frombuffer(text, np.float32).reshape(shape)


def write(address: int, values: np.ndarray) -> None:
    data = np.ascontiguousarray(values, np.float32).tobytes()
    ctypes.memmove(address, data, len(data))
