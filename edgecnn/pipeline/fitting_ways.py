"""How a device is fitted, by what runs networks there: which networks, as which files, by which script."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import onnx
import onnx_ir as ir

from edgecnn.devices.cost_models import COST_MODELS, LITERT, TENSORRT
from edgecnn.export import tflite
from edgecnn.export.recorder.record import record
from edgecnn.graph.save import to_bytes
from edgecnn.pipeline.lowering import RECIPES, lowered
from edgecnn.pipeline.micro_gpu import KINDS
from edgecnn.pipeline.micro_networks import Kinds, Micro


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a device is fitted.

    Attributes:
        runs: what runs networks there, as profiles say it.
        does: what its script does, in words.
        kinds: of the micro-networks; None for those of a processor.
        suffix: of their files.
        write: from the graph to the bytes of a file.
        read: from the bytes to what `CostModel.read` takes.
        scripts: what is copied beside them; the first is run.
        pace: words for it: how long each network runs.
        longest_s: how long all of that may take.
        has_threads: whether networks run on so many CPU threads.
    """

    runs: str
    does: str
    kinds: Kinds | None
    suffix: str
    write: Callable[[ir.Model], bytes]
    read: Callable[[bytes], Any]
    scripts: tuple[str, ...]
    pace: tuple[str, ...]
    longest_s: float
    has_threads: bool

    @property
    def precisions(self) -> tuple[str, ...]:
        """What can be fitted."""
        return tuple(RECIPES[self.runs])

    def compiled(self, micro: Micro, precision: str) -> bytes:
        """Return the file of a micro-network; int8 is calibrated on random numbers."""
        return self.write(lowered(record(micro.module, micro.shape), precision, self.runs))

    def graph(self, data: bytes) -> Any:
        """Return the graph of a file as a cost model has it."""
        return COST_MODELS[self.runs].read(self.read(data))

    def file_name(self, network: str, precision: str) -> str:
        """Return the name of a network's file."""
        return f"{network}.{precision}{self.suffix}"


def _read_onnx(data: bytes) -> ir.Model:
    return ir.serde.deserialize_model(onnx.load_model_from_string(data))


WAYS: Mapping[str, Way] = {
    LITERT: Way(
        runs=LITERT,
        does="time",
        kinds=None,
        suffix=".tflite",
        write=tflite.write,
        read=lambda data: data,
        scripts=("time_networks.py", "run.py"),
        pace=("--seconds", "0.15"),
        longest_s=7200.0,
        has_threads=True,
    ),
    TENSORRT: Way(
        runs=TENSORRT,
        does="build, then time",
        kinds=KINDS,
        suffix=".onnx",
        write=to_bytes,
        read=_read_onnx,
        scripts=(
            *("time_engines.py", "time_networks.py", "run.py"),
            *("build_engine.py", "engine_layers.py", "trtexec_engine.py"),
        ),
        pace=("--seconds", "0.3", "--warm", "0.2"),
        longest_s=8 * 3600.0,
        has_threads=False,
    ),
}
