"""How far a script is: lines of its output that say it, whatever else it prints, and while it runs."""

import sys
import time

import pytest

from edgecnn.devices.bounded import Bounds
from edgecnn.devices.counting import Counting
from edgecnn.devices.reach import reach
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline import fitting
from edgecnn.pipeline.fitting_ways import WAYS


def heard(*pieces):
    found = []
    counting = Counting(lambda done, of: found.append((done, of)))
    for piece in pieces:
        counting(piece)
    return found


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ((b"1/9\n2/9\n",), [(2, 9)]),
        ((b"1/9\r\n",), [(1, 9)]),
        ((b"1", b"1/20", b"\n"), [(11, 20)]),
        ((b"loading\n3/9\nwarning: 4/9 is half\n",), [(3, 9)]),
        ((b"3/9\n", b"1/9\n"), [(3, 9), (1, 9)]),
        ((b"x" * 100, b"7/9\n", b"1/9\n"), [(1, 9)]),
        ((b"0/9\n9/0\n10/9\n-1/9\n1/1e9\n" + b"1" * 30 + b"/" + b"9" * 30 + b"\n", b"\xff\x1b[2J\n"), []),
    ],
    ids=["the last", "of a phone", "in pieces", "among others", "begun anew", "behind a long one", "none"],
)
def test_lines_that_say_how_far_it_is_are_told(pieces, found):
    assert heard(*pieces) == found


SLOW = """
import os, time
print("1/2")
while not os.path.exists("on"):
    time.sleep(0.01)
print("2/2")
"""


def test_a_count_is_told_while_the_script_runs(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    found = []
    with reach("local") as there:
        place = there.put(tmp_path)

        def on_count(done, of):
            found.append((done, of))
            there._ask(f"touch {there._where(place)}/on", Bounds(timeout_s=20))  # without it, it waits

        there.run(place, ["slow.py"], 20, on_count)
    assert found[0] == (1, 2)


def test_a_script_that_is_listened_to_and_takes_too_long_is_ended(tmp_path):
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    begin = time.monotonic()
    with reach("local") as there, pytest.raises(EdgeCnnError, match="not done after 1 s"):
        there.run(there.put(tmp_path), ["slow.py"], 1, lambda *_: None)
    assert time.monotonic() - begin < 30


def test_after_a_cut_the_networks_are_timed_anew(board, tmp_path):
    (tmp_path / "made").mkdir()
    found = []
    script = 'print("1/1"); open("answer.json", "w").write("{}")'
    with reach(board.name, python=sys.executable, ssh_options=board.options()) as there:
        board.cut = {len(board.commands) + 2}  # of: sweep, copy, run
        board.moment = "after"
        with pytest.MonkeyPatch.context() as patch:
            (tmp_path / "scripts").mkdir()
            for name in ("time_networks.py", "run.py"):
                (tmp_path / "scripts" / name).write_text(script)
            patch.setattr(fitting, "files", lambda _: tmp_path / "scripts")
            answer = fitting.time_there(
                there, tmp_path / "made", WAYS["litert"], (), lambda *count: found.append(count)
            )
    assert (answer, found) == ({}, [(1, 1)])
    assert sum("time_networks.py" in command for command in board.commands) == 2
    assert board.left == []
