"""build_engine.py as a program, on NVIDIA's own builder and parser, where TensorRT-RTX is installed."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

STANDINS = Path(__file__).parents[2] / "standins"
MODULES = ("onnxruntime_ep_nv_tensorrt_rtx", "tensorrt_rtx_bindings")

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, MODULES)),
    reason="TensorRT-RTX is not installed: see tests/export/tensorrt/test_rtx.py",
)


def build(bundle, *arguments):
    """Run the bundle's build_engine.py; the GPU is a stand-in, for the builder needs none."""
    # The first folder's `tensorrt` is NVIDIA's, the second has the stand-in of pycuda.
    folders = [str(STANDINS / "rtx"), str(STANDINS / "site"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    words = [sys.executable, "-B", str(bundle.folder / "build_engine.py"), *arguments]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_an_engine_is_built_with_its_record(jetson_bundle, precision):
    ran = build(jetson_bundle, "--precision", precision, "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["tensorrt"] == "1.7.1.116"
    record = json.loads((jetson_bundle.folder / f"model.{precision}.engine.json").read_text())
    assert (jetson_bundle.folder / f"model.{precision}.engine").stat().st_size == record["bytes"] > 0


def test_what_its_parser_refuses_is_said(jetson_bundle):
    path = jetson_bundle.folder / "model.onnx"
    model = onnx.load(path)
    model.graph.node[1].op_type = "Unheard"
    onnx.save(model, path)
    jetson_bundle.list_files()
    ran = build(jetson_bundle, "--precision", "fp32")
    assert ran.returncode == 1
    assert "error: TensorRT 1.7.1.116 cannot read model.onnx:" in ran.stderr.splitlines()
    assert "node 1 Unheard act: " in ran.stderr
