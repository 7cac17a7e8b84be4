"""Look into .tflite files of one network and time them against each other in this process, on one thread.

Arguments: FOLDER ROUNDS FILE...; FOLDER holds input.npy and output.npy. Prints one JSON list, an entry per
file. In each round every file runs once, in an order drawn anew, so that none always follows the same one.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgecnn.errors import EdgeCnnError
from edgecnn.export.tflite import count_operators

WARM_UP = 5


class Examined:
    """A loaded file."""

    def __init__(self, file: Path) -> None:
        data = file.read_bytes()
        self.facts: dict[str, Any] = {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "operators": count_operators(data),
        }
        self.interpreter = Interpreter(model_content=data, num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]
        self.output = self.interpreter.get_output_details()[0]
        self.latency_s: list[float] = []

    def feed(self, image: np.ndarray) -> None:
        """Set the input, given as (1, c, h, w), in the layout that the file wants."""
        wanted = tuple(self.input["shape"])
        self.facts["input_shape"] = [int(size) for size in wanted]
        laid_out = image if image.shape == wanted else image.transpose(0, 2, 3, 1)
        self.interpreter.set_tensor(self.input["index"], np.ascontiguousarray(laid_out))

    def largest_error(self, images: np.ndarray, outputs: np.ndarray) -> float:
        """Return the largest absolute difference of any output to the expected ones."""
        worst = 0.0
        for image, expected in zip(images, outputs, strict=True):
            self.feed(image[None])
            self.interpreter.invoke()
            found = self.interpreter.get_tensor(self.output["index"])
            worst = max(worst, float(np.abs(found.reshape(-1) - expected.reshape(-1)).max()))
        return worst

    def time(self) -> None:
        """Run once and keep the time."""
        start = time.perf_counter()
        self.interpreter.invoke()
        self.latency_s.append(time.perf_counter() - start)


def examine(file: Path, images: np.ndarray, outputs: np.ndarray) -> Examined | str:
    """Return the loaded and compared file, or why LiteRT cannot run it."""
    try:
        loaded = Examined(file)
        loaded.facts["max_abs_error"] = loaded.largest_error(images, outputs)
    except (EdgeCnnError, ValueError, RuntimeError) as error:
        return f"LiteRT cannot run the file: {' '.join(str(error).split())}"
    for _ in range(WARM_UP):
        loaded.interpreter.invoke()
    return loaded


def main() -> None:
    """Examine, time, print."""
    folder, rounds, files = Path(sys.argv[1]), int(sys.argv[2]), [Path(name) for name in sys.argv[3:]]
    images, outputs = np.load(folder / "input.npy"), np.load(folder / "output.npy")
    each = [examine(file, images, outputs) for file in files]
    runnable = [file for file in each if isinstance(file, Examined)]
    generator = np.random.default_rng(0)
    for _ in range(rounds):
        for index in generator.permutation(len(runnable)):
            runnable[index].time()
    told = [
        {"failed": file} if isinstance(file, str) else {**file.facts, "latency_s": file.latency_s}
        for file in each
    ]
    print(json.dumps({"output_range": float(np.ptp(outputs)), "files": told}))


if __name__ == "__main__":
    main()
