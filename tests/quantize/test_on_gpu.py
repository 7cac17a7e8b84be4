"""Passes that train, on a GPU; without one they are left out."""

import numpy as np
import pytest
import torch

from edgecnn.calls import parse_recipe
from edgecnn.graph.save import to_bytes
from edgecnn.quantize import compress
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.trainable import to_module

from .lessons import IMAGES, Kept, damaged, learning, network

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU"),
    # of CuBLAS, where the environment does not ask it to be deterministic
    pytest.mark.filterwarnings("ignore:Deterministic behavior was enabled"),
    pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation"),
]


def run(model, recipe, **fields):
    targets = fields.pop("targets", None)
    context = learning(network(), targets=targets, **{"on": "cuda", **fields})
    return compress(model, parse_recipe(recipe), context=context)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("recipe", ["distill({})", "distill(features=1, {})", "finetune(teacher=0.5, {})"])
def test_a_student_learns_on_a_gpu(recipe, precision):
    call = recipe.format("epochs=4, batch=16, lr=1e-2")
    labels = OnnxRunner(network())(IMAGES).argmax(1).astype(np.int64)
    student = damaged(network())
    (step,) = run(student, call, precision=precision, targets=labels)
    same = [(OnnxRunner(each)(IMAGES).argmax(1) == labels).mean() for each in (student, step.after)]
    assert same[1] > same[0] + 0.1


def test_what_trains_on_a_gpu_is_what_onnx_runtime_computes():
    *_, step = run(damaged(network()), "int8(per_channel=false) | qat(epochs=3, batch=16)", precision="bf16")
    with torch.no_grad():
        module = to_module(step.after).eval()(torch.from_numpy(IMAGES)).numpy()
    outputs = OnnxRunner(step.after, integers=False)(IMAGES)
    assert np.quantile(np.abs(module - outputs), 0.9) < 1e-4 * np.ptp(outputs)


@pytest.mark.parametrize("recipe", ["distill(epochs=3, batch=16)", "fold | int8 | qat(epochs=3, batch=16)"])
def test_an_interrupted_training_goes_on_on_a_gpu(recipe):
    kept = Kept(fail_after=1)
    with pytest.raises(KeyboardInterrupt):
        run(damaged(network()), recipe, checkpoints=kept)
    again = Kept()
    again.states = kept.states
    epochs = []
    *_, step = run(
        damaged(network()), recipe, checkpoints=again, on_epoch=lambda _name, e: epochs.append(e.epoch)
    )
    assert epochs == [2, 3]
    *_, whole = run(damaged(network()), recipe)
    difference = np.abs(OnnxRunner(step.after)(IMAGES) - OnnxRunner(whole.after)(IMAGES)).max()
    assert difference < 1e-2 * np.ptp(OnnxRunner(whole.after)(IMAGES))
    assert to_bytes(step.after) != to_bytes(damaged(network()))
