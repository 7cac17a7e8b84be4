"""What a Jetson bundle needs on the host: a linter with TensorRT's rules, the fp16 graph, trtexec lines.

No TensorRT runs on the host. What is here has been checked against the published operator tables and API
names of each version; no engine has been built on a board yet.
"""

from edgecnn.export.tensorrt.findings import ERROR, WARNING, Finding
from edgecnn.export.tensorrt.generations import GENERATIONS, Generation, generation
from edgecnn.export.tensorrt.half_precision import to_fp16
from edgecnn.export.tensorrt.linter import lint
from edgecnn.export.tensorrt.trtexec import TrtexecLines, trtexec_lines

__all__ = [
    "ERROR",
    "GENERATIONS",
    "WARNING",
    "Finding",
    "Generation",
    "TrtexecLines",
    "generation",
    "lint",
    "to_fp16",
    "trtexec_lines",
]
