"""Files of torchvision and timm through the whole recipe."""

import tempfile
import time
from pathlib import Path

import numpy as np
from converters import PROGRAMS
from processes import measure
from pruning import HALF, PATHS, Row, Settings, Tell, words

import edgecnn
from edgecnn import Pictures, TrainingPlace
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.network import open_network
from edgecnn.profile import profile

FOREIGN = (
    ("torchvision", "mobilenet_v2"),
    ("timm", "mobilenetv2_100"),
    ("timm", "efficientnet_lite0"),
    ("torchvision", "regnet_y_400mf"),
    ("timm", "regnetx_002"),
)
FOREIGN_TARGET = "pi4"
FOREIGN_RES, FOREIGN_RECIPE = 64, f"prune(mult_adds={HALF}) | distill(epochs=1) | int8"


def foreign(python: Path, settings: Settings, tell: Tell) -> list[Row]:
    """Return for each file of another library what the whole recipe leaves of it, or why it failed."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="edgecnn-prune-") as place:
        work = Path(place)
        pictures = _random_pictures(work)
        for library, name in FOREIGN:
            row: Row = {"library": library, "network": name}
            file = work / f"{library}-{name}.onnx"
            program = PROGRAMS / "foreign_to_onnx.py"
            done = measure([python, program, library, name, str(FOREIGN_RES), file], variables=PATHS)
            row |= {"failed": done.reason()} if done.exit_code else _through(file, pictures, settings)
            rows.append(row)
            tell(f"{library} {name}: {words(row)}")
    return rows


def _random_pictures(work: Path) -> Path:
    file = work / "pictures.npz"
    drawn = np.random.default_rng(0).integers(0, 256, (64, FOREIGN_RES, FOREIGN_RES, 3), np.uint8)
    np.savez(file, x_train=drawn[:48], x_test=drawn[48:])
    return file


def _through(file: Path, data: Path, settings: Settings) -> Row:
    contract = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "channel_order": "RGB"}
    pictures = Pictures(data=str(data), preprocessing=contract, training=TrainingPlace(on=settings.on))
    start_s = time.perf_counter()
    try:
        out = file.with_suffix(".small.onnx")
        steps = edgecnn.compress(file, FOREIGN_RECIPE, out, pictures=pictures, target=FOREIGN_TARGET)
    except EdgeCnnError as error:
        return {"failed": str(error).replace(str(file.parent), "...")}
    whole, last = profile(open_network(file).graph), steps[-1].standing
    return {
        "whole": whole.mult_adds,
        "kept": last.profile.mult_adds / whole.mult_adds,
        "bytes": last.bytes,
        "wall_s": time.perf_counter() - start_s,
    }
