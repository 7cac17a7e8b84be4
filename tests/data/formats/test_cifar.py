import numpy as np
import pytest

from edgecnn import data
from edgecnn.errors import EdgeCnnError


def write(folder, name, labels, rng):
    """Write records of these label bytes (n, 1 or 2) and random pixels; return the pixels (n, 3, 32, 32)."""
    labels = np.array(labels, np.uint8)
    pixels = rng.integers(0, 256, (len(labels), 3, 32, 32), np.uint8)
    np.concatenate([labels, pixels.reshape(len(labels), -1)], 1).tofile(folder / name)
    return pixels


def test_cifar_10_has_its_batches_in_order_and_its_names(tmp_path, rng):
    parts = [write(tmp_path, f"data_batch_{n}.bin", [[n % 10], [0]], rng) for n in range(1, 11)]
    write(tmp_path, "test_batch.bin", [[9]], rng)
    train = data.load(tmp_path)
    assert train.labels.tolist() == [label for n in range(1, 11) for label in (n % 10, 0)]
    assert np.array_equal(train.images, np.concatenate(parts).transpose(0, 2, 3, 1))
    assert train.class_names[-1] == "truck"
    assert data.load(tmp_path, "held-out").labels.tolist() == [9]


def test_cifar_100_has_fine_labels(tmp_path, rng):
    for name in ("train.bin", "test.bin"):
        write(tmp_path, name, [[1, 99], [2, 0]], rng)
    assert data.load(tmp_path).labels.tolist() == [99, 0]
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"class {n}" for n in range(100)))
    assert data.load(tmp_path).class_names[99] == "class 99"


def test_one_batch_is_a_set_of_its_own(tmp_path, rng):
    write(tmp_path, "data_batch_1.bin", [[0]] * 10, rng)
    assert [len(data.load(tmp_path / "data_batch_1.bin", split)) for split in data.SPLITS] == [8, 2]


def test_a_truncated_file_is_refused(tmp_path, rng):
    write(tmp_path, "data_batch_1.bin", [[0]] * 3, rng)
    file = tmp_path / "data_batch_1.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(EdgeCnnError, match="is truncated: 9218 bytes are no whole records of 3073"):
        data.load(tmp_path)


def test_a_label_out_of_range_is_refused(tmp_path, rng):
    write(tmp_path, "data_batch_1.bin", [[10]], rng)
    with pytest.raises(EdgeCnnError, match="label 10 is out of range; there are 10 classes"):
        data.load(tmp_path)


def test_a_split_without_a_file_is_named(tmp_path, rng):
    write(tmp_path, "data_batch_1.bin", [[1]], rng)
    with pytest.raises(EdgeCnnError, match="has no file of the held-out split"):
        data.load(tmp_path, "held-out")


def test_pickles_are_not_opened(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(EdgeCnnError, match="whose pickles run what is in them; take the binary version"):
        data.load(tmp_path)
