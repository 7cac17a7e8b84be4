"""The folder of a recipe that is not finished: `OUT.passes`, beside the file it is to become.

recipe.json           what is compressed, with what and how
03-1f2e3d4c.onnx      what the third pass gave, under a digest of everything that this depends on
03-1f2e3d4c.json      what it said, and the sha256 of the graph; written last
03-1f2e3d4c-NAME.pt   what the last finished epoch of a training of that pass left to the next

A digest is that of the graph, the pictures, the seed, the versions and the passes up to that one, so that the
same command goes on by itself, and another recipe takes over what both begin with. Each file is replaced
whole: a process that is killed at any moment loses at most the pass it was in, or the epoch of a training.
"""

import hashlib
import io
import json
import os
import pickle
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import onnx_ir as ir

from edgecnn.atomic import check_free, is_temporary, write_file
from edgecnn.calls import Call
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.save import to_bytes
from edgecnn.quantize import Result
from edgecnn.unfinished_run import locked
from edgecnn.weights import DAMAGE

_SUFFIX = ".passes"
_MARKER = "recipe.json"
_OURS = re.compile(r"\d{2,}-[0-9a-f]{16}(-[\w-]+)?\.(onnx|json|pt)")

State = dict[str, Any]


def folder_of(out: str | Path) -> Path:
    """Return where the finished passes of an unfinished recipe are kept."""
    path = Path(out)
    return path.with_name(path.name + _SUFFIX)


class FinishedPasses:
    """The folder of one recipe, from its beginning to its end; also where its trainings keep checkpoints.

    Args:
        out: the file that is to be written.
        model: the graph before the recipe.
        calls: the complete recipe.
        settings: everything else that the result depends on, as JSON data.
    """

    def __init__(
        self, out: Path, model: ir.Model, calls: Sequence[Call], settings: Mapping[str, Any]
    ) -> None:
        self.folder = folder_of(out)
        self._said = {"recipe": " | ".join(map(str, calls)), **settings}
        key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        key.update(to_bytes(model))
        self._keys = []
        for call in calls:
            key.update(f"|{call}".encode())
            self._keys.append(key.hexdigest()[:16])

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Hold the folder within the block, and remove it at its end.

        Where the block ends by an error or a signal, the folder stays if something in it is finished.
        """
        self._check_ours()
        made = [parent for parent in self.folder.parents if not parent.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self.folder, "compressing into"):
                try:
                    self._begin()
                    yield
                    self._remove()
                except BaseException as interruption:
                    if self._results():
                        interruption.add_note(
                            f"what is finished is in {self.folder}; the same command goes on from there"
                        )
                    raise
                finally:
                    if not self._results():
                        self._remove()
        finally:
            for parent in made:
                with suppress(OSError):
                    parent.rmdir()

    def find(self, position: int) -> Result | None:
        """Return what a pass gave; None where it did not finish, or a file of it is damaged."""
        graph, said = self._file(position, ".onnx"), self._file(position, ".json")
        if not said.is_file() or not graph.is_file():
            return None
        data = graph.read_bytes()
        try:
            noted = json.loads(said.read_text(encoding="utf-8"))
            matched, note, digest = (noted[key] for key in ("matched", "note", "sha256"))
        except (ValueError, KeyError, TypeError):
            return None
        same = hashlib.sha256(data).hexdigest() == digest
        return Result(model=_read(data), matched=matched, note=note) if same else None

    def keep(self, position: int, result: Result) -> None:
        """Write what a pass gave, and forget the checkpoints of its trainings."""
        data = to_bytes(result.model)
        said = {"matched": result.matched, "note": result.note, "sha256": hashlib.sha256(data).hexdigest()}
        write_file(self._file(position, ".onnx"), data, force=True)
        write_file(self._file(position, ".json"), json.dumps(said).encode(), force=True)
        for path in self.folder.glob(f"{position:02}-*.pt"):
            path.unlink()

    def checkpoint(self, name: str) -> State | None:
        """Return what the last finished epoch of a training left."""
        import torch

        file = self._checkpoint(name)
        if not file.is_file():
            return None
        try:
            state: State = torch.load(file, map_location="cpu", weights_only=True)
        except (*DAMAGE, pickle.UnpicklingError) as error:
            raise EdgeCnnError(f"{file} is damaged; remove it to begin that training anew") from error
        return state

    def keep_checkpoint(self, name: str, state: State) -> None:
        """Write what an epoch left."""
        import torch

        content = io.BytesIO()
        torch.save(state, content)
        write_file(self._checkpoint(name), content.getvalue(), force=True)

    def discard_checkpoint(self, name: str) -> None:
        """Forget a training that is not to go on."""
        self._checkpoint(name).unlink(missing_ok=True)

    def _checkpoint(self, name: str) -> Path:
        position, _, training = name.partition("-")
        return self._file(int(position), f"-{re.sub(r'[^a-z0-9]+', '-', training.lower())}.pt")

    def _file(self, position: int, ending: str) -> Path:
        return self.folder / f"{position:02}-{self._keys[position - 1]}{ending}"

    def _results(self) -> list[Path]:
        return [path for path in self.folder.glob("*") if path.suffix in (".onnx", ".pt")]

    def _check_ours(self) -> None:
        """Raise where the folder is another's."""
        if not os.path.lexists(self.folder):
            check_free(self.folder, force=False)
            return
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else [self.folder.name]
        foreign = [
            name for name in names if not (name == _MARKER or _OURS.fullmatch(name) or is_temporary(name))
        ]
        if foreign:
            raise EdgeCnnError(f"{self.folder} holds {foreign[0]}, which is no pass's; move it elsewhere")

    def _begin(self) -> None:
        """Drop what another command left, and say what this one is."""
        ours = {f"{position:02}-{key}" for position, key in enumerate(self._keys, 1)}
        for path in self.folder.iterdir():
            if "-".join(path.stem.split("-")[:2]) not in ours:
                path.unlink()
        text = json.dumps(self._said, indent=2, ensure_ascii=False)
        write_file(self.folder / _MARKER, (text + "\n").encode(), force=True)

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _read(data: bytes) -> ir.Model:
    import onnx

    return ir.serde.deserialize_model(onnx.load_model_from_string(data))
