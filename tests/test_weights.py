import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from edgecnn.errors import EdgeCnnError
from edgecnn.weights import WEIGHTS_FILE, load_into, read_weights, write_weights


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.classifier = nn.Linear(2, 4)


@pytest.fixture
def tensors():
    torch.manual_seed(1)
    return Network().state_dict()


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(params=["safetensors", "pth", "pt", "th", "legacy", "wrapped", "parallel", "run folder"])
def file(request, tmp_path, tensors):
    path = tmp_path / {"safetensors": "w.safetensors", "pt": "w.pt", "th": "w.th"}.get(request.param, "w.pth")
    match request.param:
        case "safetensors":
            path.write_bytes(write_weights(tensors))
        case "run folder":
            (tmp_path / WEIGHTS_FILE).write_bytes(write_weights(tensors))
            return tmp_path
        case "legacy":
            torch.save(tensors, path, _use_new_zipfile_serialization=False)
        case "wrapped":
            torch.save({"epoch": 3, "state_dict": tensors}, path)
        case "parallel":
            torch.save({f"module.{name}": tensor for name, tensor in tensors.items()}, path)
        case _:
            torch.save(tensors, path)
    return path


def test_weights_come_back_from_every_kind_of_file(file, tensors):
    assert same(read_weights(file), tensors)


def test_loaded_weights_are_the_module_s(tensors):
    module = Network()
    load_into(module, tensors, "w.pth")
    assert same(module.state_dict(), tensors)


def test_the_same_tensors_give_the_same_bytes_in_any_order(tensors):
    assert write_weights(tensors) == write_weights(dict(reversed(tensors.items())))


def test_tensors_that_share_memory_are_written(tmp_path, tensors):
    shared = {"a": tensors["conv.weight"], "b": tensors["conv.weight"][:1]}
    (tmp_path / "w.safetensors").write_bytes(write_weights(shared))
    assert same(read_weights(tmp_path / "w.safetensors"), shared)


class Blocked:
    def __reduce__(self):
        return os.getenv, ("HOME",)  # torch blocks this module by name


class Evil:
    ran = False

    def __reduce__(self):
        return setattr, (Evil, "ran", True)


@pytest.mark.parametrize("kind", ["pickle", "inside a checkpoint", "of a blocked module", "a whole module"])
def test_a_checkpoint_with_code_is_refused_and_its_code_does_not_run(tmp_path, tensors, kind):
    path = tmp_path / "evil.pth"
    match kind:
        case "pickle":
            path.write_bytes(pickle.dumps(Evil(), protocol=2))
        case "inside a checkpoint":
            torch.save({"state_dict": tensors, "hook": Evil()}, path)
        case "of a blocked module":
            torch.save({"state_dict": tensors, "hook": Blocked()}, path)
        case _:
            torch.save(nn.Linear(2, 2), path)
    with pytest.raises(EdgeCnnError, match="edgecnn does not unpickle"):
        read_weights(path)
    assert not Evil.ran


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.9, 0.99])
def test_a_truncated_file_is_called_damaged(tmp_path, tensors, suffix, fraction):
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save(tensors, path)
    else:
        path.write_bytes(write_weights(tensors))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(EdgeCnnError, match=f"w{suffix} is damaged or no"):
        read_weights(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_text_file_is_called_damaged(tmp_path, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_text("these are not the weights you are looking for\n" * 9)
    with pytest.raises(EdgeCnnError, match="is damaged or no"):
        read_weights(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_an_empty_file_is_called_empty(tmp_path, suffix):
    (tmp_path / f"w{suffix}").touch()
    with pytest.raises(EdgeCnnError, match="is empty"):
        read_weights(tmp_path / f"w{suffix}")


def test_another_suffix_is_refused(tmp_path):
    (tmp_path / "w.h5").touch()
    with pytest.raises(EdgeCnnError, match=r"give \.safetensors or \.pth or \.pt or \.th or \.npz"):
        read_weights(tmp_path / "w.h5")


def test_a_missing_file_and_a_folder_without_weights_are_named(tmp_path):
    with pytest.raises(EdgeCnnError, match=r"there is no file .*w\.pth"):
        read_weights(tmp_path / "w.pth")
    with pytest.raises(EdgeCnnError, match=r"holds no weights\.safetensors"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "content",
    [{}, [1, 2], torch.zeros(2), {"epoch": 3}, {"state_dict": {"w": 1.0}}, {1: torch.zeros(1)}],
    ids=["empty", "list", "tensor", "number", "wrapped number", "numbered"],
)
def test_a_checkpoint_without_weights_by_name_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(EdgeCnnError, match=r"save the model's state_dict\(\)"):
        read_weights(tmp_path / "w.pth")


def refused(tensors, sentence):
    module = Network()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(EdgeCnnError, match=sentence):
        load_into(module, tensors, "w.pth")
    assert same(module.state_dict(), before)


def test_a_renamed_key_is_missing_and_unexpected_and_each_names_the_other(tensors):
    tensors["conv1.weight"] = tensors.pop("conv.weight")
    refused(
        tensors,
        r"the weights of w\.pth do not fit the network, nothing was loaded:"
        r" 1 missing \(conv\.weight \(near: conv1\.weight\)\);"
        r" 1 unexpected \(conv1\.weight \(near: conv\.weight\)\)$",
    )


def test_many_missing_keys_are_counted(tensors):
    refused(
        {"conv.weight": tensors["conv.weight"]},
        r": 7 missing \(conv\.bias, bn\.weight, bn\.bias and 4 more\)$",
    )


def test_another_number_of_classes_is_a_wrong_shape(tensors):
    tensors["classifier.weight"] = torch.zeros(10, 2)
    refused(
        tensors,
        r"1 of another shape or kind \(classifier\.weight is float32 \(10, 2\), not float32 \(4, 2\)\)$",
    )


def test_integers_are_no_weights(tensors):
    tensors["conv.bias"] = torch.zeros(2, dtype=torch.int64)
    refused(tensors, r"conv\.bias is int64 \(2,\), not float32 \(2,\)")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tensors, value):
    tensors["conv.bias"] = torch.tensor([0.0, value])
    refused(tensors, r"'conv\.bias' of w\.pth has values that are not finite")


def test_a_double_too_large_for_float32_is_not_finite(tensors):
    tensors["conv.bias"] = torch.tensor([0.0, 1e300], dtype=torch.float64)
    refused(tensors, "not finite")


def test_the_counter_of_batches_may_be_missing(tensors):
    del tensors["bn.num_batches_tracked"]
    module = Network()
    load_into(module, tensors, "w.pth")
    assert torch.equal(module.conv.weight, tensors["conv.weight"])


def test_half_precision_weights_are_widened(tensors):
    module = Network()
    load_into(
        module,
        {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()},
        "w",
    )
    assert module.conv.weight.dtype == torch.float32
    assert torch.equal(module.conv.weight, tensors["conv.weight"].half().float())


def test_a_folder_named_like_a_file_is_read_as_a_run_folder(tmp_path):
    (tmp_path / "w.pth").mkdir()
    with pytest.raises(EdgeCnnError, match=r"w\.pth holds no weights\.safetensors"):
        read_weights(Path(tmp_path / "w.pth"))
