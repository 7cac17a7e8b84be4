"""What a microcontroller's bundle has that others have not: the hop to TFLite Micro, and the C++ files."""

from collections.abc import Callable, Iterable

import numpy as np

from edgecnn.device import DeviceProfile
from edgecnn.export import micro
from edgecnn.export.micro.agreement import agreement, output_step
from edgecnn.export.parity import Parity
from edgecnn.graph.tflite_file import TfliteTensor, read_tflite
from edgecnn.pipeline.network import Network
from edgecnn.profile.footprint import Footprint
from edgecnn.runtime.elements import to_elements
from edgecnn.runtime.micro_runner import INSTALL, MicroRunner, is_installed

_PICTURES = 16  # of those that calibrate, besides the sample
_NHWC = (0, 2, 3, 1)


def hop(
    model: bytes, samples: np.ndarray, images: Callable[[], Iterable[np.ndarray]] | None, response: float
) -> list[Parity]:
    """Compare TFLite Micro with LiteRT on the sample and on calibration pictures, where it is installed.

    Raises:
        VerificationError: they differ; the layer that does is named, where it is one.
    """
    if not is_installed():
        return []
    pictures = samples
    for batch in images() if images is not None else ():
        pictures = np.concatenate([pictures, batch])
        if len(pictures) >= len(samples) + _PICTURES:
            break
    return [agreement(model, pictures, response)]


def firmware(
    network: Network,
    device: DeviceProfile,
    model: bytes,
    needed: Footprint,
    samples: np.ndarray,
    response: float,
) -> dict[str, bytes]:
    """Return the C++ files of a bundle."""
    graph = read_tflite(model)
    given, made = (graph.tensors[ends[0]] for ends in (graph.inputs, graph.outputs))
    image = samples[:1]
    outputs = _run(model, image)
    sample = (_laid_out(image, given), _laid_out(outputs, made))
    return micro.firmware_files(
        micro.Firmware(
            title=network.title,
            target=device.name,
            model=model,
            footprint=needed,
            preprocessing=network.preprocessing,
            labels=network.labels,
            sample=sample,
            step=1.0 if made.dtype == "int8" else output_step(graph, response),
        )
    )


def notes(device: DeviceProfile, needed: Footprint) -> list[str]:
    """Say what to know about the bundle."""
    said = []
    if needed.arena_kind != "measured":
        said.append(f"the arena is predicted, and TFLite Micro was not run: {INSTALL} to have both measured")
    if device.flash_bytes is None:
        said.append(f"{device.name} has no flash of its own: model.cc lies in memory that your board adds")
    return said


def _run(model: bytes, image: np.ndarray) -> np.ndarray:
    if is_installed():
        return MicroRunner(model)(image)
    from edgecnn.runtime.litert_runner import LitertRunner

    return LitertRunner(model, keep_all=True)(image)


def _laid_out(array: np.ndarray, tensor: TfliteTensor) -> np.ndarray:
    """Return real numbers in ONNX's layout as the tensor of a file holds them."""
    turned = array.transpose(_NHWC) if array.ndim == len(_NHWC) else array
    return to_elements(turned, tensor.scales[0], tensor.zero_points[0]) if tensor.dtype == "int8" else turned
