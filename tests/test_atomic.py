import errno
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgecnn.atomic import check_free, write_file, write_folder
from edgecnn.errors import EdgeCnnError


def content(folder):
    """Every file and folder below, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def write(path, text="new", *, force=False, marker=""):
    with write_folder(path, force=force, marker=marker) as folder:
        (folder / "file").write_text(text)
        (folder / "below").mkdir()


def fail_in(path, failure, *, force=True):
    with write_folder(path, force=force) as folder:
        (folder / "file").write_text("half")
        raise failure


def test_a_folder_appears_whole_and_nothing_else_does(tmp_path):
    write(tmp_path / "out")
    assert content(tmp_path) == ["out", "out/below", "out/file"]


def test_the_folder_is_not_there_before_it_is_complete(tmp_path):
    with write_folder(tmp_path / "out", force=False) as folder:
        assert not (tmp_path / "out").exists()
        assert folder.parent == tmp_path


def test_missing_parents_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "out")
    assert (tmp_path / "a" / "b" / "out" / "file").read_text() == "new"


def test_the_folder_has_the_mode_of_any_new_folder(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["out/", "x/../out", "./out", "out/."], ids=str)
def test_names_are_cleaned(tmp_path, name):
    write(f"{tmp_path}/{name}")
    assert content(tmp_path) == ["out", "out/below", "out/file"]


def test_a_name_as_long_as_the_file_system_allows_works(tmp_path):
    write(tmp_path / ("n" * 255))
    assert (tmp_path / ("n" * 255) / "file").exists()


def test_a_longer_name_is_refused_before_any_work(tmp_path):
    with (
        pytest.raises(EdgeCnnError, match="file name too long"),
        write_folder(tmp_path / ("n" * 256), force=False),
    ):
        pytest.fail("the block must not run")
    assert content(tmp_path) == []


def test_an_existing_folder_needs_force(tmp_path):
    write(tmp_path / "out", "old")
    with pytest.raises(EdgeCnnError, match="out exists; give another name, or --force to replace it"):
        write(tmp_path / "out")
    assert (tmp_path / "out" / "file").read_text() == "old"


def test_force_replaces_the_folder_and_keeps_nothing_of_the_old_one(tmp_path):
    write(tmp_path / "out", "old")
    (tmp_path / "out" / "extra").touch()
    write(tmp_path / "out", force=True)
    assert content(tmp_path) == ["out", "out/below", "out/file"]
    assert (tmp_path / "out" / "file").read_text() == "new"


def test_force_replaces_no_folder_without_the_marker(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").touch()
    with pytest.raises(EdgeCnnError, match=r"photos holds no run\.json, so --force does not replace it"):
        write(tmp_path / "photos", force=True, marker="run.json")
    assert content(tmp_path) == ["photos", "photos/holiday.jpg"]


def test_force_replaces_an_empty_folder(tmp_path):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", force=True, marker="run.json")
    assert (tmp_path / "out" / "file").exists()


def test_force_never_replaces_the_folder_one_stands_in(tmp_path, monkeypatch):
    (tmp_path / "out" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "out" / "below")
    for path in (".", "..", str(tmp_path)):
        with pytest.raises(EdgeCnnError, match="--force does not replace it"):
            write(path, force=True)


def test_force_replaces_a_folder_where_nobody_knows_the_home(tmp_path, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}[0])
    write(tmp_path / "out")
    write(tmp_path / "out", force=True)


def test_a_parent_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeCnnError, match=r"file is a file; choose another place"):
        write(tmp_path / "file" / "a" / "out")
    assert content(tmp_path) == ["file"]


@pytest.mark.parametrize("path", ["", "a\0b"], ids=["empty", "zero byte"])
def test_what_is_no_name_is_refused(path):
    with pytest.raises(EdgeCnnError, match="is not a name"):
        write(path)


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt(), SystemExit(1), ValueError("broken"), EdgeCnnError("broken")], ids=repr
)
@pytest.mark.parametrize("before", ["nothing", "an old folder"])
def test_a_failure_leaves_what_was_there_before(tmp_path, failure, before):
    if before == "an old folder":
        write(tmp_path / "a" / "out", "old")
    expected = content(tmp_path)
    with pytest.raises(type(failure)):
        fail_in(tmp_path / "a" / "out", failure)
    assert content(tmp_path) == expected
    assert not expected or (tmp_path / "a" / "out" / "file").read_text() == "old"


def test_a_folder_that_appears_meanwhile_is_not_overwritten(tmp_path):
    block = write_folder(tmp_path / "out", force=False)
    block.__enter__()
    (tmp_path / "out").mkdir()
    with pytest.raises(EdgeCnnError, match="out exists"):
        block.__exit__(None, None, None)
    assert content(tmp_path) == ["out"]


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()], ids=repr)
def test_the_old_folder_is_put_back_when_the_last_rename_fails(tmp_path, monkeypatch, failure):
    write(tmp_path / "out", "old")
    rename = Path.rename

    def fail(self, target):
        if self.suffix == ".partial":
            raise failure
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises((EdgeCnnError, KeyboardInterrupt)):
        write(tmp_path / "out", force=True)
    assert content(tmp_path) == ["out", "out/below", "out/file"]
    assert (tmp_path / "out" / "file").read_text() == "old"


def test_a_full_disk_is_named_and_leaves_nothing_behind(tmp_path):
    with pytest.raises(EdgeCnnError, match=r"cannot write .*out: no space left on device"):
        fail_in(tmp_path / "a" / "out", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert content(tmp_path) == []


def test_an_error_about_a_foreign_file_names_that_file(tmp_path):
    with (
        pytest.raises(EdgeCnnError, match=r"cannot read or write .*nowhere: no such file or directory"),
        write_folder(tmp_path / "out", force=False),
    ):
        (tmp_path / "nowhere").read_bytes()


@pytest.fixture
def tiny_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    done = mount and subprocess.run(command, capture_output=True, check=False)
    if not done or done.returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield disk
    subprocess.run([str(shutil.which("umount")), str(disk)], check=True)


WRITERS = {
    "bytes": lambda folder, data: (folder / "file").write_bytes(data.tobytes()),
    "numpy": lambda folder, data: np.save(folder / "file.npy", data),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=list(WRITERS))
def test_a_disk_that_is_really_full_is_named_and_left_clean(tiny_disk, writer):
    with (
        pytest.raises(EdgeCnnError, match="no space left on device"),
        write_folder(tiny_disk / "a" / "out", force=False) as folder,
    ):
        writer(folder, np.zeros(2**20, np.uint8))
    assert content(tiny_disk) == []


def test_a_file_that_does_not_fit_on_the_disk_leaves_the_old_one(tiny_disk):
    write_file(tiny_disk / "file", b"old", force=False)
    with pytest.raises(EdgeCnnError, match=r"cannot write .*file: no space left on device"):
        write_file(tiny_disk / "file", bytes(2**20), force=True)
    assert content(tiny_disk) == ["file"]
    assert (tiny_disk / "file").read_bytes() == b"old"


def test_a_file_appears_whole_with_the_parents_it_needs(tmp_path):
    write_file(tmp_path / "a" / "file", b"data", force=False)
    assert content(tmp_path) == ["a", "a/file"]
    assert (tmp_path / "a" / "file").read_bytes() == b"data"


def test_an_existing_file_needs_force(tmp_path):
    write_file(tmp_path / "file", b"old", force=False)
    with pytest.raises(EdgeCnnError, match="exists; give another name, or --force"):
        write_file(tmp_path / "file", b"new", force=False)
    write_file(tmp_path / "file", b"new", force=True)
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_folder_is_no_place_for_a_file_nor_the_other_way_round(tmp_path):
    write_file(tmp_path / "file", b"old", force=False)
    write(tmp_path / "folder")
    with pytest.raises(EdgeCnnError, match="is a folder, not a file"):
        write_file(tmp_path / "folder", b"new", force=True)
    with pytest.raises(EdgeCnnError, match="is a file, not a folder"):
        write(tmp_path / "file", force=True)


@pytest.mark.parametrize("folder", [None, False, True])
def test_a_device_or_a_pipe_is_never_replaced(tmp_path, folder):
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/null", tmp_path / "pipe"):
        with pytest.raises(EdgeCnnError, match="is a device or a pipe|is a file, not a folder"):
            check_free(name, force=True, folder=folder)


def test_the_place_can_be_checked_before_the_work(tmp_path):
    assert check_free(tmp_path / "x" / ".." / "out", force=False) == tmp_path / "out"
    (tmp_path / "out").mkdir()
    with pytest.raises(EdgeCnnError, match="out exists"):
        check_free(tmp_path / "out", force=False)
