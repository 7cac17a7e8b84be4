import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from edgecnn.export.recorder import record
from edgecnn.graph import shapes
from edgecnn.profile import profile

NETWORKS = {
    "three 3x3 are one 7x7": (nn.Sequential(*[nn.Conv2d(1, 1, 3) for _ in range(3)]), 7),
    "a dilated kernel reaches further": (nn.Sequential(nn.Conv2d(1, 1, 3, dilation=4)), 9),
    "strides multiply": (nn.Sequential(nn.Conv2d(1, 1, 3, 2), nn.MaxPool2d(3, 2), nn.Conv2d(1, 1, 3)), 15),
    "padding counts": (nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 5, padding=2)), 9),
}


@pytest.mark.parametrize(("network", "expected"), NETWORKS.values(), ids=NETWORKS)
def test_the_receptive_field_is_known(network, expected):
    assert profile(record(network, (1, 1, 33, 33))).receptive_field == (expected, expected)


class Hourglass(nn.Module):
    """Down, up by a transposed convolution, and a skip: what a pixel sees depends on where it is."""

    def __init__(self):
        super().__init__()
        self.down, self.middle = nn.Conv2d(1, 1, 2, 2), nn.Conv2d(1, 1, 3, padding=1)
        self.up, self.last = nn.ConvTranspose2d(1, 1, 2, 2), nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x):
        return self.last(torch.cat([x, self.up(self.middle(self.down(x)))], 1))


def test_least_and_greatest_are_those_of_the_gradients_support():
    network = Hourglass()
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1.0)
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    output, extents = network(image), []
    for column in range(12, 20):  # far enough from the border that the padding is not seen
        (gradient,) = torch.autograd.grad(output[0, 0, 16, column], image, retain_graph=True)
        seen = np.flatnonzero(gradient[0, 0].sum(0))
        extents.append(int(seen.max() - seen.min() + 1))
    assert profile(record(network, (1, 1, 32, 32))).receptive_field == (min(extents), max(extents))


def seen(network: nn.Module, side: int) -> tuple[int, int]:
    """Return the least and greatest extent from the gradients' support, away from the border."""
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1.0)
    image = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    output, extents = network.double()(image), []
    middle = output.shape[-1] // 2
    for column in range(middle - 4, middle + 4):
        (gradient,) = torch.autograd.grad(output[0, 0, middle, column], image, retain_graph=True)
        columns = np.flatnonzero(gradient[0, 0].sum(0))
        extents.append(int(columns.max() - columns.min() + 1))
    return min(extents), max(extents)


class Crop(nn.Module):
    def forward(self, x):
        return x[:, :, 3:-2, 3:-2]


RESAMPLING = {
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"),
    "nearest": nn.Upsample(scale_factor=3, mode="nearest"),
    "crop": Crop(),
    "transposed": nn.ConvTranspose2d(1, 1, 3, 2),
    "padded": nn.ZeroPad2d((1, 2, 1, 2)),
}


@pytest.mark.parametrize("name", RESAMPLING)
def test_resampling_widens_the_field_as_the_gradients_show(name):
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 2, 2), RESAMPLING[name], nn.Conv2d(1, 1, 3))
    expected = seen(network, 40)
    assert profile(record(network.float(), (1, 1, 40, 40))).receptive_field == expected


STRIDES = {
    "down": (nn.Sequential(nn.Conv2d(1, 1, 3, 2), nn.MaxPool2d(2)), 4),
    "up again": (nn.Sequential(nn.Conv2d(1, 1, 3, 2), nn.ConvTranspose2d(1, 1, 2, 2)), 1),
    "between": (nn.Sequential(nn.Conv2d(1, 1, 3, 3), nn.ConvTranspose2d(1, 1, 2, 2)), 1.5),
}


@pytest.mark.parametrize(("network", "expected"), STRIDES.values(), ids=STRIDES)
def test_the_stride_is_how_far_neighbours_are_apart(network, expected):
    result = profile(record(network, (1, 1, 33, 33)))
    assert result.stride == result.layers[-1].stride == expected


def from_text(body: str, **weights: np.ndarray):
    tensors = [ir.tensor(array, name=name) for name, array in weights.items()]
    model = ir.from_onnx_text(f'<ir_version: 7, opset_import: ["" : 13]> g {body}', initializers=tensors)
    return profile(shapes.infer(model))


UNRULY = {
    "transposed axes": "y = Transpose<perm=[0,1,3,2]>(a)",
    "joined along the height": "y = Concat<axis=2>(a, a)",
    "an operator nobody knows": "y = Cos(a)",
}


@pytest.mark.parametrize("node", UNRULY.values(), ids=UNRULY)
def test_where_no_rule_is_known_the_field_is_unknown_and_stays_so(node):
    weight = np.ones((1, 1, 3, 3), np.float32)
    result = from_text(f"(float[1,1,9,9] x) => (float z) {{ a = Conv(x, w) {node} z = Relu(y) }}", w=weight)
    assert [layer.receptive_field for layer in result.layers] == [(3, 3), None, None]
    assert result.receptive_field is None
    assert result.stride is None


def test_a_gate_of_one_position_is_read_everywhere():
    body = "(float[1,1,9,9] x) => (float[1,1,9,9] y) { a = MaxPool<kernel_shape=[9,9]>(x) y = Mul(x, a) }"
    assert from_text(body).receptive_field == (9, 9)


def test_a_slice_without_axes_and_steps_counts_from_the_end_too():
    bounds = {"starts": np.array([0, 0, -6, 2]), "ends": np.array([1, 1, 9, 9])}
    body = "(float[1,1,9,9] x) => (float[1,1,6,7] y) { a = Slice(x, starts, ends) y = Relu(a) }"
    assert from_text(body, **bounds).receptive_field == (1, 1)


def test_depth_to_space_and_back_sees_one_pixel_of_the_block():
    body = """(float[1,4,4,4] x) => (float[1,4,4,4] y) {
      a = DepthToSpace<blocksize=2>(x) y = SpaceToDepth<blocksize=2>(a) }"""
    up, down = from_text(body).layers
    assert (up.stride, up.receptive_field) == (0.5, (1, 1))
    assert (down.stride, down.receptive_field) == (1, (1, 1))
