import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import processes
import pytest
from processes import ProcessRun, measure

MIB = 2**20
HOLD = "held = b'x' * ({mib} * 2**20)"


def python(code: str, **options) -> ProcessRun:
    return measure([sys.executable, "-I", "-S", "-c", code], **options)


def test_output_and_exit_code_are_kept():
    done = python("import sys; print('out'); print('told', file=sys.stderr); sys.exit(3)")
    assert (done.exit_code, sorted(done.output.split())) == (3, ["out", "told"])
    assert done.reason().startswith("exit 3: ")


def test_a_success_has_no_reason():
    assert python("print('ValueError: only said')").reason() == ""


def test_peak_memory_is_that_of_the_process():
    small, big = (python(HOLD.format(mib=mib)).peak_bytes for mib in (16, 144))
    assert (big - small) / MIB == pytest.approx(144 - 16, abs=8)


def test_peak_memory_is_that_of_the_largest_child():
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD.format(mib=128)!r}])"
    assert python(code).peak_bytes > 128 * MIB


def test_the_measuring_process_does_not_count():
    ballast = b"x" * (192 * MIB)
    assert python("pass").peak_bytes < len(ballast) / 2


def test_cpu_time_counts_work_and_not_sleep():
    busy = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    assert python(busy).cpu_s > 0.3
    assert python("import time; time.sleep(0.5)").cpu_s < 0.3


def test_variables_and_folder_reach_the_command(tmp_path):
    code = "import os; print(os.environ['WORD'], os.getcwd())"
    done = python(code, folder=tmp_path, variables={"WORD": "said"})
    assert done.output.split() == ["said", str(tmp_path)]


def test_a_command_that_takes_too_long_is_stopped_with_its_children(tmp_path):
    note = tmp_path / "pid"
    code = (
        "import pathlib, subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid)); time.sleep(600)"
    )
    done = python(code, timeout_s=2.0)
    assert done.timed_out
    assert done.reason().startswith("stopped after")
    assert _ends(int(note.read_text()))


def test_whoever_is_interrupted_leaves_no_command_behind(tmp_path):
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    script = f"import sys; from processes import measure; measure([sys.executable, '-c', {code!r}])"
    caller = subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(processes.__file__).parent, stderr=subprocess.DEVNULL
    )
    while not (note.is_file() and note.read_text()):
        assert caller.poll() is None
        time.sleep(0.05)
    caller.send_signal(signal.SIGINT)
    caller.wait()
    assert _ends(int(note.read_text()))


def _ends(pid: int) -> bool:
    """Whether a killed process goes; one that nobody has waited for yet stays as a zombie."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_missing_program_is_a_failure_with_a_reason():
    done = measure(["/nowhere/program"])
    assert done.exit_code != 0
    assert "No such file" in done.reason()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("a\nValueError: bad shape\n  at exit: cleaned up\n", "exit 1: ValueError: bad shape"),
        ("first\nlast\n\n", "exit 1: last"),
        ("", "exit 1: no output"),
    ],
    ids=["the error line", "the last line", "nothing"],
)
def test_the_reason_is_the_line_that_tells(output, reason):
    run = ProcessRun(wall_s=1.0, cpu_s=1.0, peak_bytes=1, exit_code=1, output=output)
    assert run.reason() == reason
