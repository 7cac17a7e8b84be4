import subprocess
import sys
from pathlib import Path

import comparison
import convert
import pytest
from comparison import Settings, compare
from converters import CONVERTERS, NETWORKS, PEERS, Converter

from edgecnn.errors import EdgeCnnError

SCRIPT = Path(convert.__file__)
EXAMINE = (
    "import json, sys; print(json.dumps({'output_range': 1, 'files': [{'bytes': 1} for _ in sys.argv[3:]]}))"
)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--peers", "litert"], "unknown peer 'litert'; did you mean litert-torch?"),
        (["--networks", "lenet,alexnet7"], "unknown network 'alexnet7'"),
        (["--networks", ","], "--networks names none"),
        (["--runs", "0"], "--runs is 0; give at least 1"),
        (["--latency-rounds", "-1"], "--latency-rounds is -1; give at least 1"),
    ],
    ids=["peer", "network", "no network", "runs", "rounds"],
)
def test_what_cannot_be_is_one_sentence(arguments, sentence):
    with pytest.raises(EdgeCnnError, match=sentence.replace("?", r"\?")):
        convert.parse(arguments)


def test_a_users_error_exits_1_without_a_traceback():
    command = [sys.executable, SCRIPT, "--peers", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("convert: error: unknown peer 'nobody'")
    assert len(done.stderr.splitlines()) == 1


def test_by_default_everything_is_compared():
    settings, file = convert.parse([])
    assert (settings.peers, settings.networks, settings.runs, file) == (PEERS, tuple(NETWORKS), 5, None)


def test_every_peer_has_one_environment():
    assert sorted(each.name for each in CONVERTERS if each.requirements) == sorted(PEERS)


def stand_in(name: str, code: str, **more) -> Converter:
    return Converter(
        name=name,
        shown="",
        command=lambda python, job: [python, "-I", "-S", "-c", code, job.folder / "model.tflite"],
        output=lambda job: job.folder / "model.tflite",
        packages=(),
        **more,
    )


WRITES = "import sys; open(sys.argv[1], 'w').close()"
STAND_INS = (
    stand_in("one", WRITES),
    stand_in("two", WRITES, peer="chosen"),
    stand_in("left out", WRITES, peer="not chosen"),
    stand_in("failing", "raise ValueError('no such layer')"),
    stand_in("silent", "pass"),
    stand_in("missing", WRITES, requirements=("x",)),
)


def refuse(name, requirements):
    raise EdgeCnnError(f"cannot install {name}")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Compare stand-ins: two work, one fails, one makes no file, one cannot be installed."""
    folder, told = tmp_path_factory.mktemp("compared"), []
    programs = folder / "programs"
    programs.mkdir()
    (programs / "prepare.py").write_text("")
    (programs / "examine.py").write_text(EXAMINE)
    settings = Settings(networks=("mobilenet-0.5-160", "lenet"), peers=("chosen",), runs=2, latency_rounds=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "PROGRAMS", programs)
        patch.setattr(comparison, "CONVERTERS", STAND_INS)
        patch.setattr(comparison.environments, "provide", refuse)
        return compare(settings, folder / "work", told.append), told


def test_whoever_fails_is_a_row_with_the_reason(compared):
    result, _ = compared
    for network in result["networks"]:
        rows = {row["converter"]: row for row in network["rows"]}
        assert {name: row.get("failed") for name, row in rows.items()} == {
            "one": None,
            "two": None,
            "failing": "exit 1: ValueError: no such layer",
            "silent": "exit 0, but no file model.tflite",
            "missing": "cannot install missing",
        }
        assert len(rows["one"]["wall_s"]) == 2
        assert rows["two"]["bytes"] == 1


def test_conversions_take_turns(compared):
    _, told = compared
    done = [line.split(":")[0] for line in told if line.startswith(("lenet, one", "lenet, two"))]
    warm_up = ["lenet, one", "lenet, two"]
    first, second = ["lenet, one", "lenet, two"], ["lenet, two", "lenet, one"]
    assert done == warm_up + first + second


def test_the_result_says_what_it_ran_on(compared):
    result, _ = compared
    assert {"cpu", "cores", "python", "memory_bytes", "load_before"} <= set(result["machine"])
    assert result["kind"] == "measured"
