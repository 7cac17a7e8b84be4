"""Build every .onnx file of a folder with TensorRT-RTX, as build_engine.py does; print what came of each.

    python build_with_rtx.py BOARD_SCRIPTS FOLDER

One JSON object: by the file's stem, `{"bytes": size of the engine}` or `{"error": the sentence}`.
"""

import json
import sys
from pathlib import Path


def main(scripts: str, folder: str) -> None:
    """Build them all in this process."""
    sys.path.insert(0, scripts)
    import build_engine
    import run

    run.BUNDLE = folder
    tensorrt = run.load_tensorrt()
    logger = build_engine.make_logger(tensorrt)
    builder = tensorrt.Builder(logger)
    found = {}
    for path in sorted(Path(folder).glob("*.onnx")):
        artifact = {"path": path.name, "precision": path.stem.split("-")[0]}
        logger.errors.clear()
        try:
            plan = build_engine.build_plan(
                tensorrt, builder, logger, artifact, build_engine.parser().parse_args([])
            )
        except run.BoardError as error:
            found[path.stem] = {"error": str(error)}
        else:
            found[path.stem] = {"bytes": len(plan)}
    json.dump({"tensorrt": tensorrt.__version__, "built": found}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
