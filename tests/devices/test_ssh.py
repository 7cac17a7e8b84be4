"""A real ssh client and a board behind an in-process server: copy, run, fetch, cuts, and hostile answers."""

import re
import sys
from pathlib import Path

import pytest

from edgecnn.devices.bounded import Bounds, run
from edgecnn.devices.failures import GONE
from edgecnn.devices.measuring import Job, Plan, measure_there
from edgecnn.devices.reach import reach
from edgecnn.devices.transport import GoneError
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.measuring import measure, verify_on

FACTS = {"model": "tiny", "mult_adds": 7, "bundle_sha256": "0" * 64, "date": "2026-01-01"}
# A runner that answers at once, so that what is tested is the way to it.
RUNNER = """
import json, sys
out = sys.argv[sys.argv.index("--out") + 1]
verify = {"checks": [{"check": "outputs", "ok": True, "detail": ""}]}
bench = {
    "artifact": "model.tflite", "precision": "fp32", "includes": "everything", "steady": True,
    "times_s": [1e-5, 2e-5], "warmup_s": [1e-5], "init_s": 1e-3, "first_s": 1e-4,
    "max_abs_error": 0.0, "max_abs_error_allowed": 1.0,
    "environment": {"runtime": "litert", "threads": 1, "before": {}, "after": {}, "peak_rss_bytes": 1048576,
                    "clock_jumped_s": 0.0},
}
open(out, "w").write(json.dumps(verify if sys.argv[1] == "verify" else bench))
"""


@pytest.fixture
def tiny(tmp_path):
    """Give a job whose runner answers at once."""
    folder = tmp_path / "tiny bundle; touch 'hacked' $(touch hacked) `touch hacked`"
    folder.mkdir()
    (folder / "run.py").write_text(RUNNER)
    return Job(name="tiny", folder=folder, facts=FACTS)


def ask(board, tiny, **more):
    with reach(board.name, python=sys.executable, ssh_options=board.options(), **more) as there:
        return measure_there(there, [tiny], Plan(runs=2, rounds=1), waits_s=(0.0, 0.0))


def test_a_bundle_is_copied_run_and_measured_and_nothing_is_left(board, bundles):
    found = measure(
        [bundles["fp32"]], board.name, runs=4, rounds=2, python=sys.executable, ssh_options=board.options()
    )
    assert [len(each.times_s) for each in found] == [4]
    assert found[0].device == board.name
    assert found[0].environment.fixed["runtime"].startswith("ai_edge_litert")
    assert found[0].mult_adds == found[0].to_json()["mult_adds"] == 416_520
    assert board.left == []


def test_a_bundle_is_verified_there_and_compared_with_this_host(board, bundles):
    checks = verify_on(bundles["int8"], board.name, python=sys.executable, ssh_options=board.options())
    assert all(check.ok for check in checks)
    assert checks[-1].detail == "identical bytes"
    assert board.left == []


def test_one_connection_serves_every_command(board, tiny):
    (found,) = ask(board, tiny)
    assert found.times_s == (1e-5, 2e-5)
    words = ["find", "mkdir", "run.py verify", "wc -c", "run.py bench", "wc -c", "rm -rf"]
    assert [word in command for word, command in zip(words, board.commands, strict=True)] == [True] * 7
    assert len(board.connections) == 1


@pytest.mark.parametrize(
    ("step", "moment"), [*((step, "before") for step in range(7)), *((step, "after") for step in (1, 3, 5))]
)
def test_a_connection_cut_at_any_step_is_made_again(board, tiny, step, moment):
    board.cut, board.moment = {step}, moment
    (found,) = ask(board, tiny)
    assert found.times_s == (1e-5, 2e-5)
    assert board.left == []
    assert len(board.commands) > 7
    assert len(board.connections) > 1


def test_a_connection_that_stays_cut_is_named_and_what_is_left_there_too(board, tiny):
    board.cut = set(range(2, 100))
    notes = []
    with pytest.raises(EdgeCnnError, match=r"ssh://.*: the connection broke"):
        ask(board, tiny, on_note=notes.append)
    assert re.fullmatch(r"\S+/edgecnn-[0-9a-f]{16} is left on ssh://.*; remove it there", notes[0])
    for name in board.left:
        assert name in notes[0]


def test_what_was_copied_is_copied_again_where_the_board_was_restarted(board, tiny):
    with reach(board.name, python=sys.executable, ssh_options=board.options()) as there:
        place = there.put(tiny.folder)
        there.remove(place)
        with pytest.raises(GoneError, match="was it restarted"):
            there.run(place, ["run.py"], 5)
        (found,) = measure_there(there, [tiny], Plan(runs=2, rounds=1))
    assert found.times_s == (1e-5, 2e-5)
    assert GONE == 97


@pytest.mark.parametrize(
    ("part", "reply", "said"),
    [
        ("tar -xf", (2, b"", b"tar: run.py: Cannot write: No space left on device"), "its disk is full"),
        ("tar -xf", (1, b"", b"mkdir: cannot create directory: Read-only file system"), "disk is read-only"),
        ("tar -xf", (127, b"", b"sh: 1: tar: not found"), "lacks the program tar"),
        ("run.py", (127, b"", b"timeout: failed to run command 'python3': No such file or directory"),
         "no such Python; name one with --python"),
        ("run.py", (126, b"", b"sh: python3: cannot execute binary file: Exec format error"),
         "built for another processor"),
        ("run.py", (1, b"", b"error: no LiteRT runtime is installed: pip install ai-edge-litert"),
         "no LiteRT runtime is installed: pip install"),
        ("run.py", (137, b"", b""), "its runner was killed; the kernel does that when memory runs out"),
        ("run.py", (132, b"", b""), "illegal instruction: the runtime there is built for a newer processor"),
        ("run.py", (139, b"", b""), "crashed"),
        ("run.py", (124, b"", b""), "not done after 600 s"),
        ("run.py", (1, b"", b"error: \x1b[2Jcleared"), r"127\.0\.0\.1:\d+:  \[2Jcleared"),
    ],
    ids=["full", "read-only", "no tar", "no Python", "other processor", "no runtime", "killed", "illegal",
         "crash", "timeout", "escape codes"],
)  # fmt: skip
def test_what_goes_wrong_there_is_named(board, tiny, part, reply, said):
    board.replies = {part: reply}
    with pytest.raises(EdgeCnnError, match=said):
        ask(board, tiny)
    assert board.left == []


def test_a_script_that_does_not_end_is_ended_there(board, tmp_path):
    (tmp_path / "run.py").write_text("import time\ntime.sleep(60)\n")
    with reach(board.name, python=sys.executable, ssh_options=board.options()) as there:
        place = there.put(tmp_path)
        with pytest.raises(EdgeCnnError, match="not done after 1 s"):
            there.run(place, ["run.py"], 1)


def test_what_an_interruption_leaves_running_is_ended_before_its_folder_is_removed(board, tmp_path):
    (tmp_path / "run.py").write_text(
        "import os, time\nprint(os.getpid(), file=open('pid', 'w'), flush=True)\ntime.sleep(60)\n"
    )
    with reach(board.name, python=sys.executable, ssh_options=board.options()) as there:
        place = there.put(tmp_path)
        there._ask = lambda script, *_: run((*there._reach, script), Bounds(timeout_s=1))
        with pytest.raises(EdgeCnnError):  # the client is killed, as by an interruption; the script is not
            there.run(place, ["run.py"], 60)
        del there._ask
        number = int(there.get(place, "pid", 100))
        assert Path(f"/proc/{number}").exists()
    assert not Path(f"/proc/{number}").exists()
    assert board.left == []


def test_a_login_that_talks_disturbs_nothing(board, tiny):
    board.replies = {}
    with reach(board.name, python=sys.executable, ssh_options=board.options()) as there:
        place = there.put(tiny.folder)
        there.run(place, ["run.py", "verify", "--out", "answer.json"], 20)
        plain = there.get(place, "answer.json", 1000)
        there._reach = (*there._reach, "echo Welcome to the board;")
        assert there.get(place, "answer.json", 1000) == plain
        there._reach = there._reach[:-1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe", "its answer is no runner's"),
        (b"[" * 100_000, "its answer is no runner's"),
        (b"[1]", "is no JSON object"),
        (b'{"checks": NaN}', "NaN is no number"),
        (b'{"checks": 1e999}', "not finite"),
        (b'{"checks": "' + b"x" * 5000 + b'"}', "too long"),
        (b'{"checks": "\\u001b[2J"}', "not printable"),
        (b'{"checks": []}', "names no checks"),
        (
            b'{"checks": [{"ok": false, "check": "outputs", "detail": "wrong"}]}',
            "does not verify there: outputs: wrong",
        ),
        (b" " * (9 << 20), "at most 8388608 are taken"),
    ],
    ids=["no text", "depth", "list", "NaN", "infinite", "long", "escape", "empty", "not ok", "large"],
)
def test_a_hostile_answer_is_refused(board, tiny, data, said):
    (tiny.folder / "answer.txt").write_bytes(data)
    (tiny.folder / "run.py").write_text("import os; os.replace('answer.txt', 'answer.json')")
    with pytest.raises(EdgeCnnError, match=said):
        ask(board, tiny)
    assert board.left == []


def test_no_name_or_path_is_read_by_a_shell(board, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tiny.folder / "$(touch hacked)").write_text("x")
    (tiny.folder / "; touch hacked;").write_text("x")
    job = Job(
        name="'; touch hacked; '", folder=tiny.folder, options=("--precision", "$(touch hacked)"), facts=FACTS
    )
    ask(board, job)
    assert not list(tmp_path.rglob("hacked"))
    assert not list(board.folder.rglob("hacked"))


def test_a_link_is_not_followed_out_of_the_bundle(board, tiny, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tiny.folder / "link").symlink_to(tmp_path / "secret")
    with reach(board.name, ssh_options=board.options()) as there:
        place = there.put(tiny.folder)
        assert not (board.folder / "tmp" / place / "link").exists()
        assert (board.folder / "tmp" / place).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["../run.py", "/etc/passwd", "-rf", "a b", "$(id)", ""])
def test_only_plain_names_are_fetched(board, tiny, name):
    with reach(board.name, ssh_options=board.options()) as there:
        place = there.put(tiny.folder)
        with pytest.raises(EdgeCnnError, match="no name of a file"):
            there.get(place, name, 10)
        with pytest.raises(EdgeCnnError, match="no folder that edgecnn made"):
            there.remove("../" + place)


def test_who_is_not_let_in_is_told_what_to_do(board):
    with (
        pytest.raises(EdgeCnnError, match="does not let you in without a password; copy your key"),
        reach(board.name, ssh_options=board.options(key="stranger")),
    ):
        pass


def test_a_host_that_is_not_known_is_not_trusted(board):
    with (
        pytest.raises(EdgeCnnError, match="host key is not known, or has changed; connect once by hand"),
        reach(board.name, ssh_options=board.options(known=False)),
    ):
        pass


def test_a_port_where_nothing_listens_is_named(board):
    with (
        pytest.raises(EdgeCnnError, match="nothing listens there; is the board up"),
        reach("ssh://127.0.0.1:1", ssh_options=board.options()),
    ):
        pass
