"""Which initializers train, under which names, and what becomes of one that is read in several roles."""

import copy

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder import record
from edgecnn.graph import roles
from edgecnn.graph.save import to_bytes
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.trainable import to_graph, to_module

from .onnx_text import draw, floats, graph


def step(module, images=None):
    """Take one step of gradient descent on the mean square."""
    images = torch.from_numpy(draw(3, 4, 6, 6, seed=1)) if images is None else images
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module.train()(images).square().mean().backward()
    optimizer.step()
    module.eval()


def contents(model):
    return {name: value.const_value.numpy() for name, value in model.graph.initializers.items()}


def assert_ships_what_it_computes(module, model):
    images = draw(3, 4, 6, 6, seed=2)
    outputs = module.eval()(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(OnnxRunner(model)(images), outputs, rtol=1e-4, atol=1e-6)


NORM = {"s": draw(4), "b": draw(4, seed=1), "m": draw(4, seed=2), "v": draw(4, seed=3) ** 2 + 0.1}


def test_the_state_dict_has_the_names_of_the_module_it_was_recorded_from():
    original = nn.Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    module = to_module(record(original, (1, 4, 6, 6)))
    expected = {key for key in original.state_dict() if not key.endswith("num_batches_tracked")}
    assert set(module.state_dict()) == expected
    assert {key for key, _ in module.named_parameters()} == {key for key, _ in original.named_parameters()}
    module.load_state_dict(original.state_dict(), strict=False)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (("a", "a.b"), ("a", "a_b")),
        (("a.b", "a"), ("a.b", "a_")),
        (("forward", "type.weight"), ("forward_", "type_weight")),
        (("onnx::Conv_1", "/layer/w"), ("onnx::Conv_1", "/layer/w")),
        (("..", "weight"), ("weight", "weight_")),
    ],
    ids=str,
)
def test_any_name_of_an_initializer_makes_a_key(names, keys):
    model = graph("t = Mul (x, w) y = Add (t, b)", w=draw(4, 1, 1), b=draw(4, 1, 1))
    for old, new in zip("wb", names, strict=True):
        model.graph.initializers[old].name = new
    module = to_module(model)
    assert set(module.state_dict()) == set(keys)
    assert to_bytes(to_graph(module)) == to_bytes(model)


def test_training_never_writes_to_the_graph_nor_to_the_original_module():
    original = nn.Sequential(nn.Conv2d(4, 3, 3, bias=False), nn.BatchNorm2d(3))
    model = record(original, (1, 4, 6, 6))
    before, state = to_bytes(model), copy.deepcopy(original.state_dict())
    module = to_module(model)
    step(module)
    trained = to_graph(module)
    assert to_bytes(model) == before
    assert all(torch.equal(value, original.state_dict()[key]) for key, value in state.items())
    assert all(np.any(contents(trained)[name] != array) for name, array in contents(model).items())
    assert list(trained.graph.initializers) == list(model.graph.initializers)
    assert [roles.role(value) for value in trained.graph.initializers.values()] == [
        roles.role(value) for value in model.graph.initializers.values()
    ]
    assert_ships_what_it_computes(module, trained)


def test_what_did_not_change_is_the_same_tensor():
    model = graph("t = Conv (x, w) y = Mul (t, b)", w=draw(3, 4, 1, 1), b=draw(3, 1, 1))
    module = to_module(model)
    module.w.requires_grad_(False)
    step(module)
    trained = to_graph(module)
    assert trained.graph.initializers["w"].const_value is model.graph.initializers["w"].const_value
    assert trained.graph.initializers["b"].const_value is not model.graph.initializers["b"].const_value


def test_a_shared_initializer_is_one_parameter_whose_gradients_add_up():
    model = graph("t = Mul (x, w) u = Add (t, w) y = Relu (u)", w=np.abs(draw(4, 1, 1)))
    module = to_module(model)
    images = torch.rand(2, 4, 6, 6)
    module(images).sum().backward()
    assert [key for key, _ in module.named_parameters()] == ["w"]
    expected = (images + 1).sum((0, 2, 3))  # of w x + w, which is positive
    torch.testing.assert_close(module.w.grad.flatten(), expected)


def test_an_initializer_that_is_a_mean_and_a_shift_becomes_two():
    case = {key: array for key, array in NORM.items() if key not in "bm"}
    model = graph("y = BatchNormalization (x, s, z, z, v)", z=np.zeros(4, np.float32), **case)
    module = to_module(model)
    assert {key for key, _ in module.named_parameters()} == {"s", "z"}
    assert {key for key, _ in module.named_buffers()} == {"v", "z_"}
    assert to_bytes(to_graph(module)) == to_bytes(model)
    step(module)
    trained = to_graph(module)
    assert set(trained.graph.initializers) == {"s", "v", "z", "z_statistic"}
    assert_ships_what_it_computes(module, trained)


def test_two_batch_norms_that_were_written_with_the_same_zeros_get_statistics_of_their_own():
    body = "t = BatchNormalization (x, s, b, m, v) r = Relu (t) y = BatchNormalization (r, s, b, m, v)"
    module = to_module(graph(body, **NORM))
    step(module)
    assert not torch.equal(module.m, module.m_)
    assert_ships_what_it_computes(module, to_graph(module))


def test_a_module_called_twice_keeps_one_pair_of_statistics():
    norm = nn.BatchNorm2d(4)
    original = nn.Sequential(norm, nn.ReLU(), norm)
    module = to_module(record(original, (1, 4, 6, 6)))
    images = torch.from_numpy(draw(3, 4, 6, 6, seed=1))
    step(module, images)
    original.train()(images)
    assert torch.equal(dict(module.named_buffers())["0.running_mean"], norm.running_mean)


def test_a_bound_that_is_also_a_weight_stays_as_a_bound():
    model = graph(
        "c = Clip (x, l) t = Conv (c, w, l1) y = Mul (t, l)",
        l=np.float32(0.25),
        w=draw(1, 4, 1, 1),
        l1=floats(0.5),
    )
    roles.tag(model.graph.initializers["l"], roles.PARAMETER, "l")
    module = to_module(model)
    step(module)
    assert_ships_what_it_computes(module, to_graph(module))


@pytest.mark.parametrize("noted", [True, False], ids=["noted as a parameter", "a number in the code"])
def test_a_number_trains_only_where_it_is_noted_as_a_parameter(noted):
    model = graph("y = Mul (x, g)", g=np.float32(1.5))
    if noted:
        roles.tag(model.graph.initializers["g"], roles.PARAMETER, "g")
    assert [key for key, _ in to_module(model).named_parameters()] == ["g"] * noted
    if noted:
        module = to_module(model)
        step(module)
        assert contents(to_graph(module))["g"].shape == ()
        assert_ships_what_it_computes(module, to_graph(module))


def test_integers_and_constants_are_neither_trained_nor_in_the_state_dict():
    model = graph("y = Add (x, k)", k=draw(4, 1, 1))
    roles.tag(model.graph.initializers["k"], roles.CONSTANT, "k")
    module = to_module(model)
    assert module.state_dict() == {}
    assert list(module.parameters()) == []


def test_a_frozen_batch_norm_keeps_statistics_scale_and_shift_in_training():
    model = graph("t = Conv (x, w) y = BatchNormalization (t, s, b, m, v)", w=draw(4, 4, 1, 1), **NORM)
    module = to_module(model, freeze_batch_norm=True)
    images = torch.rand(3, 4, 6, 6)
    assert torch.equal(module.train()(images), module.eval()(images))
    step(module)
    changed = {
        name for name, array in contents(to_graph(module)).items() if np.any(array != contents(model)[name])
    }
    assert changed == {"w"}


def test_batch_norm_s_momentum_is_the_node_s():
    model = graph("y = BatchNormalization <momentum = 0.75> (x, s, b, m, v)", **NORM)
    module, images = to_module(model).train(), draw(3, 4, 6, 6)
    module(torch.from_numpy(images))
    expected = 0.75 * NORM["m"] + 0.25 * images.mean((0, 2, 3))
    np.testing.assert_allclose(module.m, expected, rtol=1e-5)


@pytest.mark.parametrize(("name", "dtype"), [("float16", torch.float16), ("double", torch.float64)])
def test_a_graph_of_another_precision_trains_in_that(name, dtype):
    head = f'<ir_version: 7, opset_import: ["": 13]> g ({name}[1, 4] x) => ({name}[1, 3] y)'
    model = ir.from_onnx_text(f"{head} {{ y = MatMul (x, w) }}")
    (_, value) = model.graph[0].inputs
    array = draw(4, 3).astype(str(dtype).removeprefix("torch."))
    value.const_value, value.shape = ir.Tensor(array, name="w"), ir.Shape(array.shape)
    value.type = ir.TensorType(value.const_value.dtype)
    model.graph.register_initializer(value)
    module = to_module(model)
    step(module, torch.rand(2, 4, dtype=dtype))
    assert contents(to_graph(module))["w"].dtype == array.dtype
    assert np.any(contents(to_graph(module))["w"] != array)


def test_double_precision_comes_back_in_the_graph_s_own():
    module = to_module(graph("y = Mul (x, w)", w=draw(4, 1, 1))).double()
    step(module, torch.rand(2, 4, 6, 6, dtype=torch.float64))
    assert contents(to_graph(module))["w"].dtype == np.float32


def test_a_copy_trains_apart_from_its_original():
    module = to_module(graph("y = BatchNormalization (x, s, b, m, v)", **NORM))
    other = copy.deepcopy(module)
    step(other)
    assert all(torch.equal(module.state_dict()[key], torch.from_numpy(NORM[key])) for key in NORM)
    assert not any(torch.equal(other.state_dict()[key], torch.from_numpy(NORM[key])) for key in NORM)
    assert_ships_what_it_computes(other, to_graph(other))


def test_a_weight_of_another_shape_cannot_be_written_back():
    module = to_module(graph("y = Mul (x, w)", w=draw(4, 1, 1)))
    module.w = nn.Parameter(torch.zeros(1, 1, 1))
    with pytest.raises(EdgeCnnError, match=r"'w' has the shape \(1, 1, 1\) now"):
        to_graph(module)
