"""Normalization: BatchNorm, which trains or stays frozen, and its kin.

    BatchNormalization      y = γ (x − μ) / √(σ² + ε) + β
    in training             μ and σ² of the batch;   running ← m running + (1 − m) of the batch
    LRN                     y = x / (k + α/n Σ x²)^β over channels c − ⌊(n−1)/2⌋ to c + ⌈(n−1)/2⌉

As in torch the running variance is the unbiased one. Sources: Ioffe and Szegedy 2015, arXiv:1502.03167;
the ONNX operator specification, LRN-13.
"""

import torch.nn.functional as F
from torch import Tensor

from edgecnn.graph.roles import STATISTIC
from edgecnn.trainable.batch import apart_from, images
from edgecnn.trainable.operators import Function, runs
from edgecnn.trainable.site import Site


@runs("BatchNormalization", batch=images, attributes="epsilon momentum training_mode")
def _batch_norm(site: Site) -> Function:
    if site.attribute("training_mode", 0):
        raise site.refuse("has training_mode=1; export the network in evaluation mode")
    _check_shapes(site)
    epsilon, momentum = site.real("epsilon", 1e-5), round(1.0 - site.real("momentum", 0.9), 7)
    if {site.role(3), site.role(4)} != {STATISTIC}:  # frozen, or computed
        return lambda x, scale, shift, mean, var: F.batch_norm(
            x, mean, var, scale, shift, False, 0.0, epsilon
        )
    site.by_mode = True

    def function(
        training: bool, x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, var: Tensor
    ) -> Tensor:
        return F.batch_norm(x, mean, var, scale, shift, training, momentum, epsilon)

    return function


def _check_shapes(site: Site) -> None:
    channels = site.shape(0)[1]
    for index in range(1, 5):
        if site.shape(index) != (channels,):
            raise site.refuse(f"has weights of shape {site.shape(index)} for an input of {channels} channels")


@runs("InstanceNormalization", batch=images, attributes="epsilon")
def _instance_norm(site: Site) -> Function:
    epsilon = site.real("epsilon", 1e-5)
    return lambda x, scale, shift: F.instance_norm(x, weight=scale, bias=shift, eps=epsilon)


@runs("LRN", batch=images, attributes="alpha beta bias size")
def _local_response_norm(site: Site) -> Function:
    size = site.attribute("size")
    alpha, beta, bias = site.real("alpha", 1e-4), site.real("beta", 0.75), site.real("bias", 1.0)
    pads = [0, 0, 0, 0, (size - 1) // 2, size // 2]  # ⌈(n−1)/2⌉ = ⌊n/2⌋

    def function(x: Tensor) -> Tensor:
        channels = F.pad(x.square().flatten(2)[:, None, :, None], pads)  # (n, 1, c + size - 1, 1, pixels)
        mean = F.avg_pool3d(channels, (size, 1, 1), stride=1)
        return x / (mean * alpha + bias).pow(beta).reshape(x.shape)

    return function


def _along(site: Site) -> int:
    return apart_from(site, site.axis(site.attribute("axis", -1)), "normalizes")


@runs("LpNormalization", batch=_along, attributes="axis p")
def _lp_normalization(site: Site) -> Function:
    axis, p = site.axis(site.attribute("axis", -1)), site.attribute("p", 2)
    return lambda x: x / x.norm(p, axis, keepdim=True)
