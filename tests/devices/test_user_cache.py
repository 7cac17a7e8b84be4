"""Where emulated boards and fits are kept."""

from pathlib import Path

import pytest

from edgecnn.devices import emulator, fits
from edgecnn.devices.user_cache import user_cache
from edgecnn.errors import EdgeCnnError


def test_both_lie_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert emulator.cache().parent == fits.folder().parent == user_cache() == Path("/somewhere/edgecnn")


def test_a_relative_cache_is_none(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("HOME", "/home/me")
    assert user_cache() == Path("/home/me/.cache/edgecnn")


def test_a_home_that_nobody_knows_is_a_sentence(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}[0])  # a number that the system has no user of
    with pytest.raises(EdgeCnnError, match="your home folder is not known; set HOME or XDG_CACHE_HOME"):
        emulator.is_created()
