"""Arithmetic, elementwise and with broadcasting; a constant number is no tensor but part of the function."""

import operator
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor

from edgecnn.trainable.batch import broadcast, first_input
from edgecnn.trainable.operators import Function, apply, runs
from edgecnn.trainable.site import Site

_UNARY = {
    "Abs": torch.abs,
    "Ceil": torch.ceil,
    "Cos": torch.cos,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "Log": torch.log,
    "Neg": torch.neg,
    "Not": torch.logical_not,
    "Reciprocal": torch.reciprocal,
    "Round": torch.round,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Sqrt": torch.sqrt,
}
_BINARY: dict[str, Function] = {
    "And": torch.logical_and,
    "Or": torch.logical_or,
    "Xor": torch.logical_xor,
    "Where": torch.where,
}
_WITH_NUMBERS: dict[str, Function] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Pow": operator.pow,
    "Equal": operator.eq,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Less": operator.lt,
    "LessOrEqual": operator.le,
}
_MANY: dict[str, Function] = {"Sum": operator.add, "Max": torch.maximum, "Min": torch.minimum}
_INTEGERS = {ir.DataType.INT64, ir.DataType.INT32, ir.DataType.INT8, ir.DataType.UINT8}
_DTYPES = {
    ir.DataType.FLOAT: torch.float32,
    ir.DataType.DOUBLE: torch.float64,
    ir.DataType.FLOAT16: torch.float16,
    ir.DataType.BFLOAT16: torch.bfloat16,
    ir.DataType.INT64: torch.int64,
    ir.DataType.INT32: torch.int32,
    ir.DataType.INT8: torch.int8,
    ir.DataType.UINT8: torch.uint8,
    ir.DataType.BOOL: torch.bool,
}

for _name, _function in _UNARY.items():
    apply(_name, _function, batch=first_input)
for _name, _function in _BINARY.items():
    apply(_name, _function, batch=broadcast)


def _with_numbers(site: Site, function: Callable[[Any, Any], Any]) -> Function:
    """Put a constant number into the function of two operands, where the other keeps its shape by that."""
    for index, other in ((1, 0), (0, 1)):
        if site.known(other) is not None or site.rank(index) > site.rank(other):
            continue
        number = site.number(index)
        if number is not None:
            return partial(function, number) if index == 0 else _second(function, number)
    return function


def _second(function: Callable[[Any, Any], Any], number: float) -> Function:
    return lambda x: function(x, number)


def _register(name: str, function: Function) -> None:
    runs(name, batch=broadcast)(lambda site: _with_numbers(site, function))


for _name, _function in _WITH_NUMBERS.items():
    _register(_name, _function)


@runs("Div", batch=broadcast)
def _div(site: Site) -> Function:
    if site.value(0).dtype in _INTEGERS:
        return lambda x, y: torch.div(x, y, rounding_mode="trunc")
    return _with_numbers(site, operator.truediv)


@runs("Sum Max Min", batch=broadcast)
def _many(site: Site) -> Function:
    function = _MANY[site.node.op_type]
    return lambda *tensors: reduce(function, tensors)


@runs("Mean", batch=broadcast)
def _mean(site: Site) -> Function:
    count = len(site.node.inputs)
    return lambda *tensors: reduce(operator.add, tensors) / count


@runs("Cast", batch=first_input, attributes="to")
def _cast(site: Site) -> Function:
    source, target = site.value(0).dtype, ir.DataType(site.attribute("to"))
    if target not in _DTYPES:
        raise site.refuse(f"casts to {target.name}, which does not train")
    if source == target:  # so that a module in double precision stays there
        return lambda x: x
    dtype = _DTYPES[target]

    def function(x: Tensor) -> Tensor:
        return x.to(dtype)

    return function
