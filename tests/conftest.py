"""Fixtures that every part of the suite may use."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

# Some tests import ONNX Runtime themselves; it is to send nothing there, either.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory) -> Iterator[None]:
    """Keep every test out of the user's cache, but for an emulator that was set up there."""
    from edgecnn.devices import emulator

    users = emulator.cache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        if users.is_dir():
            emulator.cache().parent.mkdir(parents=True)
            emulator.cache().symlink_to(users)
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
