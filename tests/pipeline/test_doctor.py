import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline import doctor

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
USERS = [
    *PROJECT["dependencies"],
    *(
        each
        for extra, packages in PROJECT["optional-dependencies"].items()
        for each in packages
        if extra not in ("dev", "docs")
    ),
]


@pytest.fixture
def installed(monkeypatch):
    """Pretend that a package has another version, or none."""

    def pretend(name, version):
        real = doctor._version
        monkeypatch.setattr(doctor, "_version", lambda each: version if each == name else real(each))
        return {check.name: check for check in doctor.doctor()}[name]

    return pretend


def test_every_package_that_users_need_is_looked_at():
    names = {check.name for check in doctor.doctor()}
    assert names >= {"python", *(text.partition(">")[0] for text in USERS)}


def test_what_only_developers_need_is_not_looked_at():
    assert not {"ruff", "mypy", "pytest", "sphinx"} & {check.name for check in doctor.doctor()}


def test_here_all_is_well():
    assert [check.name for check in doctor.doctor() if not check.ok and not check.optional] == []


def test_a_package_of_an_extra_that_is_installed_is_seen():
    developers = PROJECT["optional-dependencies"]["report"]  # the extra dev brings them
    found = {check.name: check.ok for check in doctor.doctor()}
    assert all(found[text.partition(">")[0]] for text in developers)


def test_of_every_package_that_not_everything_needs_it_is_said_what_does():
    extras = [check for check in doctor.doctor() if check.optional]
    assert extras
    assert [check.name for check in extras if check.needed_for == "everything"] == []


def test_a_package_without_a_least_version_is_installed_by_its_name(installed):
    assert installed("tflite-micro", None).install == 'pip install "tflite-micro"'


def test_a_version_is_the_installed_one():
    found = {check.name: check.version for check in doctor.doctor()}
    assert found["numpy"] == importlib.metadata.version("numpy")


def test_a_missing_package_comes_with_the_line_that_installs_it(installed):
    check = installed("safetensors", None)
    assert (check.ok, check.version) == (False, None)
    wanted = next(text for text in USERS if text.startswith("safetensors"))
    assert check.install == f'pip install "{wanted}"'
    assert "train" in check.needed_for


@pytest.mark.parametrize(
    ("version", "ok"),
    [("2.5.9", False), ("2.6", True), ("2.6.0+cpu", True), ("2.13.0", True), ("10.0", True)],
)
def test_a_version_is_compared_number_by_number(installed, version, ok):
    assert "torch>=2.6" in USERS
    assert installed("torch", version).ok is ok


def test_an_extra_is_optional(installed):
    assert installed("scikit-learn", None).optional


def test_the_predecessor_stands_in_for_litert(monkeypatch):
    versions = {"tflite-runtime": "2.14.0", "ai-edge-litert": None}
    monkeypatch.setattr(doctor, "_version", lambda name: versions.get(name, "1000"))
    check = {each.name: each for each in doctor.doctor()}["ai-edge-litert"]
    assert (check.ok, check.version) == (True, "2.14.0")


def test_a_tree_that_is_not_installed_is_said_so(monkeypatch):
    def missing(_name):
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "metadata", missing)
    with pytest.raises(EdgeCnnError, match="edgecnn is not installed here"):
        doctor.doctor()


def test_a_package_whose_files_are_gone_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert doctor._version("numpy") is None
