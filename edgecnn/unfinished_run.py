"""The folder of a training that is not finished: `RUN.partial`, beside the run folder it is to become.

training.json   what is trained, on what and how; with anything else it cannot be resumed
checkpoint.pt   what the last finished epoch left to the next
metrics.jsonl   one line for each finished epoch, to be read while the training goes on

Each file is replaced whole, so that a process that is killed at any moment loses at most the epoch it was in.
"""

import fcntl
import io
import json
import os
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgecnn.atomic import check_free, is_temporary, write_file
from edgecnn.errors import EdgeCnnError
from edgecnn.weights import DAMAGE

MARKER = "training.json"
CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.jsonl"

_SUFFIX = ".partial"
_SHOWN = 3

State = dict[str, Any]


def folder_of(run: str | Path) -> Path:
    """Return where the unfinished training of a run folder is kept."""
    path = Path(run) if Path(run).name not in ("", "..") else Path(os.path.realpath(run))
    return path.with_name(path.name + _SUFFIX)


def is_unfinished(path: str | Path) -> bool:
    """Return whether `path` is the folder of an unfinished training."""
    return (Path(path) / MARKER).is_file()


def refuse_unfinished(path: str | Path) -> None:
    """Raise `EdgeCnnError` where `path` is an unfinished training, or the run folder it is to become."""
    path = Path(path)
    if is_unfinished(path) or (not path.exists() and is_unfinished(folder_of(path))):
        raise EdgeCnnError(
            f"{path} is no run folder yet, its training is not finished; give its `edgecnn train` command"
            " again, with --resume"
        )


class UnfinishedRun:
    """The folder of one training, from its beginning to its end.

    Args:
        run: the run folder that it is to become.
        settings: everything that the weights depend on, as JSON data.
    """

    def __init__(self, run: Path, settings: Mapping[str, Any]) -> None:
        self.run, self.folder, self._settings = run, folder_of(run), json.loads(json.dumps(settings))

    @property
    def has_checkpoint(self) -> bool:
        """Return whether there is something to go on from."""
        return (self.folder / CHECKPOINT).is_file()

    @contextmanager
    def kept(self, *, resume: bool, force: bool) -> Iterator[State | None]:
        """Give the state to go on from, None at a beginning; at the end of the block the folder is removed.

        Where the block ends by an error or a signal, the folder stays if it holds a checkpoint.

        Args:
            resume: go on from the checkpoint, which must be there and have been made with these settings.
            force: whether a checkpoint that is not resumed may be thrown away.
        """
        if resume:
            self._check_resumable()
        elif self.has_checkpoint and not force:
            raise EdgeCnnError(
                f"an unfinished training is in {self.folder}; go on with --resume, or start anew with --force"
            )
        self._check_ours()
        made = [parent for parent in self.folder.parents if not parent.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self.folder, "training into"):
                try:
                    if not resume:
                        self._begin()
                    yield self._resumed() if resume else None
                    self.discard()
                except BaseException as interruption:
                    if self.has_checkpoint:
                        interruption.add_note(
                            f"what is finished is in {self.folder}; the same command with --resume goes on"
                        )
                    raise
                finally:
                    if not self.has_checkpoint:
                        self.discard()
        finally:
            for parent in made:
                with suppress(OSError):
                    parent.rmdir()

    def keep(self, state: State) -> None:
        """Write the checkpoint of a finished epoch, and the metrics so far."""
        import torch

        content = io.BytesIO()
        torch.save(state, content)
        write_file(self.folder / CHECKPOINT, content.getvalue(), force=True)
        self._write_metrics(state)

    def discard(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_ours(self) -> None:
        """Raise where the folder is another's; one that was killed while it wrote may leave a part."""
        if not os.path.lexists(self.folder):
            check_free(self.folder, force=False)
            return
        ours = {MARKER, CHECKPOINT, METRICS}
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else [self.folder.name]
        foreign = [name for name in names if name not in ours and not is_temporary(name)]
        if foreign:
            raise EdgeCnnError(f"{self.folder} holds {foreign[0]}, which is no training's; move it elsewhere")

    def _begin(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()
        text = json.dumps(self._settings, indent=2, ensure_ascii=False)
        write_file(self.folder / MARKER, (text + "\n").encode(), force=True)

    def _check_resumable(self) -> None:
        if not self.has_checkpoint:
            raise EdgeCnnError(f"there is no checkpoint in {self.folder} to resume; leave out --resume")
        marker = self.folder / MARKER
        try:
            begun = json.loads(marker.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EdgeCnnError(f"{marker} is missing or damaged; start anew with --force") from error
        before, now = _flat(begun), _flat(self._settings)
        differing = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        if differing:
            said = ", ".join(
                f"{key.removeprefix('recipe.')} {before.get(key)}, not {now.get(key)}"
                for key in differing[:_SHOWN]
            )
            more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
            raise EdgeCnnError(
                f"the training in {self.folder} was begun with {said}{more}; resume it as it was begun, or"
                " start anew with --force"
            )

    def _resumed(self) -> State:
        import torch

        file = self.folder / CHECKPOINT
        try:
            state: State = torch.load(file, map_location="cpu", weights_only=True)
        except (*DAMAGE, pickle.UnpicklingError) as error:
            raise EdgeCnnError(f"{file} is damaged; start anew with --force") from error
        self._write_metrics(state)  # it may lack the last line
        return state

    def _write_metrics(self, state: State) -> None:
        lines = [json.dumps(epoch, allow_nan=False) + "\n" for epoch in state["history"]]
        write_file(self.folder / METRICS, "".join(lines).encode(), force=True)


@contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """Keep other processes from writing to the same folder; a killed one's lock is gone with it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # of file systems without locks; a busy one is a BlockingIOError
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EdgeCnnError(f"another process is {doing} {folder}; wait for it, or stop it") from None
        yield
    finally:
        os.close(handle)


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested settings by dotted names."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = value
    return flat
