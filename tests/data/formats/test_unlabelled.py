from edgecnn import data


def test_there_are_pictures_and_no_classes(tmp_path, picture):
    for number in range(10):
        picture(tmp_path / "set" / f"{number}.png")
    dataset = data.load(tmp_path / "set")
    assert (dataset.task, len(dataset), dataset.labels, dataset.class_names) == ("unlabelled", 8, None, ())
    assert len(data.load(tmp_path / "set", "held-out")) == 2


def test_its_two_splits_may_be_folders(tmp_path, picture):
    picture(tmp_path / "train" / "a.png")
    picture(tmp_path / "val" / "b.png")
    assert [len(data.load(tmp_path, split)) for split in data.SPLITS] == [1, 1]
