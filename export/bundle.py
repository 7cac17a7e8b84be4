"""The bundle: a folder, or one `.zip`, that holds everything the board needs.

`manifest.json` names every other file with its size and sha256, and carries its own sha256, so that a
flipped bit anywhere is found. The same content always gives the same bytes.
"""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from edgecnn.atomic import write_file, write_folder
from edgecnn.errors import EdgeCnnError, VerificationError

FORMAT = 1
MANIFEST = "manifest.json"
SAMPLE_INPUT, SAMPLE_OUTPUT = "sample/input.npy", "sample/output.npy"
SAMPLE_OUTPUT_INT8 = "sample/output.int8.npy"  # of an int8 graph that lies beside the float one
CALIBRATION_CACHE = "calibration.cache"

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_LARGEST_MANIFEST_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """An opened bundle: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    def array(self, name: str) -> np.ndarray:
        """Read one of the sample's arrays."""
        try:
            return np.asarray(np.load(self.folder / name, allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise VerificationError(f"{name} of the bundle is damaged or missing") from error


def write_bundle(path: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes], *, force: bool) -> None:
    """Write a bundle, whole or not at all; as one zip where the name ends in `.zip`.

    Args:
        path: where to; an existing bundle is replaced with `force` only.
        manifest: all but `format`, `files` and `sha256`, which are added.
        files: content by name, with `/` between folders.
        force: replace what is there.
    """
    contents = {**files, MANIFEST: manifest_bytes(manifest, files)}
    if is_zip(path):
        write_file(path, to_zip(contents), force=force)
        return
    with write_folder(path, force=force, marker=MANIFEST) as folder:
        for name, data in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        for script in folder.glob("*.py"):
            script.chmod(0o755)


def manifest_bytes(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return the manifest's bytes, with the hash of every file and of itself."""
    listed = [
        {"path": name, "bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
        for name in sorted(files)
    ]
    return seal({**manifest, "format": FORMAT, "files": listed})


def seal(manifest: Mapping[str, Any]) -> bytes:
    """Serialize a manifest with its own sha256: that of the same text with an empty one in its place."""
    digest = hashlib.sha256(_canonical({**manifest, "sha256": ""})).hexdigest()
    return _canonical({**manifest, "sha256": digest})


def _canonical(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def to_npy(array: np.ndarray) -> bytes:
    """Return the content of a `.npy` file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def to_zip(contents: Mapping[str, bytes]) -> bytes:
    """Pack files into a zip, uncompressed and without times: the same contents give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = (0o755 if name.endswith(".py") else 0o644) << 16
            info.create_system = 3  # Unix, whatever wrote it
            archive.writestr(info, contents[name])
    return buffer.getvalue()


def is_zip(path: Path) -> bool:
    """Tell whether a bundle of this name is one zip instead of a folder."""
    return path.suffix.lower() == ".zip"


def is_bundle(path: Path) -> bool:
    """Tell whether a path is meant as a bundle: a folder with a manifest, or a zip."""
    return (path / MANIFEST).is_file() or (path.is_file() and is_zip(path))


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle for reading; a zip is unpacked into a temporary folder for as long as it is open."""
    if path.is_dir():
        yield _read(path)
    elif path.is_file():
        with tempfile.TemporaryDirectory(prefix="edgecnn-") as folder:
            _unpack(path, Path(folder))
            yield _read(Path(folder))
    else:
        raise EdgeCnnError(f"there is no bundle {path}")


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            # Stored as it is, an entry cannot be larger than the zip.
            plain = [entry for entry in archive.infolist() if entry.compress_type == zipfile.ZIP_STORED]
            contents = {entry.filename: archive.read(entry) for entry in plain if _is_safe(entry.filename)}
            complete = len(contents) == len(archive.infolist())
    # zipfile answers flipped bytes with any of these: an unknown method, a password, a wrong offset
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise VerificationError(f"{path} is damaged, or not a zip: {error}") from error
    if not complete or path.read_bytes() != to_zip(contents):
        raise VerificationError(f"{path} is not as it was written: its zip structure differs")
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _is_safe(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\\" not in name


def _read(folder: Path) -> Bundle:
    file = folder / MANIFEST
    if not file.is_file():
        raise EdgeCnnError(f"{folder} is not a bundle: it holds no {MANIFEST}")
    if file.stat().st_size > _LARGEST_MANIFEST_BYTES:
        raise VerificationError(f"{MANIFEST} is too large to be one")
    data = file.read_bytes()
    try:
        manifest = json.loads(data)
        sealed = seal({key: value for key, value in manifest.items() if key != "sha256"})
    except (ValueError, AttributeError, RecursionError) as error:
        raise VerificationError(f"{MANIFEST} is damaged: it is not JSON that edgecnn wrote") from error
    if sealed != data:
        raise VerificationError(f"{MANIFEST} is damaged: its own sha256 does not match")
    if manifest.get("format") != FORMAT:
        raise EdgeCnnError(f"the bundle has format {manifest.get('format')}; this edgecnn reads {FORMAT}")
    return Bundle(folder=folder, manifest=manifest)
