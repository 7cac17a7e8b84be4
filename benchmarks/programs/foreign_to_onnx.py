"""Write a network of another library, with random weights, as `.onnx`. Arguments: LIBRARY NAME RES OUTPUT."""

import sys

import torch

library, name, res, output = sys.argv[1:]
torch.manual_seed(0)
# The wheel of torchvision on PyPI is built for CUDA. Beside a CPU torch its own operators are missing, which
# no classifier uses; these declarations let the package be imported.
for operator in ("nms", "qnms"):
    schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    torch.library.define(f"torchvision::{operator}", schema)
if library == "timm":
    import timm

    module = timm.create_model(name, pretrained=False)
else:
    import torchvision

    module = torchvision.models.get_model(name, weights=None)
image = torch.randn(1, 3, int(res), int(res))
names = {"input_names": ["input"], "output_names": ["output"]}
torch.onnx.export(module.eval(), (image,), output, dynamo=True, external_data=False, **names)
