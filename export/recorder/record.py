"""Record one forward pass as a graph, or replay it to see every intermediate tensor.

The pass runs on the `meta` device, which computes shapes and no values, so a network of any size costs
neither time nor memory; a `TorchFunctionMode` sees each call of a torch function, before autograd and
decompositions, and emits one canonical node for it. Opset 13 and IR 7 are what every TensorRT from 8.2
reads.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

from edgecnn.errors import EdgeCnnError
from edgecnn.export.recorder.functions import FUNCTIONS
from edgecnn.export.recorder.recording import Recording
from edgecnn.export.recorder.shapes import on_meta
from edgecnn.graph import roles
from edgecnn.runtime.torch_runner import mode
from edgecnn.version import __version__

OPSET, IR_VERSION = 13, 7
INPUT, OUTPUT = "input", "output"


class UnknownFunctionError(EdgeCnnError):
    """The module calls a torch function for which the recorder has no node."""


def record(module: nn.Module, input_shape: Sequence[int], *, name: str = "network") -> ir.Model:
    """Return the graph of `module` in evaluation mode, for one input of shape (n, c, h, w).

    Initializers share memory with the module's parameters; those of a module on `meta` have a shape and
    no content. Raises `UnknownFunctionError` where a call has no canonical node.
    """
    recording = Recording(reserved=OUTPUT)
    image = torch.empty(*input_shape, device="meta")
    source = recording.add_input(image, INPUT)
    stand_ins = _add_weights(module, recording, "meta")
    result = _run(module, recording, stand_ins, image)
    target = recording.value(result)
    assert target is not None
    if target is source or target.name in recording.initializers:
        raise EdgeCnnError("the network returns its input or a weight: there is nothing to export")
    target.name = OUTPUT
    graph = ir.Graph(
        [source],
        [target],
        nodes=recording.nodes,
        initializers=list(recording.initializers.values()),
        opset_imports={"": OPSET},
        name=name,
    )
    return ir.Model(graph, ir_version=IR_VERSION, producer_name="edgecnn", producer_version=__version__)


def replay(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Run `module` on real images and return each intermediate tensor under its name in the graph."""
    recording = Recording(reserved=OUTPUT, snapshots=True)
    recording.add_input(images, INPUT)
    weights = _add_weights(module, recording, "cpu")
    with torch.no_grad():
        result = _run(module, recording, weights, images)
    return {**(recording.snapshots or {}), OUTPUT: result}


def _add_weights(module: nn.Module, recording: Recording, device: str) -> dict[str, Tensor]:
    """Bind every parameter and buffer; return what stands for each in the forward pass, ties kept."""
    stand_ins: dict[str, Tensor] = {}
    shared: dict[int, Tensor] = {}
    for key, role, content in _weights(module):
        first = id(content) not in shared
        stand_ins[key] = shared.setdefault(id(content), content.detach().to(device))
        if first:
            recording.add_weight(stand_ins[key], key, role, content)
    return stand_ins


def _weights(module: nn.Module) -> Iterator[tuple[str, str, Tensor]]:
    parts = list(module.named_modules())  # each part once, however many names it has
    for path, part in parts:
        for key, parameter in part.named_parameters(path, recurse=False, remove_duplicate=False):
            yield key, roles.PARAMETER, parameter
    for path, part in parts:
        for key, buffer in part.named_buffers(path, recurse=False, remove_duplicate=False):
            statistic = key.rpartition(".")[2] in ("running_mean", "running_var")
            yield key, roles.STATISTIC if statistic else roles.CONSTANT, buffer


def _run(module: nn.Module, recording: Recording, weights: dict[str, Tensor], image: Tensor) -> Tensor:
    with mode(module, training=False), _paths(module, recording), _Listener(recording):
        # Ties are in `weights`; torch would put each name of a part back in turn, the last one wrongly.
        result = torch.func.functional_call(module, weights, (image,), tie_weights=False)
    if not isinstance(result, Tensor):
        raise EdgeCnnError(f"the network returns {type(result).__name__}; export needs one tensor")
    return result


@contextmanager
def _paths(module: nn.Module, recording: Recording) -> Iterator[None]:
    """Keep `recording.path` at the module whose forward runs."""
    stack: list[tuple[str, bool]] = []
    hooks = []

    def enter(path: str, leaf: bool) -> None:
        stack.append((recording.path, recording.leaf))
        recording.path, recording.leaf = path, leaf

    def leave(*_: Any) -> None:
        recording.path, recording.leaf = stack.pop()

    for path, part in module.named_modules():
        leaf = bool(path) and next(part.children(), None) is None
        hooks.append(part.register_forward_pre_hook(lambda *_, path=path, leaf=leaf: enter(path, leaf)))
        hooks.append(part.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Listener(TorchFunctionMode):
    """Emits a node for each torch function that is called on a recorded tensor."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self.recording = recording

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = on_meta(func, args, kwargs or {})
        returned = result if isinstance(result, (tuple, list)) else [result]
        if not any(isinstance(item, Tensor) for item in returned) or not self._concerns(args, kwargs or {}):
            return result  # a shape, a device, a tensor that has nothing to do with the input
        emit = FUNCTIONS.get(func)
        if emit is None:
            where = f" in {self.recording.path}" if self.recording.path else ""
            raise UnknownFunctionError(f"the recorder has no node for {resolve_name(func) or func}{where}")
        emit(self.recording, result, *args, **(kwargs or {}))
        return result

    def _concerns(self, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
        items = [*args, *kwargs.values()]
        nested = [part for item in items if isinstance(item, (tuple, list)) for part in item]
        return any(isinstance(item, Tensor) and self.recording.knows(item) for item in [*items, *nested])
