"""The shell transport on this machine: what is left running, and what is left behind."""

import errno
import os
import subprocess
import sys
import threading
import time

import pytest

from edgecnn.devices import bounded
from edgecnn.devices.bounded import TIMED_OUT, Bounds, TooMuchError
from edgecnn.devices.reach import reach
from edgecnn.errors import EdgeCnnError


def test_what_a_broken_connection_left_running_is_ended_first(tmp_path):
    (tmp_path / "slow.py").write_text("import time\nopen('begun', 'w').close()\ntime.sleep(60)\n")
    (tmp_path / "quick.py").write_text("")
    ended = []
    with reach("local") as there:
        place = there.put(tmp_path)

        def slow() -> None:
            with pytest.raises(EdgeCnnError) as error:
                there.run(place, ["slow.py"], 60)
            ended.append(str(error.value))

        running = threading.Thread(target=slow)
        running.start()
        while True:
            try:
                there.get(place, "begun", 10)
                break
            except EdgeCnnError:
                time.sleep(0.02)
        there.run(place, ["quick.py"], 20)
        running.join(20)
    assert ended == ["local: its runner was terminated"]


def test_what_lay_there_for_a_day_unused_is_removed_at_the_next_visit(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    old, new, busy, other = (
        tmp_path / name for name in (*("edgecnn-" + digit * 16 for digit in "012"), "edgecnn-mine")
    )
    for folder in (old, new, busy, other):
        folder.mkdir()
    with subprocess.Popen(["/bin/sleep", "60"], cwd=busy) as running:
        for folder in (old, busy):
            (folder / ".pid").write_text(str(running.pid))
        for folder in (old, busy, other):
            os.utime(folder, (time.time() - 2 * 86400,) * 2)
        (tmp_path / "bundle").mkdir()
        with reach("local") as there:
            there.put(tmp_path / "bundle")
        running.kill()
    found = [folder.exists() for folder in (old, new, busy, other)]
    assert found == [False, True, True, True]


def test_a_file_may_have_a_long_and_foreign_name(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "bundle").mkdir()
    names = ["x" * 200, "ü" * 100, "-rf", "a b\n"]
    for name in names:
        (tmp_path / "bundle" / name).write_text("here")
    with reach("local") as there:
        place = there.put(tmp_path / "bundle")
        assert sorted(path.name for path in (tmp_path / place).iterdir()) == sorted(names)


def test_a_full_disk_of_this_machine_is_not_the_devices(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "run.py").write_text("")
    monkeypatch.setattr("tarfile.TarFile.addfile", full)
    with (
        reach("local") as there,
        pytest.raises(EdgeCnnError, match="bundle cannot be packed in .* of this machine: No space left"),
    ):
        there.put(tmp_path / "bundle")


def test_a_phone_is_reached_through_adb(tmp_path, monkeypatch):
    adb = tmp_path / "bin" / "adb"
    adb.parent.mkdir()
    adb.write_text(f'#!/bin/sh\necho "$1 $2 $3 $4" > {tmp_path}/words\nexec sh -c "$5"\n')
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{adb.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "run.py").write_text("open('answer', 'w').write('right')")
    with reach("adb:R58M", python=sys.executable) as there:
        place = there.put(tmp_path / "bundle")
        there.run(place, ["run.py"], 20)
        assert there.get(place, "answer", 10) == b"right"
    assert (tmp_path / "words").read_text() == "-s R58M shell -T\n"


def test_without_adb_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgeCnnError, match="adb is not installed"), reach("adb:"):
        pass


def test_a_program_that_prints_too_much_is_stopped():
    with pytest.raises(TooMuchError, match="more than 1000 bytes"):
        bounded.run(["yes"], Bounds(timeout_s=20, out_bytes=1000))


def test_a_program_that_takes_too_long_is_stopped():
    assert bounded.run(["sleep", "60"], Bounds(timeout_s=0.05)).code == TIMED_OUT


@pytest.mark.parametrize("leaves", [True, False])
def test_what_a_program_leaves_in_the_background_ends_with_it_unless_it_may_stay(tmp_path, leaves):
    script = f"exec </dev/null >/dev/null 2>&1; (sleep 0.3; echo done > {tmp_path}/after) & exit 0"
    assert bounded.run(["sh", "-c", script], Bounds(timeout_s=20, leaves=leaves)).code == 0
    time.sleep(1)
    assert (tmp_path / "after").exists() is leaves


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(EdgeCnnError, match="no-such-program is not installed on this machine"):
        bounded.run(["no-such-program"], Bounds(timeout_s=1))
