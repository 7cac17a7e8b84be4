"""The wheel holds the package and nothing else, and works where the repository is not."""

import json
import os
import shutil
import site
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from edgecnn.version import __version__

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = CONFIG["tool"]["setuptools"]["package-dir"]  # package → folder
METADATA = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE")
LEFTOVERS = shutil.ignore_patterns(".*", "build", "dist", "demo", "*.egg-info", "__pycache__")

pytestmark = pytest.mark.xdist_group("wheel")  # built once


def call(*arguments: str | Path, **given) -> str:
    """Run Python and return what it printed on stdout."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False, **given
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def copy_tree(to: Path) -> None:
    """Copy what a clone would hold, and new files that git does not ignore: no build folder, no cache."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        shutil.copytree(ROOT, to, ignore=LEFTOVERS)
        return
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    copy_tree(folder / "tree")
    pip = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    call(*pip, "--wheel-dir", folder / "wheels", folder / "tree")
    (built,) = (folder / "wheels").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder with the installed wheel, and one without anything to run commands in."""
    target, elsewhere = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("elsewhere")
    call("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", target, wheel)
    return target, elsewhere


def run(installed, *arguments: str) -> str:
    """Run Python on the installed wheel and its dependencies; `-S` leaves out the editable install's hook."""
    target, elsewhere = installed
    path = os.pathsep.join([str(target), *site.getsitepackages()])
    return call("-S", "-P", *arguments, cwd=elsewhere, env={**os.environ, "PYTHONPATH": path})


def test_the_wheel_holds_every_module_and_nothing_else(wheel):
    modules = {
        Path(package.replace(".", "/"), file.relative_to(ROOT / folder)).as_posix()
        for package, folder in FOLDERS.items()
        for pattern in ("*.py", "*.toml", "*.css", "*.js", "*.cc", "py.typed")
        for file in (ROOT / folder).rglob(pattern)
    }
    about = {f"edgecnn-{__version__}.dist-info/{name}" for name in METADATA}
    assert set(zipfile.ZipFile(wheel).namelist()) == modules | about


@pytest.mark.parametrize(
    "name", ["py.typed", "devices/pi4.toml", "export/board/run.py", "export/board/build_engine.py"]
)
def test_what_is_read_at_run_time_is_in_the_wheel(wheel, name):
    assert f"edgecnn/{name}" in zipfile.ZipFile(wheel).namelist()


def test_one_package_and_one_command_are_installed(wheel, installed):
    assert {path.name for path in installed[0].iterdir()} == {
        "bin", "edgecnn", f"edgecnn-{__version__}.dist-info",
    }  # fmt: skip
    assert [path.name for path in (installed[0] / "bin").iterdir()] == ["edgecnn"]
    about = zipfile.ZipFile(wheel).read(f"edgecnn-{__version__}.dist-info/entry_points.txt").decode()
    assert about.split() == ["[console_scripts]", "edgecnn", "=", "edgecnn.cli:main"]


def test_every_module_comes_from_the_installed_wheel(installed):
    # They cannot be imported: one runs the command line, the others need the run.py of a bundle beside them.
    apart = ("__main__", "build_engine", "fastest_engine", "trtexec_engine", "time_engines", "time_networks")
    code = (
        "import pkgutil, importlib, sys, edgecnn\n"
        "for each in pkgutil.walk_packages(edgecnn.__path__, 'edgecnn.'):\n"
        f"    if each.name.split('.')[-1] not in {apart}:\n"
        "        importlib.import_module(each.name)\n"
        "print(*{m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'edgecnn'}, sep='\\n')\n"
    )
    files = [Path(line) for line in run(installed, "-c", code).splitlines()]
    assert installed[0] / "edgecnn" / "devices" / "__init__.py" in files
    assert not [file for file in files if not file.is_relative_to(installed[0])]


def test_the_models_are_listed_without_the_repository(installed):
    items = json.loads(run(installed, "-m", "edgecnn", "list", "models", "--json"))["items"]
    assert "mobilenet" in [item["name"] for item in items]


def test_a_network_is_profiled_without_the_repository(installed):
    found = json.loads(run(installed, "-m", "edgecnn", "profile", "mobilenet", "--json"))
    assert found["totals"]["mult_adds"] == 568_740_352  # Howard et al. 2017: 569 million


def test_a_bundle_is_made_and_verified_without_the_repository(installed, tmp_path):
    bundle = str(tmp_path / "lenet.pi4")
    made = json.loads(
        run(installed, "-m", "edgecnn", "export", "lenet", "--target", "pi4", "-o", bundle, "--json")
    )
    assert made["bundle"] == bundle
    assert json.loads(run(installed, "-m", "edgecnn", "verify", bundle, "--json"))["ok"] is True
