"""From an `nn.Module` to the canonical ONNX graph, by recording one forward pass on the `meta` device."""

from edgecnn.export.recorder.record import UnknownFunctionError, record, replay

__all__ = ["UnknownFunctionError", "record", "replay"]
