"""Boards as data: one TOML file each, whose name is the target's name."""

import tomllib
from importlib.resources import files

from edgecnn.device import DeviceProfile
from edgecnn.errors import EdgeCnnError
from edgecnn.registry import Registry


class _Profiles(Registry[DeviceProfile]):
    """The TOML files of this package, read at the first look-up."""

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        for entry in sorted(files(self.package).iterdir(), key=lambda found: found.name):
            if entry.name.endswith(".toml"):
                name = entry.name.removesuffix(".toml")
                self.register(name, read_profile(name, entry.read_text(encoding="utf-8")))


TARGETS = _Profiles("target", __name__, hint="`edgecnn list targets` shows all")


def find(name: str) -> DeviceProfile:
    """Return the profile of a target.

    Args:
        name: of a device or a family, as `edgecnn list targets` shows.

    Raises:
        UnknownNameError: there is none; names the nearest ones.
    """
    return TARGETS[name]


def read_profile(name: str, text: str) -> DeviceProfile:
    """Return the profile that the text of a TOML file describes.

    Args:
        name: of the device; a file's is its own.
        text: the file's content.

    Raises:
        EdgeCnnError: it is not TOML, or not a profile.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EdgeCnnError(f"{name}.toml is not TOML: {error}") from error
    if "name" in data:
        raise EdgeCnnError(f"{name}.toml: leave out 'name'; the file's name is the target's name")
    return DeviceProfile.from_json({"name": name, **data})
