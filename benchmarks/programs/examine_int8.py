"""What int8 files of one network answer, and how long those for LiteRT take. Arguments: FOLDER ROUNDS FILE...

FOLDER holds test.npy, labels.npy and the float network's output.npy. An `.onnx` file runs in ONNX Runtime as
it is by default, a `.tflite` file in LiteRT on one thread; those take turns, in an order drawn each round.
Prints one JSON list, an entry for each file.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgecnn.errors import EdgeCnnError
from edgecnn.runtime.onnx_runner import OnnxRunner

WARM_UP = 20


class LiteRt:
    """A `.tflite` file, whose input and output may be float or int8."""

    def __init__(self, file: Path) -> None:
        self.interpreter = Interpreter(str(file), num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]
        self.output = self.interpreter.get_output_details()[0]
        self.latency_s: list[float] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return float outputs for float32 (n, c, h, w)."""
        return np.concatenate([self._one(image.transpose(1, 2, 0)[None]) for image in images])

    def _one(self, image: np.ndarray) -> np.ndarray:
        scale, zero = self.input["quantization"]
        if self.input["dtype"] == np.int8:
            image = np.clip(np.rint(image / scale) + zero, -128, 127).astype(np.int8)
        self.interpreter.set_tensor(self.input["index"], np.ascontiguousarray(image))
        self.interpreter.invoke()
        found = self.interpreter.get_tensor(self.output["index"])
        scale, zero = self.output["quantization"]
        numbers = found.astype(np.float32)
        return (numbers - zero) * scale if found.dtype == np.int8 else numbers

    def time(self) -> None:
        """Run once and keep the time."""
        start = time.perf_counter()
        self.interpreter.invoke()
        self.latency_s.append(time.perf_counter() - start)


def facts(file: Path, folder: Path) -> tuple[dict[str, Any], LiteRt | None]:
    """Return what a file answers, and the file itself where LiteRT runs it."""
    runner: Callable[[np.ndarray], np.ndarray]
    try:
        runner = LiteRt(file) if file.suffix == ".tflite" else OnnxRunner(file)
        found = runner(np.load(folder / "test.npy"))
    except (EdgeCnnError, ValueError, RuntimeError) as error:
        return {"failed": f"the file does not run: {' '.join(str(error).split())}"}, None
    truth, labels = np.load(folder / "output.npy"), np.load(folder / "labels.npy")
    noise = np.square(found - truth, dtype=np.float64).mean()
    figures = {
        "top1": float((found.argmax(1) == labels).mean()),
        "agreement": float((found.argmax(1) == truth.argmax(1)).mean()),
        "sqnr_db": float(10 * np.log10(truth.var(axis=0, dtype=np.float64).mean() / noise)),
        "bytes": file.stat().st_size,
    }
    return figures, runner if isinstance(runner, LiteRt) else None


def main() -> None:
    """Answer, time, print."""
    folder, rounds, files = Path(sys.argv[1]), int(sys.argv[2]), [Path(name) for name in sys.argv[3:]]
    each = [facts(file, folder) for file in files]
    timed = [runner for _, runner in each if runner is not None]
    for runner in timed if rounds else ():
        for _ in range(WARM_UP):
            runner.interpreter.invoke()
    generator = np.random.default_rng(0)
    for _ in range(rounds):
        for index in generator.permutation(len(timed)):
            timed[index].time()
    print(
        json.dumps(
            [
                figures | ({"latency_s": runner.latency_s} if runner and rounds else {})
                for figures, runner in each
            ]
        )
    )


if __name__ == "__main__":
    main()
