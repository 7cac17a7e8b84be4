"""The ways from a PyTorch network to a .tflite file that are compared, one row each."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from environments import pinned

PROGRAMS = Path(__file__).parent / "programs"

# What each network is called in the tables, and its spec.
NETWORKS = {
    "mobilenet-1.0-224": "mobilenet(width=1.0, res=224)",
    "mobilenet-0.5-160": "mobilenet(width=0.5, res=160)",
    "lenet": "lenet",
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One conversion: the network, its prepared files, and an empty folder for the result."""

    spec: str
    prepared: Path
    folder: Path

    @property
    def weights(self) -> Path:
        """The state dict that all converters read."""
        return self.prepared / "weights.safetensors"

    @property
    def sample(self) -> Path:
        """Input pictures, float32 (n, c, h, w)."""
        return self.prepared / "input.npy"

    @property
    def onnx(self) -> Path:
        """What `torch.onnx.export` made of the network."""
        return self.prepared / "model.onnx"


@dataclass(frozen=True, kw_only=True)
class Converter:
    """One way.

    Attributes:
        name: in the tables, and of its environment.
        shown: the call, for people.
        command: the program and its arguments, given the environment's Python.
        output: the file that it makes.
        packages: those whose versions are told.
        peer: the name by which it is chosen; None for edgecnn itself.
        requirements: of its environment; without any it runs in edgecnn's own.
    """

    name: str
    shown: str
    command: Callable[[Path, Job], list[str | Path]]
    output: Callable[[Job], Path]
    packages: tuple[str, ...]
    peer: str | None = None
    requirements: tuple[str, ...] = field(default=())


def _program(name: str, suffix: str = ".tflite") -> dict[str, Callable[..., object]]:
    """Return command and output of a program beside this file, which all take the same arguments."""
    output = f"model{suffix}"
    return {
        "command": lambda python, job: [
            python, PROGRAMS / name, job.spec, job.weights, job.sample, job.folder / output
        ],
        "output": lambda job: job.folder / output,
    }  # fmt: skip


def _export(python: Path, job: Job) -> list[str | Path]:
    arguments = ["export", job.spec, "--weights", job.weights, "--target", "pi4"]
    return [python, "-m", "edgecnn", *arguments, "-o", job.folder / "bundle"]


_OWN = ("edgecnn", "torch", "onnx-ir", "onnxruntime", "ai-edge-litert", "flatbuffers")

EDGECNN = Converter(
    name="edgecnn",
    shown="Python: record the module, fold, write the file",
    packages=_OWN,
    **_program("edgecnn_to_tflite.py"),  # type: ignore[arg-type]
)
EXPORT = Converter(
    name="edgecnn export",
    shown="edgecnn export SPEC --weights FILE --target pi4: a whole bundle, every hop verified",
    command=_export,
    output=lambda job: job.folder / "bundle" / "model.tflite",
    packages=_OWN,
)
LITERT_TORCH = Converter(
    name="litert-torch",
    shown="Python: litert_torch.convert(module.eval(), (sample,)).export(FILE)",
    packages=("litert-torch", "torch", "ai-edge-litert", "litert-converter"),
    peer="litert-torch",
    requirements=(pinned("torch"), "litert-torch"),
    **_program("litert_torch_to_tflite.py"),  # type: ignore[arg-type]
)
ONNX_EXPORT = Converter(
    name="torch.onnx.export",
    shown="Python: torch.onnx.export(module, (sample,), FILE, dynamo=True); onnx2tf reads its result",
    packages=("torch", "onnx", "onnxscript"),
    peer="onnx2tf",
    **_program("torch_to_onnx.py", ".onnx"),  # type: ignore[arg-type]
)
ONNX2TF = Converter(
    name="onnx2tf",
    shown="onnx2tf -i model.onnx -o FOLDER; it writes a SavedModel and a float16 file, too, and cannot be"
    " told not to",
    command=lambda python, job: [python.parent / "onnx2tf", "-i", job.onnx, "-o", job.folder / "out"],
    output=lambda job: job.folder / "out" / "model_float32.tflite",
    packages=("onnx2tf", "tensorflow", "onnx", "onnxsim"),
    peer="onnx2tf",
    requirements=("onnx2tf",),
)

CONVERTERS = (EDGECNN, EXPORT, LITERT_TORCH, ONNX_EXPORT, ONNX2TF)
PEERS = tuple(dict.fromkeys(each.peer for each in CONVERTERS if each.peer))


def own_python() -> Path:
    """Return the Python that edgecnn is installed for."""
    return Path(sys.executable)
