"""From a network to artifacts: ONNX, TFLite, the TensorRT bundle, and the proof that they agree."""
