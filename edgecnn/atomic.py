"""Files and folders that are there whole or not at all.

Everything is written next to its destination under a temporary name and renamed at the end. A failure, an
interruption included, removes what was written and leaves what was there before.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgecnn.errors import EdgeCnnError

_LITTLE = 64 * 1024
_BEFORE, _BEHIND = ".edgecnn-", ".partial"  # of temporary names


def check_free(path: str | Path, *, force: bool, marker: str = "", folder: bool | None = None) -> Path:
    """Return the cleaned absolute path where something may be written; raise `EdgeCnnError` otherwise.

    Call it before the work whose result goes there, so that a minute's work is not lost.

    Args:
        path: of a file or folder that is to be written.
        force: whether an existing one may be replaced.
        marker: a file that a folder must hold to be replaced, so that nobody loses a foreign folder; empty
            folders may always be replaced.
        folder: whether it is to be a folder or a file; None where that is not known yet.
    """
    if not str(path) or "\0" in str(path):
        raise EdgeCnnError(f"{str(path)!r} is not a name of a file or folder")
    with _explained(Path(path)):
        clean = Path(os.path.realpath(path))
        for parent in clean.parents:
            if parent.exists() and not parent.is_dir():
                raise EdgeCnnError(f"cannot write {path}: {parent} is a file; choose another place")
        there = next(parent for parent in clean.parents if parent.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise EdgeCnnError(f"cannot write {path}: {there} is read-only; choose another place")
        if not _is_there(clean):
            return clean
        if not force:
            raise EdgeCnnError(f"{path} exists; give another name, or --force to replace it")
        if folder is not None and folder != clean.is_dir():
            is_one, wanted = ("a file", "a folder") if folder else ("a folder", "a file")
            raise EdgeCnnError(f"{path} is {is_one}, not {wanted}; choose another name")
        if not clean.is_dir() and not clean.is_file():
            raise EdgeCnnError(f"{path} is a device or a pipe, which no file replaces; choose another name")
        if clean.is_dir() and not _is_replaceable(clean, marker):
            raise EdgeCnnError(
                f"{path} holds no {marker or 'earlier result'}, so --force does not replace it"
            )
    return clean


@contextmanager
def write_folder(path: str | Path, *, force: bool, marker: str = "") -> Iterator[Path]:
    """Give an empty temporary folder; at the end of the block it becomes `path`, whole.

    An `OSError` in the block becomes an `EdgeCnnError` with its reason, such as a full disk. The block may
    not keep files of the folder open.

    Args:
        path: of the new folder; missing parents are made.
        force: whether an existing one is replaced; it stays until the new one is complete.
        marker: see `check_free`.
    """
    clean = check_free(path, force=force, marker=marker, folder=True)
    with _staged(clean, Path(path)) as temporary:
        with _explained(Path(path)):
            temporary.mkdir()
        with _explained(Path(path), temporary):
            yield temporary
        with _explained(Path(path)):
            # Somebody else may have written there meanwhile.
            check_free(path, force=force, marker=marker, folder=True)
            _swap(temporary, clean)


def write_file(path: str | Path, data: bytes, *, force: bool) -> None:
    """Write a file whole or not at all; missing parents are made, an existing file needs `force`."""
    clean = check_free(path, force=force, folder=False)
    with _staged(clean, Path(path)) as temporary, _explained(Path(path), temporary):
        temporary.write_bytes(data)
        temporary.replace(clean)


def is_temporary(name: str) -> bool:
    """Return whether a file of that name is what a process that was killed left of its writing."""
    return name.startswith(_BEFORE) and name.endswith(_BEHIND)


@contextmanager
def _staged(clean: Path, path: Path) -> Iterator[Path]:
    """Give a free temporary name beside `clean`; on failure remove what is there and the parents made."""
    made = [parent for parent in clean.parents if not parent.exists()]
    # A name of its own: the destination's may already be as long as the file system allows.
    temporary = clean.parent / f"{_BEFORE}{secrets.token_hex(6)}{_BEHIND}"
    done = False
    try:
        with _explained(path):
            clean.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        done = True
    finally:
        if not done:
            _remove(temporary)
            for parent in made:
                with suppress(OSError):
                    parent.rmdir()
        if clean.exists():
            _remove(_aside(temporary))


def _swap(temporary: Path, clean: Path) -> None:
    """Rename `temporary` to `clean`; a folder that was there is put back if that fails."""
    old = _aside(temporary)
    try:
        if clean.exists():
            clean.rename(old)
        temporary.rename(clean)
    finally:
        if old.exists() and not clean.exists():
            old.rename(clean)


def _aside(temporary: Path) -> Path:
    return temporary.with_suffix(".old")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_there(path: Path) -> bool:
    # Unlike `Path.exists`, this raises where the name is too long or the folder cannot be read.
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _is_replaceable(folder: Path, marker: str) -> bool:
    here = Path.cwd()
    kept = [here, *here.parents]
    with suppress(RuntimeError):  # a home that nobody knows
        kept.append(Path.home())
    if folder in kept:
        return False
    return not marker or (folder / marker).exists() or not any(folder.iterdir())


@contextmanager
def _explained(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Turn an `OSError` into an `EdgeCnnError` that names the destination, or the file it is about."""
    try:
        yield
    except OSError as error:
        about = Path(error.filename) if isinstance(error.filename, str) else path
        foreign = temporary is not None and about != path and not about.is_relative_to(temporary)
        action = f"read or write {about}" if foreign else f"write {path}"
        raise EdgeCnnError(f"cannot {action}: {_reason(error, temporary)}") from error


def _reason(error: OSError, temporary: Path | None) -> str:
    if error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    # numpy reports a short write without an error number.
    with suppress(OSError):
        if temporary is not None and shutil.disk_usage(temporary.parent).free < _LITTLE:
            return "no space left on device"
    return str(error) or type(error).__name__
