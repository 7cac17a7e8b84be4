import os
import subprocess
import sys
import threading

import pytest

from edgecnn.runtime.stderr import without_line

LINE = b"INFO: chatter"


def say(text):
    """Write as a native library does, past Python."""
    os.write(2, text)


def test_exactly_the_line_is_held_back(capfd):
    with without_line(LINE):
        say(b"before\n" + LINE + b"\n" + LINE + b" and more\nERROR: real\n")
    assert capfd.readouterr().err == "before\nINFO: chatter and more\nERROR: real\n"


def test_what_python_writes_keeps_its_place(capfd):
    sys.stderr.write("first\n")
    with without_line(LINE):
        say(LINE + b"\n")
        sys.stderr.write("second\n")
    sys.stderr.write("third\n")
    assert capfd.readouterr().err == "first\nsecond\nthird\n"


@pytest.mark.parametrize("failure", [ValueError("broken"), KeyboardInterrupt()], ids=repr)
def test_a_failure_in_the_block_loses_no_message(capfd, failure):
    def fail():
        say(b"ERROR: why\n")
        raise failure

    with pytest.raises(type(failure)), without_line(LINE):
        fail()
    say(b"after\n")
    assert capfd.readouterr().err == "ERROR: why\nafter\n"


def test_threads_leave_stderr_as_it_was(capfd):
    def work():
        for _ in range(20):
            with without_line(LINE):
                say(LINE + b"\n")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_no_file_descriptor_is_lost(capfd):
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208
    for _ in range(10):
        with without_line(LINE):
            pass
    after = len(os.listdir("/proc/self/fd")) if before else 0  # noqa: PTH208
    assert after == before


def test_without_room_for_a_file_all_is_written(capfd, monkeypatch):
    def full(**_given):
        raise OSError("no space")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with without_line(LINE):
        say(LINE + b"\n")
    assert capfd.readouterr().err == "INFO: chatter\n"


def test_a_closed_stderr_is_no_obstacle():
    code = (
        "import os; os.close(2)\n"
        "from edgecnn.runtime.stderr import without_line\n"
        "with without_line(b'x'): print('done')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"


def test_litert_says_nothing_and_complains_as_ever(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from edgecnn.pipeline.deploy import deploy\n"
        "deploy('lenet', 'pi4', out=sys.argv[1])\n"
        "from edgecnn.runtime.litert_runner import _runtime\n"
        "_runtime().Interpreter(model_content=Path(sys.argv[1], 'model.tflite').read_bytes())\n"
        "print('still here', file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "still here\n"
