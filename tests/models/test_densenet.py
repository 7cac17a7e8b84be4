import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record
from edgecnn.models import build
from edgecnn.models.densenet import IMAGENET, from_torchvision
from edgecnn.models.initialize import initialize
from edgecnn.spec import ModelSpec

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "densenet121": (7_978_856, 2_834_161_664, 2071),
    "densenet169": (14_149_480, 3_359_843_328, 3351),
    "densenet201": (20_013_928, 4_291_365_888, 3863),
    "densenet161": (28_681_000, 7_727_907_072, 2967),
    "densenet264": (33_337_704, 5_751_653_376, 5399),
    "densenet(depth=40, growth=12, bc=false)": (1_019_722, 264_812_928, 174),
    "densenet(depth=100, growth=12, bc=false)": (6_979_642, 1_769_516_448, 454),
    "densenet(depth=100, growth=24, bc=false)": (27_249_082, 6_889_347_744, 454),
    "densenet(depth=100, growth=12, bc=true)": (769_162, 287_929_692, 230),
    "densenet(depth=100, growth=12, bc=true, classes=100)": (800_032, 287_960_472, 230),
    "densenet(depth=250, growth=24, bc=true)": (15_324_406, 5_418_785_724, 580),
    "densenet(depth=190, growth=40, bc=true)": (25_624_430, 9_301_945_740, 440),
}


def make(text: str, device: str = "meta") -> torch.nn.Module:
    return build(ModelSpec.parse(text), device)


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


@pytest.mark.parametrize(
    ("name", "depth"),
    # The name of the largest leaves one layer out: 1 + 2 (6 + 12 + 64 + 48) + 3 + 1.
    [
        ("densenet121", 121),
        ("densenet169", 169),
        ("densenet201", 201),
        ("densenet161", 161),
        ("densenet264", 265),
    ],
)
def test_the_depth_is_the_names(name, depth):
    convolutions = [part for part in make(name).modules() if isinstance(part, torch.nn.Conv2d)]
    assert len(convolutions) + 1 == depth


@pytest.mark.parametrize(("depth", "bc"), [(40, False), (100, False), (100, True), (190, True)])
def test_the_depth_for_cifar_is_the_papers(depth, bc):
    module = make(f"densenet(depth={depth}, bc={str(bc).lower()})")
    convolutions = [part for part in module.modules() if isinstance(part, torch.nn.Conv2d)]
    assert len(convolutions) + 1 == depth


def widths(name: str) -> list[tuple[int, int]]:
    """Channels into and out of each transition."""
    module = make(name)
    parts = [part for key, part in module.features.named_children() if key.startswith("transition")]
    return [(part.conv.in_channels, part.conv.out_channels) for part in parts]


def test_channels_grow_linearly_and_transitions_halve_them():
    assert widths("densenet121") == [(64 + 6 * 32, 128), (128 + 12 * 32, 256), (256 + 24 * 32, 512)]
    assert make("densenet121").classifier.in_features == 512 + 16 * 32 == 1024
    assert widths("densenet") == [(24 + 16 * 12, 108), (108 + 16 * 12, 150)]
    assert make("densenet").classifier.in_features == 150 + 16 * 12 == 342
    assert widths("densenet(depth=40, bc=false)") == [(16 + 12 * 12,) * 2, (160 + 12 * 12,) * 2]


def test_a_layer_hands_on_its_input_unchanged():
    layer = make("densenet(depth=10, growth=4)", "cpu").features.denseblock1.denselayer1
    x = torch.randn(1, layer.conv1.in_channels, 5, 5)
    kept = x.clone()
    with torch.no_grad():
        out = layer(x)
    assert out.shape[1] == x.shape[1] + 4
    assert torch.equal(out[:, : x.shape[1]], kept)


def test_a_transition_has_a_relu_behind_its_norm():
    kinds = [layer.kind for layer in edgecnn.costs("densenet121").layers if ".transition1." in layer.name]
    assert kinds == ["BatchNormalization", "Relu", "Conv 1x1", "AveragePool"]


def test_the_last_norm_is_followed_by_a_relu():
    kinds = [layer.kind for layer in edgecnn.costs("densenet121").layers[-5:]]
    assert kinds == ["BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm"]


def test_the_graph_grows_linearly_with_the_layers():
    def edges(name: str) -> int:
        return sum(len(node.inputs) for node in record(make(name), (1, 3, 32, 32)).graph)

    by_layers = {
        sum(IMAGENET[name][0]): edges(name) for name in ("densenet121", "densenet201", "densenet264")
    }
    (a, at_a), (b, at_b), (c, at_c) = by_layers.items()
    per_layer = (at_b - at_a) / (b - a)
    assert at_c - at_b == per_layer * (c - b)
    # norm 5, relu 1, conv 2, norm 5, relu 1, conv 2, concat of the input and the new maps 2
    assert per_layer == 5 + 1 + 2 + 5 + 1 + 2 + 2


KEYS = {
    "features.conv0.weight": (64, 3, 7, 7),
    "features.norm0.running_mean": (64,),
    "features.denseblock1.denselayer1.norm1.weight": (64,),
    "features.denseblock1.denselayer1.conv1.weight": (128, 64, 1, 1),
    "features.denseblock3.denselayer24.norm2.bias": (128,),
    "features.denseblock4.denselayer16.conv2.weight": (32, 128, 3, 3),
    "features.transition3.norm.running_var": (1024,),
    "features.transition3.conv.weight": (512, 1024, 1, 1),
    "features.norm5.weight": (1024,),
    "classifier.weight": (1000, 1024),
}


def test_names_and_shapes_are_torchvisions():
    state = make("densenet121").state_dict()
    assert {key: tuple(state[key].shape) for key in KEYS} == KEYS


def test_weights_that_torchvision_published_load_and_compute_the_same(tmp_path):
    spec = "densenet121(width=0.25, res=32, classes=3)"
    module = initialize(make(spec, "cpu"), 0, torch.randn(10, 3, 32, 32))
    published = {
        key.replace("norm1.", "norm.1.")
        .replace("norm2.", "norm.2.")
        .replace("conv1.", "conv.1.")
        .replace("conv2.", "conv.2.")
        if ".denselayer" in key
        else key: value
        for key, value in module.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in published
    torch.save(published, tmp_path / "densenet.pth")
    loaded = edgecnn.pipeline.network.open_network(spec, weights=tmp_path / "densenet.pth").module
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), module(image))


def test_new_names_stay_as_they_are():
    state = make("densenet121").state_dict()
    assert list(from_torchvision(state)) == list(state)


def test_dropout_stands_behind_every_convolution_but_the_first():
    module = make("densenet(dropout=0.2)")
    drops = [part for part in module.modules() if isinstance(part, torch.nn.Dropout)]
    assert {drop.p for drop in drops} == {0.2}
    assert len(drops) == 48 + 2  # layers, which use theirs twice, and transitions


def test_dropout_is_gone_in_the_graph():
    plain, dropping = (
        [layer.kind for layer in edgecnn.costs(f"densenet(dropout={p})").layers] for p in (0.0, 0.2)
    )
    assert plain == dropping


@pytest.mark.parametrize("name", ["densenet161", "densenet"])
@pytest.mark.parametrize("width", [0.1, 0.37, 2.0])
def test_any_width_builds(name, width):
    module = make(f"{name}(width={width}, classes=3)")
    assert module(torch.empty(1, 3, 32, 32, device="meta")).shape == (1, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("depth=41, bc=false", r"4 \+ 3 n"),
        ("depth=43", r"4 \+ 6 n"),
        ("depth=4", r"4 \+ 6 n"),
        ("depth=-8, bc=false", r"4 \+ 3 n"),
        ("growth=0", "at least 1"),
    ],
)
def test_an_impossible_depth_or_growth_is_refused(options, said):
    with pytest.raises(EdgeCnnError, match=said):
        edgecnn.costs(f"densenet({options})")
