import numpy as np
import pytest

from edgecnn import data
from edgecnn.errors import EdgeCnnError

N = 20


@pytest.fixture
def archive(tmp_path, rng):
    """Write an archive; what is not given is a set of twenty 4 x 4 RGB pictures of two classes."""

    def write(name="set.npz", **arrays):
        plain = {"x": rng.integers(0, 256, (N, 4, 4, 3), np.uint8), "y": np.arange(N) % 2}
        np.savez(tmp_path / name, **(arrays or plain))
        return tmp_path / name

    return write


def pictures(n=N):
    return np.zeros((n, 4, 4, 3), np.uint8)


def test_every_fifth_of_a_class_is_held_out_where_nothing_says_another_split(archive):
    assert [len(data.load(archive(), split)) for split in data.SPLITS] == [16, 4]


def test_a_file_whose_name_says_its_split_is_that_split_as_a_whole(archive):
    train = archive("cifar10_train20.npz", x=pictures(), y=np.arange(N) % 10)
    test = archive("cifar10_test5.npz", x=pictures(5), y=np.arange(5))
    for path in (train, test):
        assert [len(data.load(path, split)) for split in data.SPLITS] == [N, 5]
    assert data.load(test, "held-out").class_names[:2] == ("airplane", "automobile")


def test_keys_that_say_a_split_are_used(archive):
    file = archive(
        x_train=pictures(3), y_train=np.array([0, 1, 2]), x_test=pictures(2), y_test=np.array([[1], [4]])
    )
    train, rest = (data.load(file, split) for split in data.SPLITS)
    assert (train.labels.tolist(), rest.labels.tolist()) == ([0, 1, 2], [1, 4])
    assert train.class_names == rest.class_names == ("0", "1", "2", "3", "4")


def test_gray_pictures_may_lack_the_channel(archive):
    assert data.load(archive(x=np.zeros((5, 4, 6), np.uint8))).images.shape == (4, 4, 6, 1)


def test_without_y_there_are_no_labels(archive):
    assert data.load(archive(x=pictures())).task == "unlabelled"


def test_y_of_the_pictures_size_is_masks(archive, rng):
    masks = rng.integers(0, 3, (N, 4, 4))
    dataset = data.load(archive(x=pictures(), y=masks))
    assert (dataset.task, dataset.class_names) == ("segmentation", ("0", "1", "2"))
    assert np.array_equal(dataset.masks[0], masks[0])


def test_in_masks_255_does_not_count_as_a_class(archive):
    masks = np.tile(np.array([0, 1, 1, 255], np.uint8), (N, 4, 1))
    assert data.load(archive(x=pictures(), y=masks)).class_names == ("0", "1")


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": np.zeros((N, 4, 4, 3))}, "are float64; give uint8, 0 to 255"),
        ({"x": np.zeros((N, 3, 8, 8), np.uint8)}, r"are \(n, c, h, w\) .*; give \(n, h, w, c\)"),
        ({"x": np.zeros((N, 4), np.uint8)}, r"have shape \(20, 4\)"),
        ({"x": pictures(0)}, r"have shape \(0, 4, 4, 3\)"),
        ({"x": pictures(), "y": np.zeros(N)}, "labels of .* are float64; give whole numbers"),
        ({"x": pictures(), "y": np.zeros(3, int)}, "has 20 pictures and 3 labels"),
        ({"x": pictures(), "y": np.zeros((N, 10), int)}, r"labels of .* have shape \(20, 10\)"),
        ({"x": pictures(), "y": np.arange(N) - 1}, "has label -1"),
        ({"x": pictures(), "y": np.arange(N) + 2**40}, "below 1,000,000"),
        ({"x": pictures(), "y": np.zeros(N, int)}, r"pictures of 1 class\(es\)"),
        ({"x": pictures(), "y": np.full((N, 4, 4), 300)}, "masks of .* have class 300"),
        ({"pictures": pictures()}, "name the arrays x and y"),
        ({"x_train": pictures()}, "holds x_train; name the arrays"),
        ({"x": np.array([None] * N)}, "no whole .npz archive of numbers"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:24],
)
def test_what_does_not_fit_is_refused(archive, arrays, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        data.load(archive(**arrays))


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "a flipped byte", "an array alone"])
def test_a_damaged_archive_is_refused(archive, damage, tmp_path):
    file = archive()
    content = bytearray(file.read_bytes())
    if damage == "an array alone":
        np.save(tmp_path / "a.npy", pictures())
        content = (tmp_path / "a.npy").read_bytes()
    elif damage == "a flipped byte":
        content[200] ^= 255
    else:
        content = {"truncated": content[:300], "text": b"no archive", "empty": b""}[damage]
    file.write_bytes(content)
    with pytest.raises(EdgeCnnError, match=r"set.npz is no whole .npz archive of numbers"):
        data.load(file)


def test_labels_that_training_lacks_are_still_classes(archive):
    archive("train.npz", x=pictures(), y=np.arange(N) % 2)
    assert len(data.load(archive("test.npz", x=pictures(), y=np.arange(N) % 3), "held-out").class_names) == 3


def test_a_sibling_with_labels_of_another_kind_is_refused(archive):
    archive("train.npz", x=pictures(), y=np.full(N, 0.5))
    with pytest.raises(EdgeCnnError, match="are float64; give whole numbers"):
        data.load(archive("test.npz"), "held-out")


def test_classes_txt_beside_names_the_classes(archive, tmp_path):
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    assert data.load(archive()).class_names == ("cat", "dog")
