"""Is a bundle as it was written, and does it compute what it should?"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export import micro
from edgecnn.export.bundle import MANIFEST, SAMPLE_INPUT, SAMPLE_OUTPUT, Bundle, open_bundle
from edgecnn.export.micro.agreement import agreement
from edgecnn.export.parity import response

if TYPE_CHECKING:
    from edgecnn.runtime.litert_runner import LitertRunner
    from edgecnn.runtime.onnx_runner import OnnxRunner


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: a file, or the output of one.
        ok: whether it is right.
        detail: what was seen.
    """

    what: str
    ok: bool
    detail: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


def verify(path: str | Path) -> list[Check]:
    """Check every hash and size of a bundle, then the outputs of its artifacts on the sample.

    Outputs are looked at only where every file is as it was written. A damaged manifest is a failed check.

    Args:
        path: of the folder, or of the `.zip`.

    Returns:
        One check for each file and each artifact; the bundle is right where all are `ok`.

    Raises:
        EdgeCnnError: the path is no bundle at all.
    """
    if Path(path).suffix.lower() == ".tflite" and Path(path).is_file():
        raise EdgeCnnError(
            f"{path} is a file alone, with nothing beside it to verify; --device compares it with this host"
        )
    try:
        with open_bundle(Path(path)) as bundle:
            checks = [Check(what=MANIFEST, ok=True, detail="sha256 matches"), *_check_files(bundle)]
            if all(check.ok for check in checks):
                checks += _check_outputs(bundle)
                checks += _check_firmware(bundle)
            return checks
    except VerificationError as error:
        return [Check(what=MANIFEST, ok=False, detail=str(error))]


def _check_files(bundle: Bundle) -> Iterator[Check]:
    listed = {entry["path"]: entry for entry in bundle.manifest["files"]}
    for name, entry in listed.items():
        yield _check_file(bundle.folder / name, name, entry)
    present = {
        file.relative_to(bundle.folder).as_posix() for file in bundle.folder.rglob("*") if not file.is_dir()
    }
    for name in sorted(present - set(listed) - {MANIFEST}):
        if not _is_built_on_the_board(name):
            yield Check(what=name, ok=False, detail="is not in the manifest")


def _is_built_on_the_board(name: str) -> bool:
    return name.endswith((".engine", ".engine.json", ".cache")) or "__pycache__" in name


def _check_file(file: Path, name: str, entry: dict[str, Any]) -> Check:
    if not file.is_file():
        return Check(what=name, ok=False, detail="is missing")
    data = file.read_bytes()
    if len(data) != entry["bytes"]:
        return Check(what=name, ok=False, detail=f"has {len(data)} bytes instead of {entry['bytes']}")
    same = hashlib.sha256(data).hexdigest() == entry["sha256"]
    return Check(what=name, ok=same, detail="sha256 matches" if same else "sha256 differs")


def _check_outputs(bundle: Bundle) -> Iterator[Check]:
    inputs = bundle.array(SAMPLE_INPUT)
    for artifact in bundle.manifest["artifacts"]:
        expected = bundle.array(artifact.get("expected", SAMPLE_OUTPUT))
        moved = response(expected)
        name, allowed = artifact["path"], artifact["max_abs_error_allowed"]
        try:
            outputs = runner(bundle.folder / name)(inputs)
            error = float(np.abs(outputs.astype(np.float64) - expected).max())
        except (EdgeCnnError, ValueError) as failure:
            yield Check(what=f"output of {name}", ok=False, detail=str(failure))
            continue
        detail = (
            f"max abs error {error:.3g} on the sample, {allowed:.3g} allowed, outputs move by {moved:.3g}"
        )
        yield Check(what=f"output of {name}", ok=error <= allowed, detail=detail)


def _check_firmware(bundle: Bundle) -> Iterator[Check]:
    """Check a microcontroller's bundle: the array that is compiled, and what its interpreter computes."""
    if bundle.manifest["runtime"] != "tflite-micro":
        return
    from edgecnn.runtime.micro_runner import INSTALL, is_installed

    model = (bundle.folder / "model.tflite").read_bytes()
    same = micro.read_array((bundle.folder / micro.ARRAY).read_text(encoding="utf-8")) == model
    detail = "is model.tflite byte by byte" if same else "is not model.tflite"
    yield Check(what=f"array of {micro.ARRAY}", ok=same, detail=detail)
    what = "model.tflite in TFLite Micro"
    if not is_installed():
        yield Check(what=what, ok=True, detail=f"not run, as TFLite Micro is not installed: {INSTALL}")
        return
    try:
        parity = agreement(model, bundle.array(SAMPLE_INPUT), response(bundle.array(SAMPLE_OUTPUT)))
    except EdgeCnnError as failure:
        yield Check(what=what, ok=False, detail=str(failure))
        return
    error, allowed = parity.max_abs_error, parity.tolerance
    detail = f"max abs error {error:.3g} beside LiteRT on the sample, {allowed:.3g} allowed"
    yield Check(what=what, ok=True, detail=detail)


def runner(file: Path) -> "LitertRunner | OnnxRunner":
    """Return what runs an artifact on this host."""
    from edgecnn.runtime.litert_runner import LitertRunner
    from edgecnn.runtime.onnx_runner import OnnxRunner

    return LitertRunner(file) if file.suffix == ".tflite" else OnnxRunner(file)
