"""Comparing two forms of a network at a hop, and finding the first layer that differs where one fails."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from edgecnn.errors import VerificationError
from edgecnn.export.artifacts import Artifact
from edgecnn.export.fidelity import check_layers, fidelity
from edgecnn.export.parity import (
    LOSSLESS,
    Parity,
    compare,
    first_divergence,
    require,
    response,
    same_answers,
)
from edgecnn.pipeline.network import Network
from edgecnn.quantize import Step

Values = Mapping[str, np.ndarray]
Images = Callable[[], Iterable[np.ndarray]]

_AMPLIFIED = 0.3  # of the tolerance: two runtimes that round differently are then as far apart as it allows


def with_module(network: Network, samples: np.ndarray) -> Parity:
    """Compare the module with the graph recorded from it."""
    from edgecnn.runtime.onnx_runner import OnnxRunner
    from edgecnn.runtime.torch_runner import TorchRunner

    assert network.module is not None
    outputs = TorchRunner(network.module)(samples)
    parity = compare("pytorch → onnx", outputs, OnnxRunner(network.graph)(samples))
    if not parity.holds:
        _refuse_amplified_rounding(network, samples, outputs, parity)
        require(
            parity, _first(network.graph, _replayed(network, samples), graph_values(network.graph, samples))
        )
    return parity


def _refuse_amplified_rounding(
    network: Network, samples: np.ndarray, outputs: np.ndarray, parity: Parity
) -> None:
    """Raise where float32 alone moves the module's outputs as far as a mistake is allowed to.

    Very deep networks without shortcuts do so at random weights: no layer differs, and any comparison fails.
    """
    import torch

    module = copy.deepcopy(network.module)
    assert module is not None
    with torch.inference_mode():
        exact = module.double()(torch.from_numpy(samples).double()).numpy()
    rounding = float(np.abs(exact - outputs).max())
    if rounding > _AMPLIFIED * parity.tolerance:
        raise VerificationError(
            f"{parity.hop}: with these weights float32 rounding alone moves the outputs by {rounding:.2g}"
            f" where {parity.tolerance:.2g} is allowed, so no comparison can hold; give trained weights with"
            " --weights"
        )


def of_step(step: Step, samples: np.ndarray, images: Images | None = None) -> Parity:
    """Compare the graphs before and after a pass; a lossless one must agree.

    Of a lossy one the answers on the calibration pictures, where there are any, are compared, too.
    """
    from edgecnn.runtime.onnx_runner import OnnxRunner

    # As the graphs stand: a layer that is float between pairs would else be computed in integers.
    before, after = (OnnxRunner(model, integers=False) for model in (step.before, step.after))
    outputs, tolerance = before(samples), LOSSLESS if step.lossless else float("inf")
    parity = compare(f"onnx → {step.call}", outputs, after(samples), tolerance)
    if not parity.holds:
        values = [graph_values(model, samples) for model in (step.before, step.after)]
        require(parity, _first(step.after, *values))
    if step.lossless or images is None or outputs.ndim < 2 or outputs.shape[1] < 2:
        return parity
    found = [(len(batch), same_answers(before(batch), after(batch))) for batch in images()]
    n = sum(count for count, _ in found)
    return replace(parity, agreement=sum(count * part for count, part in found) / n, agreement_n=n)


def of_artifact(graph: ir.Model, artifact: Artifact, samples: np.ndarray, outputs: np.ndarray) -> Parity:
    """Compare what was compiled with the graph that it was compiled from."""
    if artifact.quantized:
        return _of_quantized(graph, artifact, samples, outputs)
    parity = compare(f"onnx → {artifact.path}", outputs, artifact.runner(samples), artifact.tolerance)
    if not parity.holds:
        each = [artifact.values(samples[index : index + 1]) for index in range(len(samples))]
        found = {name: np.concatenate([values[name] for values in each]) for name in each[0]}
        require(parity, _first(graph, graph_values(graph, samples), found))
    return parity


def _of_quantized(graph: ir.Model, artifact: Artifact, samples: np.ndarray, outputs: np.ndarray) -> Parity:
    """Compare in steps: layer by layer on the file's own values, then from end to end."""
    check_layers(graph, artifact.values(samples[:1]))
    found = fidelity(graph, artifact.runner, samples)
    parity = Parity(
        hop=f"onnx → {artifact.path}",
        max_abs_error=found.steps * found.step,
        response=response(outputs),
        tolerance=found.allowed * found.step,
    )
    require(parity, None)
    return parity


def graph_values(model: ir.Model, samples: np.ndarray) -> Values:
    """Return every intermediate value of a graph, by name, each (n, ...)."""
    from edgecnn.runtime.onnx_runner import OnnxRunner

    return OnnxRunner(model, outputs=_names(model), optimize=False).values(samples)


def _replayed(network: Network, samples: np.ndarray) -> Values:
    import torch

    from edgecnn.export.recorder import replay

    if network.recorded_by != "recorder" or network.module is None:
        return {}
    return {
        name: tensor.numpy() for name, tensor in replay(network.module, torch.from_numpy(samples)).items()
    }


def _first(model: ir.Model, reference: Values, candidate: Values) -> str | None:
    return first_divergence(_names(model), reference, candidate)


def _names(model: ir.Model) -> list[str]:
    return [value.name or "" for node in model.graph for value in node.outputs]
