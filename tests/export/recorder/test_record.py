import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record, replay
from edgecnn.graph import roles
from edgecnn.graph.check import check
from edgecnn.runtime.onnx_runner import OnnxRunner


class Calls(nn.Module):
    """A module whose forward is the given function of the image, and of two small layers."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.shift = nn.Parameter(torch.randn(4, 1, 1))
        self.narrow = nn.Parameter(torch.randn(4, 2, 3, 3))
        self.register_buffer("gain", torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1))

    def forward(self, x):
        return self.function(self, x)


FUNCTIONS = {
    "conv": (lambda m, x: m.conv(x), ["Conv"]),
    "conv without bias, strided, grouped": (
        lambda m, x: F.conv2d(x, m.narrow, None, 2, (1, 0), 1, 2),
        ["Conv"],
    ),
    "conv same": (lambda m, x: F.conv2d(x, m.conv.weight, padding="same", dilation=2), ["Conv"]),
    "transposed conv": (
        lambda m, x: F.conv_transpose2d(x, m.conv.weight, m.conv.bias, 2, 1, 1),
        ["ConvTranspose"],
    ),
    "max pool, ceil": (lambda m, x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), ["MaxPool"]),
    "average pool, padding counted": (lambda m, x: F.avg_pool2d(x, 3, 2, 1), ["AveragePool"]),
    "average pool, padding not counted": (
        lambda m, x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        ["AveragePool"],
    ),
    "adaptive pool to one": (lambda m, x: F.adaptive_avg_pool2d(x, 1), ["GlobalAveragePool"]),
    "adaptive pool to half": (lambda m, x: F.adaptive_avg_pool2d(x, (6, 4)), ["AveragePool"]),
    "mean over space": (lambda m, x: x.mean((2, 3), keepdim=True), ["GlobalAveragePool"]),
    "mean without the axes": (lambda m, x: x.mean([-1, -2]), ["ReduceMean"]),
    "relu in place": (lambda m, x: F.relu(m.conv(x), inplace=True), ["Conv", "Relu"]),
    "relu6": (lambda m, x: F.relu6(x * 9), ["Mul", "Clip"]),
    "sigmoid and tanh": (lambda m, x: torch.tanh(x.sigmoid()), ["Sigmoid", "Tanh"]),
    "softmax over channels": (lambda m, x: x.softmax(-3), ["Softmax"]),
    "local response normalization": (lambda m, x: F.local_response_norm(x, 3, 0.1, 0.75, 2.0), ["LRN"]),
    "arithmetic": (lambda m, x: (1 - x + m.shift) * m.gain / 2 - x, ["Sub", "Add", "Mul", "Div", "Sub"]),
    "addition in place": (lambda m, x: m.conv(x).add_(x), ["Conv", "Add"]),
    "concatenation": (lambda m, x: torch.cat([x, m.conv(x)], dim=-3), ["Conv", "Concat"]),
    "flatten": (lambda m, x: x.flatten(1), ["Flatten"]),
    "view": (lambda m, x: x.view(x.shape[0], -1), ["Flatten"]),
    "reshape": (lambda m, x: x.reshape(1, 2, 2, 12, 8), ["Reshape"]),
    "dropout": (lambda m, x: F.dropout(m.conv(x), 0.5, m.training), ["Conv"]),
    "slices": (lambda m, x: x[:, 1:3, ::2, -5:], ["Slice"]),
    "a slice behind an ellipsis": (lambda m, x: x[..., 2:4], ["Slice"]),
    "padding": (lambda m, x: F.pad(x, (1, 2, 0, 3, 2, 0), value=1.5), ["Pad"]),
    "nearest resize": (lambda m, x: F.interpolate(x, scale_factor=2), ["Resize"]),
    "nearest resize to a size": (lambda m, x: F.interpolate(x, size=(7, 5)), ["Resize"]),
    "bilinear resize": (lambda m, x: F.interpolate(x, scale_factor=2, mode="bilinear"), ["Resize"]),
    "bilinear resize, corners aligned": (
        lambda m, x: F.interpolate(x, scale_factor=(2, 3), mode="bilinear", align_corners=True),
        ["Resize"],
    ),
    "sum of squares": (lambda m, x: (x**2).sum(-1), ["Mul", "ReduceSum"]),
    "unsqueezed difference": (lambda m, x: x.unsqueeze(1) - m.gain, ["Reshape", "Sub"]),
    "same": (lambda m, x: F.relu(x) + F.relu(x), ["Relu", "Relu", "Add"]),
}


@pytest.mark.parametrize(("function", "operators"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_recorded_function_computes_what_torch_computes(function, operators):
    module = Calls(function)
    model = record(module, (1, 4, 12, 8))
    check(model)
    assert [node.op_type for node in model.graph] == operators
    image = torch.randn(1, 4, 12, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = module.eval()(image.clone()).numpy()
    outputs = OnnxRunner(model)(image.numpy())
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("function", "_operators"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_shape_on_meta_is_that_of_the_real_tensor(function, _operators):
    model = record(Calls(function), (1, 4, 12, 8))
    truth = Calls(function).eval()(torch.randn(1, 4, 12, 8))
    assert list(model.graph.outputs[0].shape) == list(truth.shape)


@pytest.fixture
def network():
    layers = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)]
    return nn.Sequential(nn.Sequential(*layers[:3]), *layers[3:])


def test_names_are_module_paths_and_batch_norm_is_kept(network):
    model = record(network, (1, 3, 8, 8))
    assert [(node.op_type, node.name) for node in model.graph] == [
        ("Conv", "0.0"),
        ("BatchNormalization", "0.1"),
        ("Relu", "0.2"),
        ("Flatten", "1"),
        ("Gemm", "2"),
    ]
    assert [value.name for value in (*model.graph.inputs, *model.graph.outputs)] == ["input", "output"]
    assert model.opset_imports[""] == 13
    assert model.ir_version == 7


def test_initializers_say_whether_they_are_trained(network):
    initializers = record(network, (1, 3, 8, 8)).graph.initializers
    statistics = {name for name, value in initializers.items() if roles.role(value) == roles.STATISTIC}
    assert statistics == {"0.1.running_mean", "0.1.running_var"}
    assert roles.role(initializers["2.weight"]) == roles.PARAMETER


def test_a_network_on_meta_is_recorded_without_weights():
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(10**5, 10**5))  # 40 GB, were it allocated
    model = record(network, (1, 10**5))
    (weight, bias) = model.graph.initializers.values()
    assert weight.const_value is None
    assert list(weight.shape) == [10**5, 10**5]
    assert list(bias.shape) == [10**5]


def test_the_module_is_left_as_it_was(network):
    network.train()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    record(network, (1, 3, 8, 8))
    assert network.training
    assert not network[0]._forward_hooks
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[key])


@pytest.mark.parametrize(("momentum", "noted"), [(0.1, None), (0.25, 0.75), (None, None)])
def test_batch_norm_s_momentum_is_noted_where_it_is_not_the_usual_one(momentum, noted):
    (node,) = record(nn.Sequential(nn.BatchNorm2d(4, momentum=momentum)), (1, 4, 6, 6)).graph
    attribute = node.attributes.get("momentum")
    assert (attribute and attribute.value) == noted


def test_a_part_with_two_names_is_left_as_it_was():
    norm = nn.BatchNorm2d(4)
    module = nn.Sequential(norm, nn.ReLU(), norm)
    model = record(module, (1, 4, 6, 6))
    assert {value.device.type for value in module.state_dict().values()} == {"cpu"}
    assert [name for name in model.graph.initializers if "mean" in name] == ["0.running_mean"]


def test_a_weight_used_twice_is_one_initializer():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Linear(6, 6)
            self.two = nn.Linear(6, 6)
            self.two.weight = self.one.weight

        def forward(self, x):
            return self.two(self.one(x))

    model = record(Tied(), (1, 6))
    assert sorted(model.graph.initializers) == ["one.bias", "one.weight", "two.bias"]
    image = torch.randn(1, 6)
    module = Tied()
    np.testing.assert_allclose(
        OnnxRunner(record(module, (1, 6)))(image.numpy()), module(image).detach().numpy(), atol=1e-6
    )


def test_replay_gives_each_value_as_it_was_before_later_calls_changed_it(network):
    network[0][2].inplace = True
    image = torch.randn(2, 3, 8, 8)
    values = replay(network.eval(), image)
    with torch.no_grad():
        normed = network[0][1](network[0][0](image))
    assert (values["0.1"] < 0).any()
    torch.testing.assert_close(values["0.1"], normed)
    torch.testing.assert_close(values["output"], network(image))


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda m, x: torch.fft.rfft(x).real, "no node for torch.*fft"),
        (lambda m, x: F.max_pool2d(x, 2, return_indices=True)[0], "no node|indices"),
        (lambda m, x: x + torch.ones(4, 12, 8, device=x.device), "register_buffer"),
        (lambda m, x: F.adaptive_avg_pool2d(x, 5), "unequal sizes"),
        (lambda m, x: F.local_response_norm(x, 4), "even"),
        (lambda m, x: F.linear(x, torch.zeros(3, 8, device=x.device)), "flatten"),
        (lambda m, x: (x, x), "one tensor"),
        (lambda m, x: x, "nothing to export"),
        (lambda m, x: F.avg_pool2d(x, 2, divisor_override=3), "divisor_override"),
        (lambda m, x: torch.add(x, x, alpha=2), "alpha"),
        (lambda m, x: x[:, 1], "only slices"),
        (lambda m, x: F.pad(x, (1, 1, 1, 1), mode="reflect"), "reflect"),
        (lambda m, x: F.interpolate(x, scale_factor=2, mode="bicubic"), "bicubic"),
        (lambda m, x: x**3, "squares"),
    ],
    ids=["unknown", "indices", "loose tensor", "unequal windows", "even LRN", "linear on maps", "two outputs",
         "no node", "divisor", "alpha", "picked entry", "reflection", "bicubic", "cube"],
)  # fmt: skip
def test_what_has_no_node_is_refused_by_name(function, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        record(Calls(function), (1, 4, 12, 8))


def test_batch_norm_without_statistics_is_refused():
    with pytest.raises(EdgeCnnError, match="running statistics"):
        record(nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False)), (1, 3, 4, 4))


def test_a_part_may_be_called_as_the_graphs_output_is():
    class Distance(nn.Module):
        def forward(self, x):
            return (x * x).sum(1)

    network = nn.Sequential()
    network.add_module("output", Distance())
    model = record(network, (1, 4, 12, 8))
    check(model)
    names = [value.name for node in model.graph for value in node.outputs]
    assert names == ["output_1", "output"]
    image = torch.randn(1, 4, 12, 8)
    np.testing.assert_allclose(OnnxRunner(model)(image.numpy()), network(image).numpy(), rtol=1e-5)
    assert set(names) <= set(replay(network, image))
