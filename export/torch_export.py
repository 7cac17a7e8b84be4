"""A module that the recorder does not know, through `torch.onnx.export` and our normalization.

Slower than the recorder (seconds to a minute), and BatchNorm arrives folded; the graph is canonical all
the same.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence

import onnx_ir as ir
import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import UnknownFunctionError, record
from edgecnn.export.recorder.record import INPUT, OUTPUT
from edgecnn.graph.normalize import normalize
from edgecnn.runtime.torch_runner import mode


def to_graph(module: nn.Module, input_shape: Sequence[int], *, name: str = "network") -> tuple[ir.Model, str]:
    """Return the canonical graph of any module, and how it was obtained: `recorder` or `torch.onnx.export`.

    Args:
        module: takes one float32 tensor (n, c, h, w) and returns one tensor.
        input_shape: of that tensor, all numbers fixed.
        name: of the graph.
    """
    try:
        return record(module, input_shape, name=name), "recorder"
    except UnknownFunctionError:
        return export(module, input_shape), "torch.onnx.export"


def export(module: nn.Module, input_shape: Sequence[int]) -> ir.Model:
    """Return the canonical graph of a module by `torch.onnx.export`; raise `EdgeCnnError` where it cannot."""
    image = torch.randn(*input_shape, generator=torch.Generator().manual_seed(0))
    try:
        with _quiet(), mode(module, training=False):
            program = torch.onnx.export(
                module,
                (image,),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split("\n")[0].split())
        raise EdgeCnnError(f"torch.onnx.export cannot export {type(module).__name__}: {reason}") from error
    if program is None:
        raise EdgeCnnError(f"torch.onnx.export gave nothing for {type(module).__name__}")
    return normalize(program.model)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress lines, log records and deprecation warnings to itself."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)
