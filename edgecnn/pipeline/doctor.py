"""What is installed, what is missing for which command, and the line that installs it."""

import importlib.metadata
import importlib.util
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from edgecnn.errors import EdgeCnnError

# What each package of pyproject's list is for; one that is not named here is said to be for everything.
_NEEDED_FOR = {
    "torch": "networks of the zoo, train, eval of a run",
    "onnx": "profile, compress, export",
    "onnx-ir": "profile, compress, export",
    "onnxscript": "export of your own nn.Module",
    "onnxruntime": "compress, export, verify, eval of .onnx",
    "pillow": "eval, train",
    "flatbuffers": "export for ARM boards",
    "ai-edge-litert": "export and verify for ARM boards, eval of .tflite",
    "safetensors": "train, --weights",
    "scikit-learn": "--data digits",
    "altair": "profile --plot",
    "vl-convert-python": "profile --plot",
    "lightning-fabric": "train over several processes",
    "tensorrt": "engines of --target host-gpu, built and run on this machine",
    "tflite-micro": "export and verify for microcontrollers: the arena measured, outputs compared",
}
_MODULES = {"pillow": "PIL", "scikit-learn": "sklearn", "vl-convert-python": "vl_convert"}
_STANDS_IN = {"ai-edge-litert": "tflite-runtime"}
_NOT_FOR_USERS = frozenset({"dev", "docs"})
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(\[.*\])?(>=(?P<least>[0-9.]+))?[^;]*(;.*extra == .(?P<extra>[a-z]+).)?"
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that edgecnn needs.

    Attributes:
        name: of the package.
        ok: whether it is there, in a version that is new enough.
        version: the installed one; None where there is none.
        needed_for: the commands that it is for.
        install: the line that installs it.
        optional: whether it belongs to an extra.
    """

    name: str
    ok: bool
    version: str | None
    needed_for: str
    install: str
    optional: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


def doctor() -> list[Check]:
    """Look at Python and at every package that edgecnn depends on; nothing is imported."""
    try:
        own = importlib.metadata.metadata("edgecnn")
    except importlib.metadata.PackageNotFoundError:
        raise EdgeCnnError("edgecnn is not installed here; run: pip install .") from None
    return [_python(own["Requires-Python"]), *_packages(own.get_all("Requires-Dist") or [])]


def _python(wanted: str) -> Check:
    found, least = platform.python_version(), wanted.removeprefix(">=")
    return Check(
        name="python",
        ok=_numbers(found) >= _numbers(least),
        version=found,
        needed_for="everything",
        install=f"install Python {least} or later",
    )


def _packages(requirements: list[str]) -> Iterator[Check]:
    for text in requirements:
        requirement = _REQUIREMENT.fullmatch(text)
        if requirement is None or requirement["extra"] in _NOT_FOR_USERS:
            continue
        name, least = requirement["name"], requirement["least"]
        version = _version(name) or _version(_STANDS_IN.get(name, name))
        yield Check(
            name=name,
            ok=version is not None and (not _version(name) or _numbers(version) >= _numbers(least or "0")),
            version=version,
            needed_for=_NEEDED_FOR.get(name, "everything"),
            install=f'pip install "{name}{f">={least}" if least else ""}"',
            optional=requirement["extra"] is not None,
        )


def _version(name: str) -> str | None:
    """Return the version of a package that is there to be imported."""
    module = _MODULES.get(name, name.replace("-", "_"))
    try:
        return importlib.metadata.version(name) if importlib.util.find_spec(module) else None
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.split("+")[0])))
