"""Put on PYTHONPATH: `import tensorrt` gives NVIDIA's TensorRT-RTX, where its wheels are installed.

Its libraries are in one wheel and its Python module is in another. A library that is loaded already is found
by its name, so that nothing need be copied or linked.
"""

import ctypes
import importlib
import importlib.util
import sys
from pathlib import Path

LIBRARIES = ("libtensorrt_rtx.so.*", "libtensorrt_onnxparser_rtx.so.*")

_FOUND = importlib.util.find_spec("onnxruntime_ep_nv_tensorrt_rtx")
if _FOUND is None:
    raise ImportError("no library of TensorRT-RTX: pip install onnxruntime-ep-nv-tensorrt-rtx-cu13")
for _name in LIBRARIES:
    ctypes.CDLL(str(max(Path(_FOUND.origin).parent.glob(_name))), mode=ctypes.RTLD_GLOBAL)
sys.modules["tensorrt"] = importlib.import_module("tensorrt_rtx_bindings")
