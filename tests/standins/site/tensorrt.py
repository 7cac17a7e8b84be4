"""Put on PYTHONPATH: `import tensorrt` gives the stand-in of the version in STANDIN_TENSORRT."""

import importlib.util
import os
import sys
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location(
    "tensorrt_standin", Path(__file__).parent.parent / "tensorrt_standin.py"
)
_STANDIN = importlib.util.module_from_spec(_SPEC)
sys.modules["tensorrt_standin"] = _STANDIN
_SPEC.loader.exec_module(_STANDIN)
sys.modules["tensorrt"] = _STANDIN.make_tensorrt(os.environ["STANDIN_TENSORRT"])
