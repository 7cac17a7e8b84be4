"""Put on PYTHONPATH: `import tensorrt` gives the stand-in of the version in STANDIN_TENSORRT.

What it pretends to run on is in STANDIN_BOARD, the fields of a `Board` as JSON.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location(
    "tensorrt_standin", Path(__file__).parent.parent / "tensorrt_standin.py"
)
_STANDIN = importlib.util.module_from_spec(_SPEC)
sys.modules["tensorrt_standin"] = _STANDIN
_SPEC.loader.exec_module(_STANDIN)
_BOARD = _STANDIN.Board(**json.loads(os.environ.get("STANDIN_BOARD", "{}")))
sys.modules["tensorrt"] = _STANDIN.make_tensorrt(os.environ["STANDIN_TENSORRT"], _BOARD)
