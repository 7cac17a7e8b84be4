"""Latency without a measurement: from a fit of the device where there is one, else from its profile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecnn import devices
from edgecnn.device import DeviceProfile
from edgecnn.devices import fits
from edgecnn.devices.address import Address
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
    precision, compiled = _compiled(model, precision, opening)
    fit = fits.find(device, precision, threads)
    if fit is not None:
        return title, costs, fit.predict(compiled())
    if known is None:
        raise EdgeCnnError(
            f"{device} was not fitted for {precision} with --threads {threads}, so no latency can be"
            f" predicted; fit it: edgecnn device fit {device} --threads {threads}"
        )
    if threads != 1:
        raise EdgeCnnError(
            f"a roofline knows no threads; leave --threads out, or fit {device} with {threads}"
        )
    stored = precision if _is_tflite(model) else "fp32"
    return title, costs, roofline(costs, known, precision, stored)


def latency_of(fit: Fit) -> Callable[[Any], float]:
    """Return what predicts a graph's latency in seconds, for a pass that asks."""
    return lambda graph: fit.predict(_written(graph)).latency_s


def fit_for(device: DeviceProfile | None, precision: str) -> Fit | None:
    """Return the fit of a target, None where it was never fitted."""
    return None if device is None else fits.find(device.name, precision)


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


def _compiled(model: Any, asked: str | None, opening: dict[str, Any]) -> tuple[str, Callable[[], bytes]]:
    """Return the precision that a network runs in, and what gives the `.tflite` file made of it."""
    from edgecnn.graph.precision import precision_of
    from edgecnn.pipeline.network import open_network
    from edgecnn.pipeline.tflite_bundle import precision_of_file

    if _is_tflite(model):
        data = Path(model).read_bytes()
        return _settled(model, precision_of_file(data), asked), lambda: data
    own = precision_of(open_network(model, allocate=False, **opening).graph)
    precision = _settled(model, own, asked)
    return precision, lambda: _written(open_network(model, **opening).graph, precision)


def _settled(model: Any, own: str, asked: str | None) -> str:
    if asked in (None, own):
        return own
    if own != "fp32" or _is_tflite(model):
        raise EdgeCnnError(
            f"{model} computes in {own} and cannot be predicted in {asked}; leave --{asked} out"
        )
    return str(asked)


def _written(graph: Any, precision: str | None = None) -> bytes:
    from edgecnn.export import tflite
    from edgecnn.graph.precision import precision_of
    from edgecnn.pipeline.lowering import lowered

    own = precision_of(graph)
    return tflite.write(lowered(graph, precision or own) if own == "fp32" else graph)
