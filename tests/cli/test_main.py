"""The shell itself: help, exit codes, pipes, terminals, and what is imported."""

import contextlib
import io
import os
import subprocess
import sys

import pytest

from edgecnn.cli import main
from edgecnn.cli.main import COMMANDS
from edgecnn.version import __version__

HEAVY = ("torch", "onnx", "onnx_ir", "onnxruntime", "ai_edge_litert", "rich", "numpy", "sklearn", "PIL")
PROGRAM = [sys.executable, "-m", "edgecnn"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("columns", ["80", "200"])
def test_every_command_explains_itself(edgecnn, command, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    words = {"device": ["device", "create"]}.get(command, [command])
    ran = edgecnn(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: edgecnn {' '.join(words)} ")
    assert "--json" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "\b" not in ran.out


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_names_every_command(edgecnn, flag):
    ran = edgecnn(flag)
    assert ran.code == 0
    assert all(f"  {command} " in ran.out for command in COMMANDS)
    assert "\n  edgecnn export mobilenet --width 0.5 --res 160 --target jetson\n" in ran.out


def test_without_a_command_the_help_is_wrong_usage(edgecnn):
    ran = edgecnn()
    assert ran.code == 2
    assert "Commands:" in ran.err


def test_the_version_is_the_packages(edgecnn):
    assert edgecnn("--version").out.split()[-1] == __version__


def test_no_help_and_no_doctor_imports_anything_heavy():
    code = (
        "import contextlib, io, sys\n"
        "from edgecnn.cli.main import COMMANDS, cli\n"
        "for command in [['--help'], ['doctor', '--json'], *([name, '--help'] for name in COMMANDS)]:\n"
        "    with contextlib.redirect_stdout(io.StringIO()):\n"
        "        cli.main(command, standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments", [["list", "targets"], ["list", "targets", "--json"], ["--help"]], ids=str
)
def test_a_reader_that_has_left_is_not_complained_about(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*PROGRAM, *arguments], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [["list", "targets"], ["doctor", "--json"]], ids=str)
def test_an_output_that_cannot_be_written_is_one_sentence(arguments):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run([*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"edgecnn: error: cannot go on: no space left on device\n"


def test_closed_streams_are_no_obstacle():
    command = f"{sys.executable} -m edgecnn list targets >&- 2>&-"
    assert subprocess.run(["/bin/sh", "-c", command], check=False).returncode == 0


def test_a_terminal_that_lacks_a_character_gets_another(edgecnn, trained):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(
            "sys.argv", ["edgecnn", "compress", str(trained / "run"), "--recipe", "fold", "-o", "ü"]
        )
        patch.chdir(trained)
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == 0
    out.flush()
    assert b"graph: ?" in out.buffer.getvalue()


def test_a_librarys_log_is_not_a_users_concern(edgecnn, onnx, tmp_path):
    ran = edgecnn("compress", onnx, "--recipe", "fold", "-o", tmp_path / "o", "--input", "input:1x1x2x2")
    assert ran.complaint


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    def broken(*_args, **_given):
        raise RuntimeError("a mistake")

    monkeypatch.setattr("edgecnn.pipeline.doctor.doctor", broken)
    monkeypatch.setattr("sys.argv", ["edgecnn", "doctor"])
    with pytest.raises(RuntimeError, match="a mistake"):
        main()
