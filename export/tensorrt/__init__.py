"""What a Jetson bundle needs on the host: a linter with TensorRT's rules, the fp16 graph, trtexec lines.

No TensorRT runs on the host. What is here has been checked against the published operator tables and API
names of each version; no engine has been built on a board yet.
"""

from edgecnn.export.tensorrt.calibration_cache import calibration_cache
from edgecnn.export.tensorrt.findings import ERROR, WARNING, Finding
from edgecnn.export.tensorrt.generations import GENERATIONS, Generation, generation, reads_half_weights
from edgecnn.export.tensorrt.linter import lint
from edgecnn.export.tensorrt.trtexec import TrtexecLines, trtexec_lines, trtexec_text
from edgecnn.graph.half_precision import to_fp16

__all__ = [
    "ERROR",
    "GENERATIONS",
    "WARNING",
    "Finding",
    "Generation",
    "TrtexecLines",
    "calibration_cache",
    "generation",
    "lint",
    "reads_half_weights",
    "to_fp16",
    "trtexec_lines",
    "trtexec_text",
]
