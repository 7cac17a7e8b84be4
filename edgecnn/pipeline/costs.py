"""What a network costs, without allocating its weights."""

from pathlib import Path
from typing import Any

from edgecnn.errors import EdgeCnnError
from edgecnn.profile import Profile


def costs(model: Any, **opening: Any) -> Profile:
    """Profile a network: mult-adds, parameters, memory, receptive field, by layer and in total.

    Args:
        model: a spec or its text, a run folder, a bundle, an `.onnx` or `.tflite` file, an `onnx_ir.Model`,
            or an `nn.Module` with `input_shape`. It is not changed.
        opening: `width`, `res`, ...: see `edgecnn.pipeline.network.open_network`.

    Returns:
        Counts and bytes by layer; an operator that it does not know is unknown, never zero.

    Raises:
        EdgeCnnError: there is no such model, or it cannot be what `opening` asks.
    """
    return opened_costs(model, **opening)[1]


def opened_costs(model: Any, **opening: Any) -> tuple[str, Profile]:
    """Return the network's complete title and its profile."""
    if isinstance(model, (str, Path)) and Path(model).suffix.lower() == ".tflite":
        return _tflite_costs(Path(model), opening)

    from edgecnn.pipeline.network import open_network
    from edgecnn.profile import profile

    network = open_network(model, allocate=False, **opening)
    return network.title, profile(network.graph)


def _tflite_costs(path: Path, opening: dict[str, Any]) -> tuple[str, Profile]:
    from edgecnn.pipeline.model_paths import refuse_opening
    from edgecnn.profile import profile_tflite

    refuse_opening(path, opening)
    if opening.get("inputs"):
        raise EdgeCnnError(f"--input fixes the input of an .onnx file, and {path} is none; leave it out")
    if opening.get("layout"):
        raise EdgeCnnError(f"--layout is for an .onnx file's images, and {path} is none; leave it out")
    if not path.is_file():
        raise EdgeCnnError(f"there is no file {path}")
    return path.name, profile_tflite(path.read_bytes())
