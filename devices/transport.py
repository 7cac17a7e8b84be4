"""What measuring asks of a device: put a folder there, run its script, get a file back, remove the folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from edgecnn.devices.bounded import Ran
from edgecnn.devices.counting import Count
from edgecnn.errors import EdgeCnnError


class LostError(EdgeCnnError):
    """The connection broke; trying again may help."""


class GoneError(EdgeCnnError):
    """What was put on the device is not there any more, as after a restart."""


class Transport(Protocol):
    """A device that can be reached. What comes back from it is untrusted."""

    name: str
    refusal: str  # why times taken there say nothing; empty where they do

    def put(self, folder: Path) -> str:
        """Copy a folder's files into a new one on the device and return its name."""

    def run(self, place: str, words: Sequence[str], timeout_s: float, on_count: Count | None = None) -> Ran:
        """Run a Python script of that folder, in it; `on_count` is told how far it says it is."""

    def get(self, place: str, name: str, most_bytes: int) -> bytes:
        """Return a file of that folder, whole; raise `EdgeCnnError` where it is larger than allowed."""

    def remove(self, *places: str) -> None:
        """Remove these folders."""

    def close(self) -> list[str]:
        """Remove what was put there and let go of the device; return what could not be removed."""
