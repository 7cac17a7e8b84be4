"""The ways from a float network to int8 that are compared, one row each, and the networks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from converters import PROGRAMS, own_python
from environments import pinned

from edgecnn import Quantization

__all__ = ["DEFAULT", "PEERS", "PER_TENSOR", "QUANTIZERS", "Network", "Quantizer", "networks", "own_python"]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A trained network and its pictures.

    Attributes:
        name: in the tables.
        model: a spec or a run folder.
        weights: of a spec; empty for a run folder.
        mean: of the contract, one number for each channel, joined by commas; empty for a run folder.
        std: likewise.
        data: a data set, or the training and the held-out one joined by a comma.
    """

    name: str
    model: str
    weights: str = ""
    mean: str = ""
    std: str = ""
    data: str = ""

    def arguments(self, count: int, seed: int, folder: Path) -> list[str | Path]:
        """Return the arguments of `programs/prepare_quantizers.py`."""
        return [self.model, self.weights, self.mean, self.std, self.data, str(count), str(seed), folder]


@dataclass(frozen=True, kw_only=True)
class Quantizer:
    """One way.

    Attributes:
        name: in the tables.
        program: of this folder's `programs`, given the folder of the network and the file to write.
        arguments: after these.
        suffix: of the file.
        environment: whose Python runs it; empty for edgecnn's own.
        requirements: of the environment.
        packages: those whose versions are told.
    """

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    suffix: str = ".onnx"
    environment: str = ""
    requirements: tuple[str, ...] = field(default=())
    packages: tuple[str, ...] = ()

    def command(self, python: Path, prepared: Path, output: Path) -> list[str | Path]:
        """Return the program and its arguments."""
        return [python, PROGRAMS / self.program, prepared, output, *self.arguments]


def _edgecnn(recipe: str) -> Quantizer:
    packages = ("edgecnn", "onnx-ir", "onnxruntime", "ai-edge-litert")
    name = f"edgecnn: {recipe}"
    return Quantizer(
        name=name, program="edgecnn_to_int8.py", arguments=(recipe,), suffix=".tflite", packages=packages
    )


def _peer(name: str, environment: str, program: str, requirements: Sequence[str]) -> Callable[..., Quantizer]:
    def row(settings: str, *arguments: str, suffix: str = ".onnx") -> Quantizer:
        return Quantizer(
            name=f"{name}: {settings}",
            program=program,
            arguments=arguments,
            suffix=suffix,
            environment=environment,
            requirements=tuple(requirements),
            packages=(environment, "onnxruntime", "onnx"),
        )

    return row


_ORT = _peer(
    "ONNX Runtime",
    "onnxruntime",
    "onnxruntime_to_int8.py",
    (pinned("onnxruntime"), pinned("onnx"), "sympy"),
)
_AI_EDGE = _peer(
    "ai-edge-quantizer", "ai-edge-quantizer", "ai_edge_quantizer_to_int8.py", ("ai-edge-quantizer",)
)
_NNCF = _peer("NNCF", "nncf", "nncf_to_int8.py", ("nncf", pinned("onnx"), pinned("onnxruntime")))
_MODELOPT = _peer(
    "ModelOpt", "nvidia-modelopt", "modelopt_to_int8.py", (pinned("torch"), "nvidia-modelopt[onnx]")
)

# What `edgecnn export --int8` does to a graph that is folded already.
_DEFAULT = " | ".join(str(call) for call in Quantization(int8=True).calls("fold") if call.name != "fold")
_PLAIN, _EQUALIZED = "int8(per_channel=false)", "equalize | int8(per_channel=false) | correct_bias"

QUANTIZERS = (
    _edgecnn(_DEFAULT),
    _edgecnn("int8"),
    _edgecnn("int8(observer=minmax) | correct_bias"),
    _edgecnn(_PLAIN),
    _edgecnn(_EQUALIZED),
    _ORT("minmax", "MinMax", "each"),
    _ORT("entropy", "Entropy", "each"),
    _ORT("percentile", "Percentile", "each"),
    _ORT("minmax, per tensor", "MinMax", "all"),
    _AI_EDGE("static_wi8_ai8", suffix=".tflite"),
    _NNCF("default", "fast"),
    _NNCF("fast_bias_correction=False", "full"),
    _MODELOPT("entropy", "entropy"),
)
DEFAULT = _edgecnn(_DEFAULT).name
PER_TENSOR = tuple(_edgecnn(recipe).name for recipe in (_PLAIN, _EQUALIZED))
PEERS = tuple(dict.fromkeys(each.environment for each in QUANTIZERS if each.environment))

_CIFAR = {"resnet20": "resnet20-12fca82f.th", "resnet56": "resnet56-4bfd9763.th"}


def networks(cifar: Path | None, run: Path | None, run_data: str) -> dict[str, Network]:
    """Return the networks that the folders given hold, by name.

    Args:
        cifar: with `cifar10_train2000.npz`, `cifar10_test1000.npz` and the two ResNets' weights.
        run: a run folder.
        run_data: the data set of the run.
    """
    found = {}
    for name, weights in _CIFAR.items() if cifar else ():
        assert cifar is not None
        pictures = [str(cifar / f"cifar10_{part}.npz") for part in ("train2000", "test1000")]
        found[name] = Network(
            name=name,
            model=name,
            weights=str(cifar / weights),
            mean="0.485,0.456,0.406",
            std="0.229,0.224,0.225",
            data=",".join(pictures),
        )
    if run is not None:
        found[run.name] = Network(name=run.name, model=str(run), data=run_data)
    return found
