import numpy as np
import pytest
import torch

from edgecnn.data import Dataset, contract
from edgecnn.optimize import InMemory, streamed
from edgecnn.optimize.streamed import Streamed, batches_of, examples_of

N = 11
PARTS = [np.array([4, 0, 9]), np.array([1, 10]), np.array([2, 3]), np.array([8, 7, 6, 5])]


@pytest.fixture(params=["classes", "masks"])
def dataset(request, rng):
    images = rng.integers(0, 256, (N, 6, 6, 1), dtype=np.uint8)
    if request.param == "classes":
        given = {"labels": np.arange(N) % 3}
    else:
        given = {"masks": rng.integers(0, 3, (N, 6, 6), dtype=np.uint8)}
    return Dataset(name="noise", split="train", images=images, class_names=tuple("abc"), **given)


@pytest.fixture
def preprocessing(dataset):
    return contract(dataset, 1, 4, 4)


def test_a_stream_is_cut_into_the_parts(dataset, preprocessing):
    whole_inputs, whole_targets = next(Streamed(dataset, preprocessing).take([np.arange(N)]))
    taken = list(Streamed(dataset, preprocessing).take(PARTS))
    assert [len(inputs) for inputs, _ in taken] == [3, 2, 2, 4]
    for part, (inputs, targets) in zip(PARTS, taken, strict=True):
        assert torch.equal(inputs, whole_inputs[part])
        assert torch.equal(targets, whole_targets[part])
        assert targets.dtype == torch.int64


def test_what_fits_stays_in_memory_and_is_the_same(dataset, preprocessing, monkeypatch):
    held = batches_of(dataset, preprocessing)
    # values of 4 bytes and, for masks, classes of 8
    needed = N * 4 * 4 * (4 + (8 if dataset.masks is not None else 0))
    monkeypatch.setattr(streamed, "LARGEST_BYTES", needed - 1)
    read = batches_of(dataset, preprocessing)
    assert isinstance(held, InMemory)
    assert isinstance(read, Streamed)
    assert len(held) == len(read) == N
    for ours, theirs in zip(held.take(PARTS), read.take(PARTS), strict=True):
        assert all(map(torch.equal, ours, theirs))
    monkeypatch.setattr(streamed, "LARGEST_BYTES", needed)
    assert isinstance(batches_of(dataset, preprocessing), InMemory)


def test_pictures_without_labels_come_without_targets(preprocessing, monkeypatch):
    bare = Dataset(name="bare", split="train", images=np.arange(144, dtype=np.uint8).reshape(4, 6, 6, 1))
    held = list(batches_of(bare, preprocessing).take([np.array([3, 0]), np.array([1])]))
    monkeypatch.setattr(streamed, "LARGEST_BYTES", 0)
    read = list(batches_of(bare, preprocessing).take([np.array([3, 0]), np.array([1])]))
    assert [targets for _, targets in (*held, *read)] == [None] * 4
    assert all(torch.equal(ours, theirs) for (ours, _), (theirs, _) in zip(held, read, strict=True))


def test_the_first_examples_are_from_all_over_the_set(dataset, preprocessing):
    whole, _ = next(Streamed(dataset, preprocessing).take([np.arange(N)]))
    assert torch.equal(examples_of(dataset, preprocessing, 3), whole[[0, 5, 10]])
    assert torch.equal(examples_of(dataset, preprocessing, 99), whole)
