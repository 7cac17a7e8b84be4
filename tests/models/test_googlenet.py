import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record
from edgecnn.models import build
from edgecnn.models.googlenet import INCEPTIONS
from edgecnn.profile import profile
from edgecnn.spec import ModelSpec

FASHION = "googlenet(res=96, in_channels=1, classes=10, aux=false, lrn=false, pool=padded)"

# What ships: parameters, mult-adds, receptive field.
GOLDEN = {
    "googlenet": (6_998_552, 1_582_671_872, 715),
    "googlenet_torchvision": (6_624_904, 1_498_376_192, 379),
    FASHION: (5_977_530, 276_066_304, 715),
}
# Parameters and mult-adds of each head on its own.
HEADS = {
    "aux1": (512, 3_188_840, 4_169_728),
    "aux2": (528, 3_190_888, 4_202_496),
}


def make(text: str, device: str = "meta") -> torch.nn.Module:
    return build(ModelSpec.parse(text), device)


def owned(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


@pytest.mark.parametrize("name", HEADS)
def test_an_auxiliary_head_costs_what_the_paper_says(name):
    c_in, parameters, mult_adds = HEADS[name]
    head = getattr(make("googlenet"), name)
    result = profile(record(head, (1, c_in, 14, 14)))
    weights = c_in * 128 + 4 * 4 * 128 * 1024 + 1024 * 1000
    assert result.parameters == owned(head) == weights + 128 + 1024 + 1000 == parameters
    assert result.mult_adds == 4 * 4 * c_in * 128 + 4 * 4 * 128 * 1024 + 1024 * 1000 == mult_adds
    assert result.receptive_field == (5, 5)


def test_both_heads_and_the_network_add_up():
    ships = edgecnn.costs("googlenet")
    heads = [cost for _, *cost in HEADS.values()]
    assert owned(make("googlenet")) == ships.parameters + sum(p for p, _ in heads) == 13_378_280
    assert ships.mult_adds + sum(mult_adds for _, mult_adds in heads) == 1_591_044_096
    assert owned(make("googlenet(aux=false)")) == ships.parameters
    assert owned(make("googlenet_torchvision")) == 13_004_888


def test_the_first_inception_costs_what_its_row_says():
    result = edgecnn.costs("googlenet")
    layers = [layer for layer in result.layers if layer.name.startswith("inception3a.")]
    weights = 192 * 64 + 192 * 96 + 9 * 96 * 128 + 192 * 16 + 25 * 16 * 32 + 192 * 32
    assert sum(layer.parameters for layer in layers) == weights + 64 + 96 + 128 + 16 + 32 + 32 == 163_696
    assert sum(layer.mult_adds for layer in layers) == 28 * 28 * weights == 128_049_152


@pytest.mark.parametrize("name", ["googlenet", "googlenet_torchvision"])
def test_the_maps_are_the_papers(name):
    ends = {layer.name: layer.shape for layer in edgecnn.costs(name).layers if layer.kind == "Concat"}
    sides = dict.fromkeys(INCEPTIONS, 14) | {"3a": 28, "3b": 28, "5a": 7, "5b": 7}
    channels = (256, 480, 512, 512, 512, 528, 832, 832, 1024)
    assert list(ends.values()) == [
        (1, c, sides[key], sides[key]) for key, c in zip(INCEPTIONS, channels, strict=True)
    ]


def test_the_depth_is_22():
    parameters = dict(make("googlenet(aux=false)").named_parameters())
    kernels = [key for key, value in parameters.items() if value.dim() > 1]
    side_by_side = 6 - 2  # an inception's six convolutions are two deep
    assert len(kernels) - 9 * side_by_side == 22


def test_padded_pools_give_the_same_sizes_and_other_values():
    ceil, padded = (
        make(f"googlenet(res=64, width=0.1, classes=3, pool={pool})", "cpu") for pool in ("ceil", "padded")
    )
    padded.load_state_dict(ceil.state_dict())
    image = torch.randn(1, 64, 32, 32)
    assert ceil.maxpool1(image).shape == padded.maxpool1(image).shape
    assert not torch.equal(ceil.maxpool1(image), padded.maxpool1(image))


def test_lrn_is_one_node_each_and_can_be_left_out():
    kinds = [layer.kind for layer in edgecnn.costs("googlenet").layers]
    assert kinds.count("LRN") == 2
    assert "LRN" not in [layer.kind for layer in edgecnn.costs(FASHION).layers]


@pytest.mark.parametrize("name", ["googlenet", "googlenet_torchvision"])
@pytest.mark.parametrize("res", [31, 224])
def test_training_trains_both_heads(name, res):
    module = make(f"{name}(res={res}, width=0.1, classes=5)", "cpu").train()
    scores = module(torch.randn(2, 3, res, res))
    assert [tuple(each.shape) for each in scores] == [(2, 5)] * 3
    logits, *aux = scores
    loss = logits.sum() + module.aux_weight * sum(each.sum() for each in aux)
    loss.backward()
    without = [name for name, each in module.named_parameters() if each.grad is None]
    assert without == []
    assert module.aux_weight == 0.3
    with torch.no_grad():
        assert module.eval()(torch.zeros(1, 3, res, res)).shape == (1, 5)


def test_without_heads_training_gives_the_logits_alone():
    module = make("googlenet(width=0.1, aux=false, res=32, classes=5)", "cpu").train()
    assert module(torch.randn(2, 3, 32, 32)).shape == (2, 5)


@pytest.mark.parametrize("width", [0.1, 0.37, 2.0])
def test_any_width_builds(width):
    with torch.no_grad():
        assert make(f"googlenet(width={width})")(torch.empty(1, 3, 224, 224, device="meta")).shape == (
            1,
            1000,
        )


KEYS = [
    "conv1.conv.weight",
    "conv3.bn.running_var",
    "inception3a.branch1.conv.weight",
    "inception4d.branch2.0.conv.weight",
    "inception4e.branch3.1.bn.bias",
    "inception5b.branch4.1.conv.weight",
    "aux1.conv.conv.weight",
    "aux2.fc1.weight",
    "aux2.fc2.bias",
    "fc.weight",
]


def test_names_are_torchvisions():
    state = make("googlenet_torchvision").state_dict()
    assert set(KEYS) <= set(state)
    tops = {key.split(".")[0] for key in state}
    assert tops == {"conv1", "conv2", "conv3", "aux1", "aux2", "fc"} | {
        f"inception{key}" for key in INCEPTIONS
    }
    assert state["aux1.fc1.weight"].shape == (1024, 2048)
    assert not any(key.endswith("conv.bias") for key in state)


def test_the_transform_undoes_imagenets_normalization():
    plain, transforming = (
        make(f"googlenet_torchvision(res=32, width=0.1, transform_input={flag})", "cpu")
        for flag in ("false", "true")
    )
    transforming.load_state_dict(plain.state_dict())
    pixels = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        torch.testing.assert_close(transforming((pixels - mean) / std), plain(2 * pixels - 1))


def test_the_transform_is_for_three_colours():
    with pytest.raises(EdgeCnnError, match="3 colours, and in_channels is 1"):
        edgecnn.costs("googlenet_torchvision(in_channels=1, transform_input=true)")
