import os

import pytest

from edgecnn.data import readable
from edgecnn.data.readable import unreadable

SUFFIXES = ("jpg", "png", "gif", "webp", "bmp", "tif")


@pytest.fixture(params=["each is decoded", "their ends are looked at"])
def few(request, monkeypatch):
    if request.param == "their ends are looked at":
        monkeypatch.setattr(readable, "_FEW", 0)


def test_whole_files_can_be_read(tmp_path, picture, few):
    names = [picture(tmp_path / f"a.{suffix}", (20, 20, 3)).name for suffix in SUFFIXES]
    assert unreadable(tmp_path, names) == {}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_found_at_its_position(tmp_path, picture, few, suffix):
    names = [picture(tmp_path / f"{number}.{suffix}", (40, 40, 3)).name for number in range(3)]
    content = (tmp_path / names[1]).read_bytes()
    (tmp_path / names[1]).write_bytes(content[: len(content) // 2])
    found = unreadable(tmp_path, names)
    assert list(found) == [1]
    assert found[1].startswith(f"1.{suffix}: ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (b"hello", "the file is no picture"), (None, "No such file or directory")],
    ids=["empty", "text", "missing"],
)
def test_the_reason_is_named(tmp_path, few, content, reason):
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    assert unreadable(tmp_path, ["a.jpg"]) == {0: f"a.jpg: {reason}"}


def test_a_pipe_is_not_waited_for(tmp_path, few):
    os.mkfifo(tmp_path / "a.jpg")
    assert unreadable(tmp_path, ["a.jpg"]) == {0: "a.jpg: the file is empty"}


def test_what_follows_the_end_of_a_jpeg_does_no_harm(tmp_path, picture, few):
    file = picture(tmp_path / "a.jpg")
    file.write_bytes(file.read_bytes() + b"a maker's note")
    assert unreadable(tmp_path, ["a.jpg"]) == {}


def test_in_a_small_set_damage_in_the_middle_is_found(tmp_path, picture):
    file = picture(tmp_path / "a.png", (64, 64, 3))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(bytes(content))
    assert list(unreadable(tmp_path, ["a.png"])) == [0]


def test_positions_are_right_beyond_what_one_reader_takes(tmp_path, picture, monkeypatch):
    monkeypatch.setattr(readable, "_FEW", 0)
    monkeypatch.setattr(readable, "_CHUNK", 2)
    names = [picture(tmp_path / f"{number}.png").name for number in range(7)]
    for number in (0, 3, 6):
        (tmp_path / names[number]).write_bytes(b"")
    assert list(unreadable(tmp_path, names)) == [0, 3, 6]
