"""`Recording`: the graph under construction, and which tensor of the forward pass is which value of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor

from edgecnn.errors import EdgeCnnError
from edgecnn.graph import roles

_DTYPES = {
    torch.float32: ir.DataType.FLOAT,
    torch.float64: ir.DataType.DOUBLE,
    torch.float16: ir.DataType.FLOAT16,
    torch.int64: ir.DataType.INT64,
    torch.int32: ir.DataType.INT32,
    torch.bool: ir.DataType.BOOL,
}

_ATTRIBUTES: dict[type, Callable[[str, Any], ir.Attr]] = {
    int: ir.AttrInt64,
    float: ir.AttrFloat32,
    str: ir.AttrString,
    list: ir.AttrInt64s,  # no operator of ours has a list of anything else
}


class Recording:
    """Nodes and initializers in order of the calls; names are module paths.

    No node is called `reserved`, so that the graph's output can be.

    Attributes:
        path: the module whose forward runs, as a dotted path.
        leaf: whether that module has no children, so that its path alone names the node.
        snapshots: where asked for, a copy of each computed tensor by the name of its value, taken at once
            because a later in-place call may change it.
    """

    def __init__(self, *, reserved: str, snapshots: bool = False) -> None:
        self.nodes: list[ir.Node] = []
        self.initializers: dict[str, ir.Value] = {}
        self.path, self.leaf = "", False
        self.snapshots: dict[str, Tensor] | None = {} if snapshots else None
        self._values: dict[int, ir.Value] = {}
        self._alive: list[Tensor] = []  # a freed tensor's id would be given to another
        self._weights: dict[int, tuple[str, str, Tensor]] = {}
        self._names = {reserved}

    def add_input(self, tensor: Tensor, name: str) -> ir.Value:
        """Bind the image tensor to the graph's input."""
        value = ir.val(name, dtype=_DTYPES[tensor.dtype], shape=ir.Shape(tensor.shape))
        self._names.add(name)
        self.bind(tensor, value)
        return value

    def add_weight(self, stand_in: Tensor, name: str, role: str, content: Tensor) -> None:
        """Say that `stand_in` of the forward pass is the parameter or buffer `name` with this content."""
        self._weights[id(stand_in)] = (name, role, content)
        self._alive.append(stand_in)

    def bind(self, tensor: Tensor, value: ir.Value) -> None:
        """Let later uses of `tensor` mean `value`."""
        self._values[id(tensor)] = value
        self._alive.append(tensor)
        if self.snapshots is not None and value.name:
            self.snapshots[value.name] = tensor.detach().clone()

    def knows(self, tensor: Tensor) -> bool:
        """Tell whether the tensor is the input, a weight, or was computed from them."""
        return id(tensor) in self._values or id(tensor) in self._weights

    def value(self, tensor: Tensor | None) -> ir.Value | None:
        """Return the value of a tensor, or None for None; a weight becomes an initializer at first use."""
        if tensor is None:
            return None
        if id(tensor) in self._values:
            return self._values[id(tensor)]
        if id(tensor) not in self._weights:
            raise EdgeCnnError(
                f"{self.path or 'the module'} uses a tensor that is neither a parameter, a buffer nor"
                " computed from the input; register it with register_buffer"
            )
        name, role, content = self._weights[id(tensor)]
        array = None if content.is_meta else content.detach().cpu().numpy()
        value = self._initializer(name, role, ir.Shape(content.shape), _DTYPES[content.dtype], array)
        self._values[id(tensor)] = value
        return value

    def constant(self, hint: str, array: np.ndarray[Any, Any], role: str = roles.CONSTANT) -> ir.Value:
        """Add an initializer that the module does not own, such as a shape or a bound."""
        name = self._unique(f"{self.path}.{hint}".lstrip("."))
        return self._initializer(
            name, role, ir.Shape(array.shape), ir.DataType.from_numpy(array.dtype), array
        )

    def emit(
        self,
        operator: str,
        result: Tensor,
        inputs: Sequence[ir.Value | Tensor | None],
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Append one node whose output is `result`."""
        values = [self.value(item) if isinstance(item, Tensor) else item for item in inputs]
        output = self.emit_value(operator, values, attributes, ir.Shape(result.shape), _DTYPES[result.dtype])
        self.bind(result, output)

    def emit_value(
        self,
        operator: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None,
        shape: ir.Shape,
        dtype: ir.DataType,
    ) -> ir.Value:
        """Append one node and return its output, which no tensor of the forward pass need be."""
        name = self._unique(self.path if self.leaf else f"{self.path}.{operator.lower()}".lstrip("."))
        output = ir.Value(name=name, shape=shape, type=ir.TensorType(dtype))
        # `ir.node` finds out the type of each attribute by itself, which takes a third of all recording.
        typed = [_ATTRIBUTES[type(content)](key, content) for key, content in (attributes or {}).items()]
        self.nodes.append(ir.Node("", operator, inputs, typed, outputs=[output], name=name))
        return output

    def _initializer(
        self, name: str, role: str, shape: ir.Shape, dtype: ir.DataType, array: np.ndarray[Any, Any] | None
    ) -> ir.Value:
        content = None if array is None else ir.Tensor(array, name=name)
        value = ir.Value(name=name, shape=shape, type=ir.TensorType(dtype), const_value=content)
        roles.tag(value, role, name)
        self._names.add(name)
        self.initializers[name] = value
        return value

    def _unique(self, name: str) -> str:
        candidate, number = name, 0
        while candidate in self._names:
            number += 1
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate
