import numpy as np
import pytest
import torch

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.models import build
from edgecnn.models.initialize import initialize
from edgecnn.models.same_padding import same_padding
from edgecnn.pipeline.network import open_network
from edgecnn.spec import ModelSpec

KERAS = "mobilenet(width=0.25, res=32, classes=10, padding=same, activation=relu6, bn_eps=1e-3)"


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(224, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (7, 3, 1, (1, 1)), (8, 2, 2, (0, 0)), (5, 5, 3, (1, 2))],
)
def test_same_padding_is_tensorflows(size, kernel, stride, expected):
    assert same_padding(size, kernel, stride) == expected


def test_tensorflows_padding_reads_other_pixels_than_torchs():
    same, torchs = (
        build(ModelSpec.parse(f"mobilenet(width=0.25, res=32, padding={name})")) for name in ("same", "torch")
    )
    same.load_state_dict(torchs.state_dict())
    image = torch.randn(1, 3, 32, 32)
    assert same(image).shape == torchs(image).shape
    assert not torch.allclose(same.conv_stem(image), torchs.conv_stem(image))
    # The same weights, the windows one pixel further down and to the right.
    shifted = torch.nn.functional.pad(image, (0, 1, 0, 1))[:, :, 1:, 1:]
    torch.testing.assert_close(
        same.conv_stem(image)[:, :, 1:-1, 1:-1], torchs.conv_stem(shifted)[:, :, 1:-1, 1:-1]
    )


def keras_weights(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """Write a module's weights as Keras names and lays them out."""
    arrays = {}
    kinds = {
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
        "weight": "gamma",
        "bias": "beta",
    }
    blocks = [
        (f"blocks.{s}.{i}", block) for s, stage in enumerate(module.blocks) for i, block in enumerate(stage)
    ]
    layers = {"conv_stem": "conv1", "bn1": "conv1_bn"}
    for number, (path, _) in enumerate(blocks, start=1):
        for part, ours in (("dw", "bn1"), ("pw", "bn2")):
            layers |= {
                f"{path}.conv_{part}": f"conv_{part}_{number}",
                f"{path}.{ours}": f"conv_{part}_{number}_bn",
            }
    for key, tensor in module.state_dict().items():
        path, _, kind = key.rpartition(".")
        array = tensor.numpy()
        if path == "classifier":
            arrays[f"conv_preds/{'kernel' if kind == 'weight' else 'bias'}:0"] = (
                array.T[None, None] if kind == "weight" else array
            )
        elif array.ndim == 4 and path.endswith("conv_dw"):
            arrays[f"{layers[path]}/{layers[path]}/depthwise_kernel:0"] = array.transpose(2, 3, 0, 1)
        elif array.ndim == 4:
            arrays[f"{layers[path]}/{layers[path]}/kernel:0"] = array.transpose(2, 3, 1, 0)
        elif kind in kinds:
            arrays[f"{layers[path]}/{kinds[kind]}"] = array
    return arrays


def test_weights_saved_by_keras_compute_the_same(tmp_path):
    module = initialize(build(ModelSpec.parse(KERAS)), 3, torch.randn(16, 3, 32, 32))
    np.savez(tmp_path / "keras.npz", **keras_weights(module))
    loaded = open_network(KERAS, weights=tmp_path / "keras.npz").module
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), module(image))


def test_an_npz_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(EdgeCnnError, match=r"missing.*unexpected \(a\)"):
        open_network(KERAS, weights=tmp_path / "other.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:40])
    with pytest.raises(EdgeCnnError, match="damaged"):
        open_network(KERAS, weights=tmp_path / "cut.npz")


def test_tensorflows_padding_ships_without_a_pad_operator(tmp_path):
    from edgecnn.export.tflite import count_operators

    edgecnn.deploy(KERAS, "pi4", out=tmp_path / "b")
    operators = count_operators((tmp_path / "b" / "model.tflite").read_bytes())
    assert not {"PAD", "PADV2", "TRANSPOSE"} & set(operators)


def test_the_papers_padding_costs_the_same():
    assert edgecnn.costs("mobilenet(padding=same)").mult_adds == edgecnn.costs("mobilenet").mult_adds
