"""Pages that have been run, each once."""

import os
import traceback
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from edgecnn.data import DATASETS
from edgecnn.devices import TARGETS
from edgecnn.devices.emulator import cache, is_created
from edgecnn.models import ARCHITECTURES
from edgecnn.quantize import PASSES

from .given import lay
from .pages import given
from .running import run_page


class Done(NamedTuple):
    """A page that was run: its folder, and what went wrong there."""

    folder: Path
    failure: str | None


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Return a function that runs a page, once, and gives the folder that it leaves behind."""
    store, done = tmp_path_factory.mktemp("given"), {}

    def run(page: str) -> Path:
        if page not in done:
            folder = tmp_path_factory.mktemp("page")
            done[page] = Done(folder, _run(page, store, folder))
        if done[page].failure:
            pytest.fail(done[page].failure, pytrace=False)
        return done[page].folder

    return run


def _run(page: str, store: Path, folder: Path) -> str | None:
    """Run a page; what its examples register is gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for registry in (ARCHITECTURES, DATASETS, PASSES, TARGETS):
            patch.setattr(registry, "_items", {name: registry[name] for name in registry})
        _own_cache(store / "cache", patch)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # with more, a busy machine takes long to train
        try:
            lay(given(page), store, folder)
            run_page(page, folder)
        except AssertionError as failure:
            return str(failure)
        except Exception as failure:  # noqa: BLE001  every test of the page tells it
            return f"{page}: {''.join(traceback.format_exception(failure))}"
        finally:
            torch.set_num_threads(threads)
    return None


def _own_cache(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let nothing that the user has in the cache change what a page prints, but an emulator."""
    emulator = cache() if is_created() else None
    patch.setitem(os.environ, "XDG_CACHE_HOME", str(folder))
    beside = folder / "edgecnn"
    if emulator and not beside.is_dir():
        beside.mkdir(parents=True)
        (beside / emulator.name).symlink_to(emulator)
