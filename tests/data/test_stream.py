"""Batches: what is in them, and that the number of workers does not matter."""

import os
import signal

import numpy as np
import pytest
import torch

from edgecnn import data
from edgecnn.data.stream import fit_mask, stream
from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import Preprocessing, raw_preprocessing

CONTRACT = {"channel_order": "RGB", "height": 6, "width": 5, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}


@pytest.fixture
def contract():
    return Preprocessing(**CONTRACT)


@pytest.fixture
def photos(tmp_path, folders):
    return data.load(folders(tmp_path / "set", {"a": 9, "b": 9}, suffix="jpg"))


@pytest.fixture
def masked(tmp_path, picture):
    for number in range(5):
        side = (9, 10 + number)
        picture(tmp_path / "images" / f"{number}.jpg", (*side, 3))
        picture(tmp_path / "masks" / f"{number}.png", np.resize([0, 1, 2, 255], side).astype(np.uint8))
    return data.load(tmp_path)


def equal(left, right):
    return all(
        (a is None and b is None) or (np.array_equal(a, b) and a.dtype == b.dtype)
        for a, b in zip(vars(left).values(), vars(right).values(), strict=True)
    )


def test_the_batches_are_the_pictures_in_order(photos, contract):
    batches = list(stream(photos, contract, batch=4))
    assert [len(batch.inputs) for batch in batches] == [4, 4, 4, 4]
    assert np.array_equal(np.concatenate([b.inputs for b in batches]), contract.batch(photos.images))
    assert np.array_equal(np.concatenate([b.targets for b in batches]), photos.labels)
    assert np.concatenate([b.indices for b in batches]).tolist() == list(range(16))


def test_an_order_is_followed_and_may_repeat_and_leave_out(photos, contract):
    order = np.array([3, 3, 15, 0, 7])
    batches = list(stream(photos, contract, order=order, batch=3))
    assert [batch.indices.tolist() for batch in batches] == [[3, 3, 15], [0, 7]]
    assert np.array_equal(batches[0].inputs[2], contract.apply(photos.images[15]))
    assert np.array_equal(batches[1].targets, photos.labels[[0, 7]])


@pytest.mark.parametrize("order", [[16], [-1], [0, 99]])
def test_an_order_beyond_the_set_is_refused(photos, contract, order):
    with pytest.raises(EdgeCnnError, match="there are 16"):
        stream(photos, contract, order=np.array(order))


@pytest.mark.parametrize(("batch", "workers"), [(0, 0), (1, -1)])
def test_a_batch_of_none_and_negative_workers_are_refused(photos, contract, batch, workers):
    with pytest.raises(EdgeCnnError, match="give a batch of at least 1"):
        stream(photos, contract, batch=batch, workers=workers)


def test_no_order_is_no_batch(photos, contract):
    assert list(stream(photos, contract, order=np.array([], np.int64), workers=2)) == []


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("name", ["photos", "masked", "shapes"])
def test_any_number_of_workers_gives_the_same(request, contract, workers, name):
    dataset = data.load(name, "held-out") if name == "shapes" else request.getfixturevalue(name)
    how = {"order": np.arange(len(dataset))[::-1][:40], "batch": 3}
    here, there = (list(stream(dataset, contract, workers=each, **how)) for each in (0, workers))
    assert len(here) == len(there) > 1
    assert all(equal(a, b) for a, b in zip(here, there, strict=True))


def test_workers_leave_the_random_numbers_of_torch_alone(photos, contract):
    before = torch.get_rng_state()
    list(stream(photos, contract, workers=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_stream_may_be_left_before_its_end(photos, contract):
    batches = stream(photos, contract, batch=1, workers=2)
    next(batches)
    batches.close()
    assert len(list(stream(photos, contract, batch=1, workers=2))) == 16


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_breaks_meanwhile_ends_it_with_one_sentence(photos, contract, workers, tmp_path):
    (tmp_path / "set" / "a" / "003.jpg").write_bytes(b"gone")
    with pytest.raises(EdgeCnnError) as caught:
        list(stream(photos, contract, workers=workers))
    assert str(caught.value) == f"{tmp_path}/set/a/003.jpg: the file is no picture"


class Deadly(list):
    """A sequence that ends the process which reads from it."""

    def __getitem__(self, index):
        if isinstance(index, int) and index == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


# torch's own clean-up may hear of the killed process once more, where nothing can catch it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_that_is_killed_ends_it_with_one_sentence(contract):
    pictures = Deadly([np.zeros((4, 4, 3), np.uint8)] * 5)
    dataset = data.Dataset(name="deadly", split="train", images=pictures)
    with pytest.raises(EdgeCnnError, match="a worker process ended; give fewer workers, or a smaller batch"):
        list(stream(dataset, contract, batch=1, workers=1))


def test_nothing_is_read_before_it_is_asked_for(photos, contract, tmp_path):
    batches = stream(photos, contract, batch=2)
    next(batches)
    (tmp_path / "set" / "a" / "002.jpg").unlink()
    with pytest.raises(EdgeCnnError, match="002.jpg: there is no such file"):
        next(batches)


def test_unlabelled_pictures_have_no_targets(tmp_path, picture, contract):
    picture(tmp_path / "set" / "a.png")
    (batch,) = stream(data.load(tmp_path / "set"), contract)
    assert batch.targets is None


def test_a_mask_of_another_size_than_its_picture_is_refused(tmp_path, picture, contract):
    picture(tmp_path / "images" / "a.png", (4, 6, 3))
    picture(tmp_path / "masks" / "a.png", np.resize([0, 1], (6, 4)).astype(np.uint8))
    with pytest.raises(EdgeCnnError, match=r"images/a.png is \(4, 6\) and its mask \(6, 4\) pixels"):
        next(stream(data.load(tmp_path), contract))


@pytest.mark.parametrize("how", [{"resize": "squash"}, {"resize": "crop"}, {"resize": "crop", "crop": 0.5}])
@pytest.mark.parametrize("size", [(6, 5), (12, 10), (24, 40), (40, 24)], ids=str)
def test_a_mask_goes_where_its_picture_goes(how, size):
    # A picture that is its own mask: black left and above, white right and below, far from blurred edges.
    contract = Preprocessing(
        **CONTRACT | how | {"height": 12, "width": 10, "mean": (0,) * 3, "std": (1,) * 3}
    )
    mask = np.zeros(size, np.uint8)
    mask[size[0] // 2 :, size[1] // 3 :] = 1
    shown = contract.apply(np.repeat(mask[..., None] * 255, 3, 2))[0]
    fitted = fit_mask(mask, contract)
    assert (fitted.shape, fitted.dtype) == ((12, 10), np.int64)
    clear = (shown < 0.25) | (shown > 0.75)
    assert clear.mean() > 0.5
    assert np.array_equal(fitted[clear], (shown > 0.5)[clear])


def test_classes_of_a_mask_are_never_mixed(contract):
    mask = np.resize([0, 7, 255], (31, 17)).astype(np.uint8)
    assert set(np.unique(fit_mask(mask, contract))) <= {0, 7, 255}


def test_the_mask_of_raw_arrays_stays_as_it_is():
    mask = np.resize([0, 1, 2], (4, 3)).astype(np.uint8)
    assert np.array_equal(fit_mask(mask, raw_preprocessing(5, 4, 3)), mask)
