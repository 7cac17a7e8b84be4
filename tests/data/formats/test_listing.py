import pytest

from edgecnn import data
from edgecnn.errors import EdgeCnnError


@pytest.fixture
def listed(tmp_path, picture):
    """Write pictures 0.png to 5.png and a list; return its path."""

    def write(text, name="list.txt"):
        for number in range(6):
            picture(tmp_path / f"{number}.png")
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_numbers_are_classes(listed):
    dataset = data.load(listed("0.png 0\n\n# a remark\n1.png 2\n2.png\t0\n"))
    assert dataset.labels.tolist() == [0, 2, 0]
    assert dataset.class_names == ("0", "1", "2")


def test_names_are_classes_in_alphabetical_order(listed):
    dataset = data.load(listed("0.png dog\n1.png cat\n"))
    assert (dataset.class_names, dataset.labels.tolist()) == (("cat", "dog"), [1, 0])


def test_classes_txt_beside_names_the_numbers(listed, tmp_path):
    (tmp_path / "classes.txt").write_text("cat\ndog\nwolf\n")
    assert data.load(listed("0.png 0\n1.png 1\n")).class_names == ("cat", "dog", "wolf")
    assert data.load(listed("0.png wolf\n1.png cat\n")).labels.tolist() == [2, 0]


@pytest.mark.parametrize("name", ["list.csv", "list.tsv"])
def test_a_table_may_have_a_head_and_names_with_blanks(listed, name):
    mark = {"list.csv": ",", "list.tsv": "\t"}[name]
    rows = [("file", "label"), ("0.png", "a cat"), ("1.png", "a dog")]
    assert data.load(listed("\n".join(map(mark.join, rows)), name)).class_names == ("a cat", "a dog")


def test_a_path_may_have_blanks(listed, tmp_path, picture):
    picture(tmp_path / "one more.png")
    assert len(data.load(listed("one more.png 0\n1.png 1\n"))) == 2


def test_a_file_that_is_missing_is_left_out_and_named(listed):
    dataset = data.load(listed("0.png 0\nnone.png 1\n2.png 1\n"))
    assert dataset.labels.tolist() == [0, 1]
    assert dataset.skipped == ("none.png: No such file or directory",)


def test_two_lists_are_two_splits(listed):
    listed("0.png a\n1.png b\n2.png c\n", "train.txt")
    dataset = data.load(listed("3.png c\n", "val.txt"), "held-out")
    assert (dataset.class_names, dataset.labels.tolist()) == (("a", "b", "c"), [2])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0.png 0\n1.png\n", "line 2 of .*list.txt is not a picture's path and its class: '1.png'"),
        ("", "list.txt is empty"),
        ("0.png 0\n1.png 0\n", r"list.txt has pictures of 1 class\(es\)"),
        ("0.png -1\n1.png 0\n", "list.txt has label -1"),
        ("0.png a\n1.png a\n", "has one class, a"),
        ("0.png 0\n1.png 99999999999999999999\n", "label 99999999999999999999"),
        ("0.png 0\n1.png 4000000000\n", "label 4000000000"),
    ],
    ids=["no class", "empty", "one class", "negative", "one name", "beyond int64", "four billion"],
)
def test_what_is_no_list_is_refused(listed, text, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        data.load(listed(text))


def test_a_label_beyond_classes_txt_is_refused(listed, tmp_path):
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    with pytest.raises(EdgeCnnError, match=r"has label 2, but .*classes.txt names 2 classes only"):
        data.load(listed("0.png 0\n1.png 2\n"))
    with pytest.raises(EdgeCnnError, match=r"has class 'wolf', which .*classes.txt does not have"):
        data.load(listed("0.png cat\n1.png wolf\n"))


def test_what_is_no_text_is_refused(listed, tmp_path):
    file = listed("")
    file.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(EdgeCnnError, match="is no text in UTF-8"):
        data.load(file)
