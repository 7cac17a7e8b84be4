"""Matrix products."""

import torch
import torch.nn.functional as F
from torch import Tensor

from edgecnn.trainable.batch import aligned
from edgecnn.trainable.operators import Function, apply, runs
from edgecnn.trainable.site import Site


def _rows(site: Site) -> int:
    """Of `alpha op(A) op(B) + beta C`: the images are rows of op(A), or columns of op(B)."""
    transposed = [site.attribute(name, 0) for name in ("transA", "transB")]
    factors = [index for index in site.batched() if index < 2]
    if len(factors) != 1:
        raise site.refuse("multiplies two inputs that differ from image to image, or none")
    (index,) = factors
    place = (site.batch(index) or 0) ^ int(bool(transposed[index]))
    if place != index:
        raise site.refuse("would sum over the images")
    if site.has(2) and site.rank(2) >= 2 - place:
        at = place - 2 + site.rank(2)
        fits = site.batch(2) == at if site.batch(2) is not None else site.shape(2)[at] == 1
        if not fits:
            raise site.refuse("adds a matrix that has something else where the images are")
    return place


@runs("Gemm", batch=_rows, attributes="alpha beta transA transB")
def _gemm(site: Site) -> Function:
    alpha, beta = site.real("alpha", 1.0), site.real("beta", 1.0)
    across_a, across_b = (bool(site.attribute(name, 0)) for name in ("transA", "transB"))
    plain = alpha == beta == 1.0 and not across_a and (not site.has(2) or site.rank(2) == 1)
    if plain and (not site.has(2) or site.shape(2) == (site.shape(1)[0 if across_b else 1],)):
        return F.linear if across_b else lambda a, b, c=None: F.linear(a, b.t(), c)

    def function(a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
        a, b = a.t() if across_a else a, b.t() if across_b else b
        return alpha * (a @ b) if c is None else torch.addmm(c, a, b, beta=beta, alpha=alpha)

    return function


def _product(site: Site) -> int:
    left, right = site.rank(0), site.rank(1)
    if min(left, right) < 2:
        raise site.refuse("multiplies a vector; matrices are supported")
    rank, batched = max(left, right), site.batched()
    rows, columns = site.batch(0) == left - 2, site.batch(1) == right - 1
    if site.batch(0) == left - 1 or site.batch(1) == right - 2:
        raise site.refuse("would sum over the images")
    if rows or columns:  # the images are rows of the left factor, or columns of the right one
        if len(batched) != 1:
            raise site.refuse("multiplies every image by every other")
        return rank - 2 if rows else rank - 1
    return aligned(site, rank)


apply("MatMul", torch.matmul, batch=_product)
