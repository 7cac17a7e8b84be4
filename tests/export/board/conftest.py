"""Small bundles written by hand, and a board made of stand-ins to run their scripts on."""

import ctypes
import hashlib
import importlib
import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import edgecnn.export.board
from edgecnn.calls import parse_recipe
from edgecnn.export.tensorrt import calibration_cache, to_fp16
from edgecnn.graph.precision import layer_precisions
from edgecnn.quantize import Context, compress
from edgecnn.quantize.calibrate import calibrate

SCRIPTS = Path(edgecnn.export.board.__file__).parent
STANDINS = Path(__file__).parents[2] / "standins"
NAMES = ("run", "build_engine", "engine_layers", "fastest_engine", "layer_times", "trtexec_engine")
SIDE, CLASSES = 8, 5
LABELS = ["ant", "bee", "cat", "dog", "emu"]


def load(name: str) -> ModuleType:
    """Import a stand-in by its path, once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, STANDINS / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def tiny_model(*, opset: int = 13, activation: str = "Relu") -> onnx.ModelProto:
    """Conv 3 -> 4, an activation, GlobalAveragePool, Flatten, Gemm 4 -> 5, on 8 x 8."""
    rng = np.random.default_rng(0)
    weights = {
        "conv.weight": rng.normal(size=(4, 3, 3, 3)),
        "conv.bias": rng.normal(size=4),
        "fc.weight": rng.normal(size=(CLASSES, 4)),
        "fc.bias": rng.normal(size=CLASSES),
    }
    nodes = [
        helper.make_node(
            "Conv",
            ["input", "conv.weight", "conv.bias"],
            ["c"],
            "conv",
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
        ),
        helper.make_node(activation, ["c"], ["r"], "act"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten", axis=1),
        helper.make_node("Gemm", ["f", "fc.weight", "fc.bias"], ["output"], "fc", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    return onnx.shape_inference.infer_shapes(model)


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


class Bundle:
    """A bundle's folder; `run` and `build` call the copies of the scripts that lie in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "manifest.json").read_text())

    def change(self, **entries: Any) -> None:
        """Replace entries of the manifest and give it its own SHA-256."""
        open_manifest = json.dumps(self.manifest | entries | {"sha256": ""})
        digest = hashlib.sha256(open_manifest.encode()).hexdigest()
        sealed = open_manifest.replace('"sha256": ""', f'"sha256": "{digest}"')
        (self.folder / "manifest.json").write_text(sealed)

    def script(self, name: str) -> ModuleType:
        return sys.modules.get(name) or importlib.import_module(name)

    def run(self, *arguments: str) -> Ran:
        return self._call("run", arguments)

    def build(self, *arguments: str) -> Ran:
        return self._call("build_engine", arguments)

    def fastest(self, *arguments: str) -> Ran:
        return self._call("fastest_engine", arguments)

    def _call(self, name: str, arguments: tuple[str, ...]) -> Ran:
        self._capsys.readouterr()
        code = self.script(name).main(list(arguments))
        return Ran(code, *self._capsys.readouterr())

    def list_files(self) -> None:
        """Write the manifest's list of files anew."""
        paths = sorted(
            path for path in self.folder.rglob("*") if path.is_file() and path.name != "manifest.json"
        )
        self.change(
            files=[
                {
                    "path": path.relative_to(self.folder).as_posix(),
                    "bytes": path.stat().st_size,
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                }
                for path in paths
            ]
        )


@pytest.fixture
def empty_bundle(tmp_path, capsys, monkeypatch):
    """Give a bundle with a sample, both scripts and a manifest without artifacts."""
    folder = tmp_path / "bundle"
    (folder / "sample").mkdir(parents=True)
    for name in NAMES:
        shutil.copy(SCRIPTS / f"{name}.py", folder / f"{name}.py")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    manifest = {
        "format": 1,
        "edgecnn": "0.1.0",
        "name": "tiny-fp32.test",
        "preprocessing": {
            "layout": "NCHW",
            "dtype": "float32",
            "channel_order": "RGB",
            "height": SIDE,
            "width": SIDE,
            "resize": "squash",
            "crop": 0.875,
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
        },
        "labels": LABELS,
        "input": {"name": "input", "shape": [1, 3, SIDE, SIDE]},
        "output": {"name": "output", "shape": [1, CLASSES]},
        "artifacts": [],
        "sample": {"input": "sample/input.npy", "output": "sample/output.npy"},
        "files": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    yield Bundle(folder, capsys)
    for name in NAMES:
        sys.modules.pop(name, None)


def write_sample(bundle: Bundle, model: onnx.ModelProto, name: str = "output.npy") -> None:
    given = pictures()
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = np.concatenate([session.run(None, {"input": one[None]})[0] for one in given])
    np.save(bundle.folder / "sample" / "input.npy", given)
    np.save(bundle.folder / "sample" / name, expected)


def pictures() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(3, 3, SIDE, SIDE)).astype(np.float32)


def fill_jetson(bundle: Bundle, model: onnx.ModelProto) -> None:
    """Put model.onnx and model.fp16.onnx into a bundle."""
    write_sample(bundle, model)
    onnx.save(model, bundle.folder / "model.onnx")
    half = ir.to_proto(to_fp16(ir.from_proto(model)))
    onnx.save(half, bundle.folder / "model.fp16.onnx")
    names = {"fp32": ("model.onnx", 1e-4), "fp16": ("model.fp16.onnx", 5e-2)}
    bundle.change(
        runtime="tensorrt",
        target="jetson",
        artifacts=[
            {
                "path": path,
                "format": "onnx",
                "precision": key,
                "layout": "NCHW",
                "max_abs_error_allowed": allowed,
                "layers": {"conv": key, "fc": key},
            }
            for key, (path, allowed) in names.items()
        ],
    )
    bundle.list_files()


@pytest.fixture
def make_model():
    """Give `tiny_model`."""
    return tiny_model


@pytest.fixture
def fill_bundle(empty_bundle):
    """Give a function that makes a Jetson bundle of a model."""
    return lambda model: fill_jetson(empty_bundle, model)


@pytest.fixture
def jetson_bundle(empty_bundle, fill_bundle):
    """Give a bundle as it is before anything has been built on the board."""
    fill_bundle(tiny_model())
    return empty_bundle


def add_int8(bundle: Bundle, model: onnx.ModelProto, recipe: str = "int8") -> None:
    """Add model.int8.onnx with outputs of its own, and the scales for a DLA."""
    graph = ir.from_proto(model)
    context = Context(images=lambda: [pictures()], scheme="tensorrt")
    quantized = ir.to_proto(compress(graph, parse_recipe(recipe), context=context)[-1].after)
    onnx.save(quantized, bundle.folder / "model.int8.onnx")
    write_sample(bundle, quantized, "output.int8.npy")
    names = ["input", *(output for node in model.graph.node for output in node.output)]
    ranges = calibrate(graph, lambda: [pictures()], names).ranges
    (bundle.folder / "calibration.cache").write_text(calibration_cache(ranges, "8.2.1"))
    entry = {"format": "onnx", "precision": "int8", "layout": "NCHW", "max_abs_error_allowed": 0.05}
    rest = {"rest": "fp16"} if "fp16" in recipe else {}
    layers = layer_precisions(ir.from_proto(quantized))
    own = {"path": "model.int8.onnx", "expected": "sample/output.int8.npy", "layers": layers, **rest}
    bundle.change(
        artifacts=[*bundle.manifest["artifacts"], entry | own],
        dla=entry | {"path": "model.onnx", "calibration": "calibration.cache"},
    )
    bundle.list_files()


@pytest.fixture
def quantize_bundle(jetson_bundle):
    """Give a function that adds the int8 graph of a recipe to the bundle."""
    return lambda recipe="int8": add_int8(jetson_bundle, tiny_model(), recipe)


@pytest.fixture
def int8_bundle(jetson_bundle, quantize_bundle):
    """Give a bundle with graphs of three precisions, and scales for a DLA."""
    quantize_bundle()
    return jetson_bundle


class Jetson(NamedTuple):
    """The stand-ins of one board."""

    board: Any
    cuda: Any
    tensorrt: ModuleType


@pytest.fixture
def jetson(monkeypatch):
    """Give a function that turns this process into a board with a TensorRT version."""

    def become(version: str = "8.2.1", *, memory_bytes: int = 1 << 30, **board: Any) -> Jetson:
        standin, cudart = load("tensorrt_standin"), load("cuda_standin")
        state = standin.Board(**board)
        cuda = cudart.Cudart(gpu=state.gpu, sm=state.sm, memory_bytes=memory_bytes)
        module = standin.make_tensorrt(version, state)
        monkeypatch.setitem(sys.modules, "tensorrt", module)
        true_cdll = ctypes.CDLL
        monkeypatch.setattr(
            ctypes, "CDLL", lambda name, *rest: cuda if "cudart" in str(name) else true_cdll(name, *rest)
        )
        return Jetson(state, cuda, module)

    return become
