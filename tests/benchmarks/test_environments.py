import zipfile
from pathlib import Path

import pytest
from environments import pinned, provide, versions

from edgecnn.errors import EdgeCnnError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A package that needs no network: one empty module."""
    file = tmp_path_factory.mktemp("wheel") / "toy-1.5-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("toy.py", "")
        archive.writestr("toy-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.5\n")
        archive.writestr(
            "toy-1.5.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("toy-1.5.dist-info/RECORD", "")
    return file


def test_an_environment_is_made_kept_and_removed_when_it_cannot_be_made_anew(wheel, tmp_path):
    python = provide("toy", [str(wheel)], folder=tmp_path)
    assert versions(python, ["toy", "absent"])["toy"] == "1.5"
    assert "absent" not in versions(python, ["toy", "absent"])

    made = (tmp_path / "toy" / "pyvenv.cfg").stat().st_mtime_ns
    assert provide("toy", [str(wheel)], folder=tmp_path) == python
    assert (tmp_path / "toy" / "pyvenv.cfg").stat().st_mtime_ns == made

    with pytest.raises(EdgeCnnError, match="cannot install .*absent.whl"):
        provide("toy", [str(tmp_path / "absent.whl")], folder=tmp_path)
    assert not (tmp_path / "toy").exists()


def test_an_environment_of_elsewhere_is_unlinked_not_emptied(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (tmp_path / "toy").symlink_to(elsewhere)
    monkeypatch.setattr("environments.sys.executable", "/bin/false")
    with pytest.raises(EdgeCnnError, match="cannot make the environment toy"):
        provide("toy", ["toy"], folder=tmp_path)
    assert (elsewhere / "kept").exists()
    assert not (tmp_path / "toy").exists()


def test_peers_get_the_torch_that_edgecnn_was_tested_with():
    assert pinned("torch") in (ROOT / "constraints.txt").read_text().splitlines()
