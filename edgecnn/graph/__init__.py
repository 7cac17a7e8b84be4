"""The one intermediate form: reading, checking and walking `onnx_ir.Model`."""
