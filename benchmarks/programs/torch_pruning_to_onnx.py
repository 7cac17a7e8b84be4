"""Prune a network of the zoo with Torch-Pruning. Arguments: SPEC WEIGHTS FRACTION ROUND_TO LEFT OUTPUT.

Channels go in small steps, the least important of all layers first, until FRACTION of the mult-adds is left,
as the library's own examples prune to a speed-up. WEIGHTS may be empty: then they are random; LEFT is a
pattern of the names of layers that stay as they are, OUTPUT an `.onnx` file; both may be empty. The last line
printed is JSON. Runs in the library's environment, which has torch and not edgecnn: of that, the
architectures alone are read, from PYTHONPATH.
"""

import json
import re
import sys
import time

import torch
import torch_pruning as tp
from count import reference
from safetensors.torch import load_file
from torch import Tensor, nn

from edgecnn.models import build, complete
from edgecnn.spec import ModelSpec

_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
_STEPS, _MOST = 400, 0.9  # of the channels of a layer at the most: the floor of edgecnn's `prune`


def prune(module: nn.Module, image: Tensor, budget: float, round_to: int, left: str) -> None:
    """Remove channels until no more than a budget of mult-adds is left, or nothing can go any more."""
    named = {name: each for name, each in module.named_modules() if isinstance(each, _LAYERS)}
    last = list(named.values())[-1]  # its channels are the classes
    stay = [each for name, each in named.items() if left and re.fullmatch(left, name)]
    pruner = tp.pruner.BasePruner(
        module,
        (image,),  # a tensor alone would be taken apart, and a batch be taken for an image
        importance=tp.importance.GroupMagnitudeImportance(p=2),
        global_pruning=True,
        pruning_ratio=1.0,
        max_pruning_ratio=_MOST,
        iterative_steps=_STEPS,
        round_to=round_to or None,
        ignored_layers=[*stay, last],
    )
    while reference(module, image) > budget and pruner.current_step < _STEPS:
        pruner.step()


def main(text: str, weights: str, fraction: str, round_to: str, left: str, output: str) -> None:
    """Prune, run what is left, write it, and print what it costs."""
    torch.manual_seed(0)
    spec = complete(ModelSpec.parse(text))
    module = build(spec).eval()
    if weights:
        module.load_state_dict(load_file(weights))
    image = torch.randn(1, spec.in_channels, spec.res.height, spec.res.width)
    whole = reference(module, image)
    start_s = time.perf_counter()
    prune(module, image, float(fraction) * whole, int(round_to), left)
    prune_s = time.perf_counter() - start_s
    with torch.no_grad():
        scores = module(image)
        found = {"whole": whole, "mult_adds": reference(module, image), "prune_s": prune_s}
    if not torch.isfinite(scores).all():
        raise ValueError("the result gives no numbers")
    if output:
        names = {"input_names": ["input"], "output_names": ["output"]}
        torch.onnx.export(module, (image,), output, dynamo=True, external_data=False, **names)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
