"""A virtual environment for each peer, made on demand, so that none sees another's libraries."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgecnn.errors import EdgeCnnError

FOLDER = Path(__file__).parent / ".environments"

_CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
_COMPLETE = "requirements.txt"  # in the environment, written when everything is installed
_VERSIONS = (
    "import importlib.metadata as m, json, platform, sys;"
    "found = {d.metadata['Name'].lower(): d.version for d in m.distributions()};"
    "wanted = {name: found[name] for name in sys.argv[1:] if name in found};"
    "print(json.dumps({'python': platform.python_version(), **wanted}))"
)


def provide(name: str, requirements: Sequence[str], *, folder: Path = FOLDER) -> Path:
    """Return the Python of the environment `name`, which is made where it is missing or incomplete.

    Args:
        name: of the environment, a folder's name.
        requirements: as pip takes them.
        folder: where the environments are.

    Raises:
        EdgeCnnError: pip could not install the requirements; says why. Nothing is left behind.
    """
    home = folder / name
    python = home / "bin" / "python"
    wanted = "".join(f"{requirement}\n" for requirement in requirements)
    complete = home / _COMPLETE
    if complete.is_file() and complete.read_text() == wanted:
        return python
    _remove(home)
    try:
        _run([sys.executable, "-m", "venv", "--without-pip", str(home)], f"make the environment {name}")
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", *requirements], f"install {' '.join(requirements)}")
        complete.write_text(wanted)
    finally:
        if not complete.is_file():
            _remove(home)
    return python


def versions(python: Path, packages: Sequence[str]) -> Mapping[str, str]:
    """Return the version of Python and of those packages that an environment has."""
    done = subprocess.run(
        [python, "-I", "-c", _VERSIONS, *packages], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def pinned(package: str) -> str:
    """Return the line of the project's constraints for a package, such as `torch==2.13.0`."""
    lines = _CONSTRAINTS.read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def _run(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        told = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
        raise EdgeCnnError(f"cannot {what}: {(told or lines or ['no reason given'])[-1]}")


def _remove(home: Path) -> None:
    if home.is_symlink():
        home.unlink()
    else:
        shutil.rmtree(home, ignore_errors=True)
