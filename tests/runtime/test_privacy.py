import ast
import os
import subprocess
import sys
from pathlib import Path

import edgecnn

GRAPH = '<ir_version: 7, opset_import: ["": 13]> g (float[1, 2] x) => (float[1, 2] y) { y = Relu(x) }'
CODE = f"""
import numpy as np
import onnx_ir as ir
from edgecnn.runtime.onnx_runner import OnnxRunner
OnnxRunner(ir.from_onnx_text({GRAPH!r}))(np.zeros((1, 2), np.float32))
"""


def test_running_a_graph_leaves_nothing_in_the_home_folder(tmp_path):
    own = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith("ORT_") and key != "CI"
    }
    subprocess.run([sys.executable, "-c", CODE], env=inherited | own, check=True)
    assert list(tmp_path.iterdir()) == []


def test_onnx_runtime_is_imported_at_one_place_only():
    found = []
    root = Path(edgecnn.__file__).parents[1]
    for folder in ("edgecnn", "export", "quantize", "devices"):
        for file in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found += [file.name for name in names if name.split(".")[0] == "onnxruntime"]
    assert found == []
