"""Two networks on the same pictures: how often they agree, and whether one is better or was lucky."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.answers import Answers
from edgecnn.evaluate.classification import Metrics
from edgecnn.evaluate.paired import mcnemar, paired_difference, sign_flip
from edgecnn.evaluate.proportion import Interval, agreement
from edgecnn.evaluate.resampling import bootstrap
from edgecnn.evaluate.segmentation import Segmentation, unpack

Measured = Metrics | Segmentation | Answers


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better the other network is than the first, on the same pictures.

    Attributes:
        figure: what differs: `top1` or `picture_dice`.
        value: the other's less the first's.
        interval: 95 %.
        test: of the hypothesis that there is no difference.
        p_value: of the test.
        only_first_right: pictures that the first alone names right; None for maps.
        only_other_right: pictures that the other alone names right; None for maps.
    """

    figure: str
    value: float
    interval: Interval
    test: str
    p_value: float
    only_first_right: int | None = None
    only_other_right: int | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two networks on the same pictures.

    Attributes:
        n: pictures.
        differs_on: pictures with another answer; of maps, in any pixel.
        agreement: share of the pictures, or pixels, with the same answer; None of maps of different sizes.
        agreement_interval: 95 %, Wilson's; of pixels, a bootstrap over pictures.
        difference: None where the right answers are not known.
    """

    n: int
    differs_on: int
    agreement: float | None
    agreement_interval: Interval | None
    difference: Difference | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data, marked as measured."""
        mine = {
            "kind": "measured",
            "n": self.n,
            "differs_on": self.differs_on,
            "agreement": self.agreement,
            "agreement_interval": self.agreement_interval,
        }
        if self.difference is None:
            return mine
        seen = {key: each for key, each in vars(self.difference).items() if each is not None}
        return mine | {"difference": seen}


def compare(first: Measured, other: Measured, *, seed: int = 0) -> Comparison:
    """Compare what was measured of two networks on the same pictures in the same order.

    Args:
        first: of one network.
        other: of the other, of the same kind.
        seed: of what is drawn for maps: the bootstrap's pictures, and the sign patterns.

    Returns:
        How often they agree, and, with labels or masks, the difference with its interval and p-value.

    Raises:
        EdgeCnnError: the pictures, the kinds of answer or the classes differ.
    """
    if type(first) is not type(other) or first.n != other.n:
        raise EdgeCnnError(
            f"{type(first).__name__} of {first.n} pictures and {type(other).__name__} of {other.n}"
            " cannot be compared; measure both on the same pictures"
        )
    if isinstance(first, Metrics) and not np.array_equal(first.labels, cast(Metrics, other).labels):
        raise EdgeCnnError("the labels differ; measure both networks on the same pictures in the same order")
    if isinstance(first, Answers) and first.class_names != other.class_names:
        raise EdgeCnnError("the two networks name their classes differently, so answers cannot be compared")
    share, interval = _agreement(first, other, seed)
    return Comparison(
        n=first.n,
        differs_on=_differs(first, other),
        agreement=share,
        agreement_interval=interval,
        difference=_DIFFERENCES[type(first)](first, other, seed),
    )


def _differs(first: Any, other: Any) -> int:
    return int(first.differences(other))


def _agreement(first: Any, other: Any, seed: int) -> tuple[float | None, Interval | None]:
    one, another = getattr(first, "predicted", None), getattr(other, "predicted", None)
    if isinstance(one, np.ndarray) and isinstance(another, np.ndarray):
        share = agreement(one, another)
        return share.value, share.interval
    if isinstance(first, Segmentation) and first.shape != other.shape:
        return None, None
    if first.shape != other.shape or not first.maps or not other.maps:
        raise EdgeCnnError(
            "the answers are maps of different sizes, or classes of the one and maps of the other, so they"
            " cannot be compared"
        )
    same = np.array([_same_pixels(*pair, first.shape) for pair in zip(first.maps, other.maps, strict=True)])
    pixels = first.shape[0] * first.shape[1]
    interval = bootstrap(lambda sums: sums[:, 0] / (first.n * pixels), same[:, None], seed=seed)
    return float(same.sum() / (first.n * pixels)), interval


def _same_pixels(one: bytes, another: bytes, shape: tuple[int, int]) -> int:
    if one == another:
        return shape[0] * shape[1]
    return int((unpack(one, shape) == unpack(another, shape)).sum())


def _of_classes(first: Metrics, other: Metrics, _seed: int) -> Difference:
    only_first = int((first.correct & ~other.correct).sum())
    only_other = int((other.correct & ~first.correct).sum())
    return Difference(
        figure="top1",
        value=(only_other - only_first) / first.n,
        interval=paired_difference(only_first, only_other, first.n),
        test="McNemar's exact test",
        p_value=mcnemar(only_first, only_other),
        only_first_right=only_first,
        only_other_right=only_other,
    )


def _of_maps(first: Segmentation, other: Segmentation, seed: int) -> Difference:
    moved = other.picture_dice - first.picture_dice
    moved = moved[~np.isnan(moved)]
    return Difference(
        figure="picture_dice",
        value=float(moved.mean()),
        interval=bootstrap(lambda sums: sums[:, 0] / len(moved), moved[:, None], seed=seed),
        test="sign-flip test",
        p_value=sign_flip(moved, seed=seed),
    )


_DIFFERENCES: dict[type, Callable[[Any, Any, int], Difference | None]] = {
    Metrics: _of_classes,
    Segmentation: _of_maps,
    Answers: lambda _first, _other, _seed: None,
}
