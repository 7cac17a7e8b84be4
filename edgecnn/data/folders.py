"""What lies in a folder: folders, pictures, and pictures at any depth; hidden names do not count."""

import os
from pathlib import Path

from edgecnn.data.decode import is_picture_name


def subfolders(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted; not those that begin with `.` or `_`."""
    with os.scandir(folder) as entries:
        return sorted(each.name for each in entries if each.name[0] not in "._" and each.is_dir())


def has_pictures(folder: Path) -> bool:
    """Return whether pictures lie directly in a folder."""
    with os.scandir(folder) as entries:
        return any(is_picture_name(each.name) for each in entries)


def pictures_below(folder: Path) -> list[str]:
    """Return the paths of all pictures below a folder, relative to it, sorted."""
    found: list[str] = []
    for where, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each[0] not in "._"]
        below = os.path.relpath(where, folder)
        prefix = "" if below == "." else f"{below}/"
        found += [prefix + name for name in names if is_picture_name(name)]
    return sorted(found)
