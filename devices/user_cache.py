"""Where edgecnn keeps what belongs to no project: emulated boards, and fits of devices."""

import os
from pathlib import Path

from edgecnn.errors import EdgeCnnError


def user_cache() -> Path:
    """Return edgecnn's folder in the user's cache, whether it is there or not.

    Raises `EdgeCnnError` where nobody knows where the user's home is, as in some containers.
    """
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        place = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise EdgeCnnError("your home folder is not known; set HOME or XDG_CACHE_HOME") from error
    return place / "edgecnn"
