"""Latency without a measurement: from a fit of the device where there is one, else from its profile."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecnn import devices
from edgecnn.device import DeviceProfile
from edgecnn.devices import fits
from edgecnn.devices.address import Address
from edgecnn.devices.cost_models import COST_MODELS, LITERT, TENSORRT
from edgecnn.devices.fit import Fit
from edgecnn.devices.prediction import Prediction
from edgecnn.devices.roofline import roofline
from edgecnn.errors import EdgeCnnError
from edgecnn.profile import Profile

_WAYS = ("ssh:", "adb:", "emulated:")


def predict(
    model: Any, device: str, *, precision: str | None = None, threads: int = 1, **opening: Any
) -> Prediction:
    """Predict the latency of one inference of a network on a device.

    Args:
        model: anything that `edgecnn.costs` takes.
        device: the name of a profile, or a device that was fitted, as it is reached.
        precision: in which a float32 network would run there, `fp16` or `int8` (calibrated on random numbers,
            which its latency does not depend on; LRN stays in float); None is the network's own.
        threads: CPU threads, of a fit.
        opening: `width`, `res`, ...: see `edgecnn.pipeline.network.open_network`.

    Returns:
        Seconds in total and by layer, with the method and, of a fit, the band of its errors.

    Raises:
        EdgeCnnError: the device was never fitted and its profile lacks a figure, or the network computes in
            another precision already.
    """
    return opened_prediction(model, device, precision=precision, threads=threads, **opening)[2]


def opened_prediction(
    model: Any, device: str, *, precision: str | None = None, threads: int = 1, **opening: Any
) -> tuple[str, Profile, Prediction]:
    """Return the network's complete title, its profile, and the prediction."""
    from edgecnn.pipeline.costs import opened_costs

    known = _profile(device)
    title, costs = opened_costs(model, **opening)
    own, precision, compiled = _compiled(model, precision, opening)
    runs = known.runtime if known is not None and known.runtime in COST_MODELS else None
    fit = fits.find(device, precision, threads, runs)
    if fit is not None:
        _check_here(fit)
        return title, costs, fit.predict(compiled(fit.runs))
    if known is None:
        raise EdgeCnnError(
            f"{device} was not fitted for {precision} with --threads {threads}, so no latency can be"
            f" predicted; fit it: edgecnn device fit {device} --threads {threads}"
        )
    if threads != 1:
        raise EdgeCnnError(
            f"{device} runs networks on its GPU, and not on CPU threads; leave --threads out"
            if known.runtime == TENSORRT
            else f"a roofline knows no threads; leave --threads out, or fit {device} with {threads}"
        )
    stored = own if _is_tflite(model) or own == "fp16" else "fp32"  # an int8 graph holds floats
    return title, costs, roofline(costs, known, precision, stored)


def latency_of(fit: Fit) -> Callable[[Any], float]:
    """Return what predicts a graph's latency in seconds, for a pass that asks."""
    return lambda graph: fit.predict(_written(graph, fit.runs)).latency_s


def fit_for(device: DeviceProfile | None, precision: str) -> Fit | None:
    """Return the fit of a target, None where it was never fitted."""
    if device is None or device.runtime not in COST_MODELS:
        return None
    return fits.find(device.name, precision, runs=device.runtime)


def _check_here(fit: Fit) -> None:
    """Raise where this machine's GPU was fitted with another TensorRT than it has now."""
    if fit.runs != TENSORRT or fit.device != "local":
        return
    try:
        version = importlib.metadata.version("tensorrt")
    except importlib.metadata.PackageNotFoundError:
        return
    fitted = fit.runtime.rpartition(" ")[2]
    if fitted.split(".")[:3] != version.split(".")[:3]:
        raise EdgeCnnError(
            f"{fit.target} was fitted with TensorRT {fitted}, and this machine has {version} now; fit it"
            f" again: edgecnn device fit local --as {fit.target}"
        )


def _profile(device: str) -> DeviceProfile | None:
    """Return the profile that a device's name means; None where it says how the device is reached."""
    if device == "local" or not device.startswith(_WAYS):
        return devices.find("host" if device == "local" else device)
    address = Address.parse(device)
    if address.way == "emulated":
        raise EdgeCnnError(
            f"{device} has no latency of its own, and none is predicted for it; give {address.board}"
        )
    return None


def _is_tflite(model: Any) -> bool:
    return isinstance(model, (str, Path)) and Path(model).suffix.lower() == ".tflite"


def _compiled(
    model: Any, asked: str | None, opening: dict[str, Any]
) -> tuple[str, str, Callable[[str], Any]]:
    """Return a network's own precision, that which it runs in, and what gives what a runtime would get."""
    from edgecnn.graph.precision import precision_of
    from edgecnn.pipeline.network import open_network
    from edgecnn.pipeline.tflite_bundle import precision_of_file

    if _is_tflite(model):
        data = Path(model).read_bytes()
        own = precision_of_file(data)
        return own, _settled(model, own, asked), lambda runs: _of_file(data, model, runs)
    own = precision_of(open_network(model, allocate=False, **opening).graph)
    precision = _settled(model, own, asked)
    return own, precision, lambda runs: _written(open_network(model, **opening).graph, runs, precision)


def _settled(model: Any, own: str, asked: str | None) -> str:
    if asked in (None, own):
        return own
    if own != "fp32" or _is_tflite(model):
        raise EdgeCnnError(
            f"{model} computes in {own} and cannot be predicted in {asked}; leave --{asked} out"
        )
    return str(asked)


def _of_file(data: bytes, model: Any, runs: str) -> bytes:
    if runs != LITERT:
        raise EdgeCnnError(f"{model} is a file for LiteRT, and TensorRT runs none; give the .onnx file")
    return data


def _written(graph: Any, runs: str, precision: str | None = None) -> Any:
    """Return what a runtime would get of a graph: a `.tflite` file, or the graph that a bundle holds."""
    from edgecnn.export import tflite
    from edgecnn.graph.precision import precision_of, scheme_of
    from edgecnn.pipeline.lowering import lowered
    from edgecnn.pipeline.quantization import SCHEMES

    own, scheme = precision_of(graph), scheme_of(graph)
    if runs == TENSORRT and scheme not in (None, SCHEMES[TENSORRT]):
        raise EdgeCnnError(
            f"the network is quantized by the rules of {scheme}, and TensorRT wants its own; quantize the"
            " float network anew, with --target BOARD"
        )
    made = lowered(graph, precision or own, runs) if own == "fp32" else graph
    return tflite.write(made) if runs == LITERT else made
