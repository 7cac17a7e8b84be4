"""Activations, softmax, and dropout, which acts in training alone."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.trainable.batch import apart_from, broadcast, first_input
from edgecnn.trainable.operators import Function, apply, runs
from edgecnn.trainable.site import Site

apply("Sigmoid", torch.sigmoid, batch=first_input)
apply("Tanh", torch.tanh, batch=first_input)
apply("Softplus", F.softplus, batch=first_input)
apply("Softsign", F.softsign, batch=first_input)
apply("HardSwish", F.hardswish, batch=first_input)
apply("Identity", lambda x: x, batch=first_input)


@runs("Relu", batch=first_input)
def _relu(site: Site) -> Function:
    return torch.relu_ if site.may_overwrite() else torch.relu


@runs("Clip", batch=first_input)
def _clip(site: Site) -> Function:
    present = [index for index in (1, 2) if site.has(index)]
    if any(site.known(index) is None for index in present):
        names = [("min", "max")[index - 1] for index in present]
        return lambda x, *bounds: torch.clamp(x, **dict(zip(names, bounds, strict=True)))
    low, high = (site.number(index) if site.has(index) else None for index in (1, 2))
    if low is not None and high is not None and low < high:
        function = F.hardtanh_ if site.may_overwrite() else F.hardtanh
        return lambda x: function(x, low, high)  # at a bound its gradient is 0, as that of torch's ReLU6
    return lambda x: torch.clamp(x, low, high) if present else x


@runs("LeakyRelu", batch=first_input, attributes="alpha")
def _leaky_relu(site: Site) -> Function:
    slope = site.real("alpha", 0.01)
    return lambda x: F.leaky_relu(x, slope)


@runs("PRelu", batch=broadcast)
def _prelu(site: Site) -> Function:
    shape, rank = site.shape(1), site.rank(0)
    by_channel = rank > 1 and len(shape) == rank - 1 and all(size == 1 for size in shape[1:])
    if site.batch(0) == 0 and site.batch(1) is None and (by_channel or shape == (1,)):
        return lambda x, slope: F.prelu(x, slope.reshape(-1))
    return lambda x, slope: torch.where(x > 0, x, slope * x)


@runs("Elu", batch=first_input, attributes="alpha")
def _elu(site: Site) -> Function:
    alpha = site.real("alpha", 1.0)
    return lambda x: F.elu(x, alpha)


@runs("Celu", batch=first_input, attributes="alpha")
def _celu(site: Site) -> Function:
    alpha = site.real("alpha", 1.0)
    return lambda x: F.celu(x, alpha)


@runs("Selu", batch=first_input, attributes="alpha gamma")
def _selu(site: Site) -> Function:
    alpha, gamma = (
        site.real("alpha", 1.67326319217681884765625),
        site.real("gamma", 1.05070102214813232421875),
    )
    return lambda x: gamma * F.elu(x, alpha)


@runs("HardSigmoid", batch=first_input, attributes="alpha beta")
def _hard_sigmoid(site: Site) -> Function:
    slope, shift = site.real("alpha", 0.2), site.real("beta", 0.5)
    return lambda x: F.hardtanh(slope * x + shift, 0.0, 1.0)


@runs("ThresholdedRelu", batch=first_input, attributes="alpha")
def _thresholded_relu(site: Site) -> Function:
    threshold = site.real("alpha", 1.0)
    return lambda x: F.threshold(x, threshold, 0.0)


def _normalized(site: Site) -> int:
    return apart_from(site, site.axis(site.attribute("axis", -1)), "normalizes")


@runs("Softmax", batch=_normalized, attributes="axis")
def _softmax(site: Site) -> Function:
    axis = site.axis(site.attribute("axis", -1))
    return lambda x: torch.softmax(x, axis)


@runs("LogSoftmax", batch=_normalized, attributes="axis")
def _log_softmax(site: Site) -> Function:
    axis = site.axis(site.attribute("axis", -1))
    return lambda x: torch.log_softmax(x, axis)


@runs("Dropout", batch=first_input, attributes="seed")
def _dropout(site: Site) -> Function:
    """Drop at the node's ratio; the random numbers are torch's, so that the training's seed decides them."""
    ratio = site.number(1) if site.has(1) else 0.5
    site.setting(2)  # whether the graph trains is the module's to say
    if ratio is None or not 0 <= ratio < 1:
        raise site.refuse(f"has a ratio of {ratio}; it must be a constant from 0 to below 1")
    site.by_mode = True

    def function(training: bool, x: Tensor) -> Any:
        return F.dropout(x, ratio) if training and ratio else x

    return function
