import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.models import build
from edgecnn.spec import ModelSpec

# What ships: parameters, mult-adds, receptive field.
GOLDEN = {
    "inception_v3": (23_834_568, 5_713_216_096, 1311),
    "inception_v3(aux=false)": (23_834_568, 5_713_216_096, 1311),
    "inception_v3(res=224)": (23_834_568, 2_837_921_120, 1311),
    "inception_v3(classes=120)": (22_031_448, 5_713_216_096 - 880 * 2048, 1311),
}


def make(text: str, device: str = "meta") -> torch.nn.Module:
    return build(ModelSpec.parse(text), device)


def owned(module: torch.nn.Module, kind: type = torch.nn.Module) -> int:
    parts = [part for part in module.modules() if isinstance(part, kind)]
    return sum(parameter.numel() for part in parts for parameter in part.parameters(recurse=False))


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


def test_the_head_adds_what_torchvisions_number_counts():
    norms = torch.nn.BatchNorm2d
    with_head, without = make("inception_v3"), make("inception_v3(aux=false)")
    head = 768 * 128 + 2 * 128 + 25 * 128 * 768 + 2 * 768 + 768 * 1000 + 1000
    assert owned(with_head) == owned(without) + head == 27_161_264
    assert (owned(with_head, norms), owned(without, norms)) == (36_224, 34_432)


def test_the_maps_are_the_papers():
    layers = edgecnn.costs("inception_v3").layers
    shapes = [layer.shape[1:3] for layer in layers if layer.kind == "Concat"]
    assert shapes == [(256, 35), (288, 35), (288, 35), *[(768, 17)] * 5, (1280, 8), (2048, 8), (2048, 8)]
    stem = [layer.shape[2] for layer in layers if layer.kind.startswith(("Conv", "MaxPool"))][:7]
    assert stem == [149, 147, 147, 73, 73, 71, 35]


def test_averages_count_the_padding():
    block = make("inception_v3(width=0.1, res=75)", "cpu").Mixed_5b
    seen = []
    block.branch_pool.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        block(torch.ones(1, block.branch_pool.conv.in_channels, 4, 4))
    torch.testing.assert_close(seen[0][0, 0, :2, :2], torch.tensor([[4, 6], [6, 9]]) / 9)


@pytest.mark.parametrize("res", [75, 128, 299])
def test_training_trains_the_head_at_any_resolution(res):
    module = make(f"inception_v3(res={res}, width=0.1, classes=5)", "cpu").train()
    logits, aux = module(torch.randn(2, 3, res, res))
    assert logits.shape == aux.shape == (2, 5)
    (logits.sum() + module.aux_weight * aux.sum()).backward()
    assert [name for name, each in module.named_parameters() if each.grad is None] == []
    with torch.no_grad():
        assert module.eval()(torch.zeros(1, 3, res, res)).shape == (1, 5)


@pytest.mark.parametrize("width", [0.1, 0.37, 2.0])
def test_any_width_builds(width):
    image = torch.empty(1, 3, 299, 299, device="meta")
    assert make(f"inception_v3(width={width})")(image).shape == (1, 1000)


KEYS = {
    "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
    "Conv2d_4a_3x3.bn.running_mean": (192,),
    "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
    "Mixed_5d.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
    "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
    "Mixed_6c.branch7x7_2.conv.weight": (160, 160, 1, 7),
    "Mixed_6e.branch7x7dbl_4.conv.weight": (192, 192, 7, 1),
    "AuxLogits.conv1.conv.weight": (768, 128, 5, 5),
    "AuxLogits.fc.weight": (1000, 768),
    "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
    "Mixed_7c.branch3x3_2b.conv.weight": (384, 384, 3, 1),
    "Mixed_7c.branch3x3dbl_3a.conv.weight": (384, 384, 1, 3),
    "fc.weight": (1000, 2048),
}


def test_names_and_shapes_are_torchvisions():
    state = make("inception_v3").state_dict()
    assert {key: tuple(state[key].shape) for key in KEYS} == KEYS
    convolutions = [key for key in state if key.endswith(".conv.weight")]
    assert len(convolutions) == 94 + 2  # and the head's


def test_branches_are_concatenated_in_torchvisions_order():
    module = make("inception_v3(width=0.1, res=75)", "cpu")
    assert module.Mixed_7b.ends == [
        "branch1x1",
        "branch3x3_2a",
        "branch3x3_2b",
        "branch3x3dbl_3a",
        "branch3x3dbl_3b",
        "branch_pool",
    ]
    assert module.Mixed_6a.ends == ["branch3x3", "branch3x3dbl_3", "maxima"]
    assert module.Mixed_7a.ends == ["branch3x3_2", "branch7x7x3_4", "maxima"]
    assert module.Mixed_6b.ends == ["branch1x1", "branch7x7_3", "branch7x7dbl_5", "branch_pool"]
    assert module.Mixed_5b.ends == ["branch1x1", "branch5x5_2", "branch3x3dbl_3", "branch_pool"]


def test_the_transform_is_for_three_colours():
    with pytest.raises(EdgeCnnError, match="3 colours, and in_channels is 4"):
        edgecnn.costs("inception_v3(in_channels=4, transform_input=true)")
