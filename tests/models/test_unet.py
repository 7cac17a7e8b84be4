import numpy as np
import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.models import build, complete
from edgecnn.spec import ModelSpec

# Parameters, mult-adds.
GOLDEN = {
    "unet": (31_030_658, 150_428_424_448),
    "unet(padding=same)": (31_030_658, 192_384_335_872),
    "unet(padding=same, res=256)": (31_030_658, 48_096_083_968),
    "unet(padding=same, bn=true, in_channels=3)": (31_037_698, 192_686_325_760),
}


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    assert (result.parameters, result.mult_adds) == GOLDEN[text]
    assert result.receptive_field == (188, 204)


def shape_of(text: str) -> tuple[int, ...]:
    spec = complete(ModelSpec.parse(text))
    image = torch.zeros(1, spec.in_channels, spec.res.height, spec.res.width, device="meta")
    return tuple(build(spec, "meta")(image).shape)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unet", (1, 2, 388, 388)),
        ("unet(res=188)", (1, 2, 4, 4)),
        ("unet(res=204x572)", (1, 2, 20, 388)),
        ("unet(padding=same)", (1, 2, 512, 512)),
        ("unet(padding=same, res=16x48, classes=5)", (1, 5, 16, 48)),
        ("unet(up=bilinear, res=188)", (1, 2, 4, 4)),
    ],
)
def test_the_map_has_the_papers_size(text, expected):
    assert shape_of(text) == expected


@pytest.mark.parametrize("width", [0.1, 0.3, 0.75, 2])
@pytest.mark.parametrize("up", ["transposed", "bilinear"])
def test_every_width_fits_together(width, up):
    assert shape_of(f"unet(width={width}, padding=same, res=32, up={up})") == (1, 2, 32, 32)


def test_maps_that_pass_over_are_cropped_in_the_middle():
    cropped = [(before.shape, after.shape) for before, after in crops(edgecnn.costs("unet").layers)]
    assert [(before[2] - after[2]) // 2 for before, after in cropped] == [4, 16, 40, 88]
    up = build(ModelSpec.parse("unet(width=0.1)")).up1
    passed, seen = torch.randn(1, 64, 16, 18), {}
    up.conv.register_forward_pre_hook(lambda _, args: seen.update(joined=args[0]))
    up(torch.randn(1, 128, 4, 4), passed)
    torch.testing.assert_close(seen["joined"][:, :64], passed[:, :, 4:12, 5:13])


def crops(layers):
    relus = {layer.shape[1]: layer for layer in layers if layer.kind == "Relu" and "down" in layer.name}
    relus |= {layer.shape[1]: layer for layer in layers if layer.kind == "Relu" and "inc" in layer.name}
    return [(relus[layer.shape[1]], layer) for layer in layers if layer.kind == "Slice"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("unet(res=573)", r"16 m \+ 12, not 573; give res=572 or res=588"),
        ("unet(res=512)", "res=508 or res=524"),
        ("unet(res=172)", "at least 188"),
        ("unet(padding=same, res=100)", "multiples of 16, not 100; give res=96 or res=112"),
        ("unet(padding=same, res=12)", "at least 16"),
    ],
)
def test_sizes_that_do_not_halve_evenly_are_refused(text, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        complete(ModelSpec.parse(text))


def test_bilinear_upsampling_halves_the_channels_before_it():
    c = 64
    pairs = [
        (1, c, c),
        (c, 2 * c, 2 * c),
        (2 * c, 4 * c, 4 * c),
        (4 * c, 8 * c, 8 * c),
        (8 * c, 8 * c, 8 * c),
    ]
    pairs += [(16 * c, 8 * c, 4 * c), (8 * c, 4 * c, 2 * c), (4 * c, 2 * c, c), (2 * c, c, c)]
    weights = sum(9 * (c_in * middle + middle * c_out) + middle + c_out for c_in, middle, c_out in pairs)
    assert edgecnn.costs("unet(up=bilinear)").parameters == weights + 2 * c + 2


def test_state_dict_keys_are_those_of_the_public_code():
    keys = list(build(ModelSpec.parse("unet(padding=same, bn=true, in_channels=3)"), "meta").state_dict())
    assert len(keys) == 18 * (1 + 5) + 4 * 2 + 2  # convolutions with BatchNorm, up-convolutions, the head
    assert {"inc.double_conv.4.running_var", "down4.maxpool_conv.1.double_conv.3.weight"} <= set(keys)
    assert {"up1.up.bias", "up4.conv.double_conv.1.weight", "outc.conv.bias"} <= set(keys)


def test_the_end_of_the_contracting_path_is_dropped_in_training_alone():
    network = build(ModelSpec.parse("unet(width=0.1, padding=same)"))
    assert [part.p for part in network.modules() if isinstance(part, nn.Dropout)] == [0, 0, 0.5, 0.5]
    image = torch.randn(1, 1, 32, 32)
    assert torch.equal(network(image), network(image))
    network.train()
    assert not torch.equal(network(image), network(image))


@pytest.mark.parametrize(("up", "width"), [("transposed", 204), ("bilinear", 252)])
def test_the_receptive_field_is_the_support_of_the_gradient(up, width):
    text = f"unet(width=0.1, res=188x{width}, up={up})"
    network = build(ModelSpec.parse(text))
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1 / max(parameter[0].numel(), 1))
    for part in (network.down1, network.down2, network.down3, network.down4):
        part.maxpool_conv[0] = nn.AvgPool2d(2)  # the gradient of a maximum reaches one pixel alone
    image = torch.ones(1, 1, 188, width, requires_grad=True)
    scores, extents = network(image)[0, 0], []
    for column in range(width - 184):
        (gradient,) = torch.autograd.grad(scores[2, column], image, retain_graph=True)
        seen = np.flatnonzero(gradient[0, 0].sum(0))
        extents.append(int(seen.max() - seen.min() + 1))
    least, greatest = min(extents), max(extents)
    assert least < greatest
    assert edgecnn.costs(text).receptive_field == (least, greatest)
