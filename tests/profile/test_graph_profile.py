import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.graph import shapes
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline.network import open_network
from edgecnn.profile import profile


def graph(text: str, **weights: np.ndarray) -> ir.Model:
    tensors = [ir.tensor(array, name=name) for name, array in weights.items()]
    model = ir.from_onnx_text(f'<ir_version: 7, opset_import: ["" : 13]> g {text}', initializers=tensors)
    return shapes.infer(model)


FLOATS = np.ones((4, 3, 1, 1), np.float32)


def test_a_graph_is_left_as_it_is():
    model = open_network("lenet").graph
    before = to_bytes(model)
    profile(model)
    edgecnn.costs(model)
    assert to_bytes(model) == before


def test_a_module_is_left_as_it_is():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU(inplace=True))
    module[0].weight.requires_grad_(False)
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    attributes = {name: set(vars(part)) for name, part in module.named_modules()}
    edgecnn.costs(module, input_shape=(1, 3, 8, 8))
    after = module.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())
    assert {name: set(vars(part)) for name, part in module.named_modules()} == attributes
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert [parameter.requires_grad for parameter in module.parameters()] == [False, True, True, True]


def test_a_module_in_training_stays_in_training():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    module[1].eval()  # frozen, as for fine-tuning
    edgecnn.costs(module, input_shape=(1, 3, 8, 8))
    assert [part.training for part in module.modules()] == [True, True, False]
    assert module[1].num_batches_tracked == 0


def test_a_network_is_profiled_without_its_weights():
    network = open_network("vgg16", allocate=False)
    assert all(parameter.is_meta for parameter in network.module.parameters())
    weights = [value for value in network.graph.graph.initializers.values() if value.const_value is not None]
    assert sum(value.const_value.nbytes for value in weights) < 100
    assert profile(network.graph).weight_bytes == 4 * 138_357_544


def test_what_a_layer_moves_is_its_input_weights_and_output():
    result = profile(graph("(float[1,3,5,5] x) => (float[1,4,5,5] y) { y = Conv(x, w) }", w=FLOATS))
    (layer,) = result.layers
    assert layer.moved_bytes == 4 * (3 * 25 + 4 * 3 + 4 * 25)
    assert layer.arithmetic_intensity == result.arithmetic_intensity == (4 * 3 * 25) / layer.moved_bytes


def test_an_input_read_twice_moves_once():
    (layer,) = profile(graph("(float[1,10] x) => (float[1,10] y) { y = Mul(x, x) }")).layers
    assert layer.moved_bytes == 4 * (10 + 10)


def test_a_shared_weight_counts_at_its_first_reader_and_moves_at_each():
    body = "(float[1,4,5,5] x) => (float[1,4,5,5] y) { a = Conv(x, w) y = Conv(a, w) }"
    first, second = profile(graph(body, w=np.ones((4, 4, 1, 1), np.float32))).layers
    assert (first.parameters, second.parameters) == (16, 0)
    assert (first.weight_bytes, second.weight_bytes) == (64, 0)
    assert first.moved_bytes == second.moved_bytes == 4 * (4 * 25 + 16 + 4 * 25)


def test_a_dequantized_weight_is_no_activation():
    body = """(float[1,3,5,5] x) => (float[1,4,5,5] y) {
      w = DequantizeLinear(q, scale, zero) y = Conv(x, w) }"""
    weights = {"q": np.ones((4, 3, 1, 1), np.int8), "scale": np.float32(0.1), "zero": np.int8(0)}
    result = profile(graph(body, **weights))
    assert result.peak_activation_bytes == 4 * (3 * 25 + 4 * 25)
    assert [layer.activation_bytes for layer in result.layers] == [0, 4 * 4 * 25]
    assert result.weight_bytes == 4 * 3 + 4 + 1


def test_the_activations_held_are_those_alive_at_each_layer():
    body = "(float[1,10] x) => (float[1,10] y) { a = Relu(x) b = Tanh(a) y = Add(a, b) }"
    result = profile(graph(body))
    assert [layer.alive_bytes for layer in result.layers] == [40 * 2, 40 * 2, 40 * 3]
    assert result.peak_activation_bytes == 120


def test_an_operator_of_another_domain_is_named_with_it():
    model = graph("(float[1,4] x) => (float[1,4] y) { y = Relu(x) }")
    (node,) = model.graph
    node.domain = "com.acme"
    result = profile(model)
    assert result.unknown_ops == ("com.acme.Relu",)
    assert result.layers[0].mult_adds is None
    assert result.arithmetic_intensity is None


def test_a_shape_that_is_not_fixed_is_an_error_that_says_how_to_fix_it():
    model = ir.from_onnx_text(
        '<ir_version: 7, opset_import: ["" : 13]> g (float[n,4] x) => (float[n,4] y) { y = Relu(x) }'
    )
    with pytest.raises(EdgeCnnError, match="--input"):
        profile(model)


def test_the_json_keys_are_stable():
    data = edgecnn.costs("lenet").to_json()
    assert set(data) == {"totals", "layers", "unknown_ops"}
    totals = "mult_adds parameters weight_bytes peak_activation_bytes arena_bytes arithmetic_intensity"
    assert set(data["totals"]) == {*totals.split(), "receptive_field", "stride"}
    layer = "name kind mult_adds parameters weight_bytes activation_bytes moved_bytes alive_bytes shape"
    assert set(data["layers"][0]) == {*layer.split(), "receptive_field", "stride", "arithmetic_intensity"}
    assert data["totals"]["arena_bytes"] is None
    assert (data["totals"]["stride"], data["totals"]["receptive_field"]) == (4, (16, 16))


def test_the_work_grows_with_the_layers_alone():
    # Counted in calls, not in seconds: a graph of twice the nodes makes twice the calls.
    import sys

    def calls(depth: int) -> int:
        model = graph(
            "(float[1,3,5,5] x0) => (float[1,3,5,5] y) {"
            + " ".join(f"x{i + 1} = Relu(x{i})" for i in range(depth))
            + f" y = Add(x0, x{depth}) }}"
        )
        count = 0

        def counting(*_):
            nonlocal count
            count += 1

        sys.setprofile(counting)
        try:
            profile(model)
        finally:
            sys.setprofile(None)
        return count

    assert calls(400) < 2.1 * calls(200)
