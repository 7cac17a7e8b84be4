"""How well a network tells the class of every pixel: pixel accuracy, IoU and Dice.

    IoU of c  = I / (T + P - I)        I: pixels of class c that are named c, T: of class c, P: named c
    Dice of c = 2 I / (T + P)

I, T and P are summed over all pictures; pixels that do not count are left out. The mean is over the data
set's classes that occur, the background too. IoU: Jaccard 1912, New Phytologist 11, 37-50; Everingham et
al. 2010, Int. J. Comput. Vis. 88, 303-338. Dice: Dice 1945, Ecology 26, 297-302.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgecnn.data import IGNORE
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate.proportion import Interval
from edgecnn.evaluate.resampling import bootstrap_each


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation:
    """What was measured on pictures with masks, picture by picture, so that two artifacts can be compared.

    Attributes:
        counts: int64 (n, classes, 3): I, T and P of each picture and class.
        pairs: int64 (classes, outputs): pixels of a class that are given an output.
        maps: the predicted map of each picture, packed; `predicted(i)` unpacks one.
        shape: (h, w) of a map.
        class_names: of the outputs, the data set's classes first.
        notes: what a reader of the figures has to know.
    """

    counts: np.ndarray
    pairs: np.ndarray
    maps: tuple[bytes, ...]
    shape: tuple[int, int]
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Return the number of pictures."""
        return len(self.maps)

    @property
    def pixel_accuracy(self) -> float:
        """Return the fraction of counted pixels whose class is named."""
        return float(_pixel_accuracy(self._sums)[0])

    @property
    def mean_iou(self) -> float:
        """Return the mean IoU of the classes."""
        return float(_mean_iou(self._sums)[0])

    @property
    def dice(self) -> float:
        """Return the mean Dice of the classes."""
        return float(_mean_dice(self._sums)[0])

    @cached_property
    def picture_dice(self) -> np.ndarray:
        """Return float64 (n,): each picture's mean Dice of the classes in it; nan where no pixel counts."""
        dice: np.ndarray = _mean_dice(self.counts.astype(np.float64))
        return dice

    @property
    def intervals(self) -> dict[str, Interval | None]:
        """Return the 95 % interval (bootstrap over pictures) of each figure."""
        return dict(zip(_FIGURES, self._intervals, strict=False))

    @cached_property
    def _intervals(self) -> list[Interval | None]:
        return bootstrap_each(_all_figures, self.counts)

    @property
    def _sums(self) -> np.ndarray:
        sums: np.ndarray = self.counts.sum(0, dtype=np.float64)[None]
        return sums

    def predicted(self, index: int) -> np.ndarray:
        """Return the map of a picture: (h, w), the class of each pixel."""
        return unpack(self.maps[index], self.shape)

    def differences(self, other: "Segmentation") -> int:
        """Return on how many pictures another artifact gives any pixel another class."""
        return sum(one != another for one, another in zip(self.maps, other.maps, strict=True))

    def confusion(self) -> Iterator[tuple[int, int, int]]:
        """Yield (class, class that was named, of how many pixels), wherever there are any."""
        for truth, named in np.argwhere(self.pairs).tolist():
            yield truth, named, int(self.pairs[truth, named])

    def per_class(self) -> list[dict[str, Any]]:
        """Return IoU and Dice of each of the data set's classes that occurs, with intervals."""
        pixels, named = self._sums[0, :, 1], self._sums[0, :, 2]
        figures = _all_figures(self._sums)[0, len(_FIGURES) :].reshape(2, -1)
        intervals = self._intervals[len(_FIGURES) :]
        return [
            {
                "class": self.class_names[index],
                "pixels": int(pixels[index]),
                "named": int(named[index]),
                "iou": float(figures[0, index]),
                "iou_interval": intervals[index],
                "dice": float(figures[1, index]),
                "dice_interval": intervals[len(pixels) + index],
            }
            for index in np.flatnonzero(pixels + named).tolist()
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON data, marked as measured."""
        figures = {key: float(figure(self._sums)[0]) for key, figure in _FIGURES.items()}
        return {"kind": "measured", "n": self.n, **figures}


@dataclass(frozen=True, kw_only=True, eq=False)
class MapCounts:
    """What a batch adds: `counts` and `pairs` of `Segmentation`, and the packed maps."""

    counts: np.ndarray
    pairs: np.ndarray
    maps: list[bytes]


def measure_maps(predicted: np.ndarray, masks: np.ndarray, classes: int, outputs: int) -> MapCounts:
    """Count one batch.

    Args:
        predicted: int (n, h, w), each below `outputs`.
        masks: int (n, H, W), each below `classes` or `IGNORE`; larger ones are cropped to the centre.
        classes: of the data set.
        outputs: of the network, the data set's classes first.
    """
    masks = _centre(masks, (predicted.shape[1], predicted.shape[2]))
    counted = masks != IGNORE
    if counted.any() and masks[counted].max() >= classes:
        raise EdgeCnnError(
            f"the set has {classes} classes, but masks have values up to {masks[counted].max()}"
        )
    tables = np.stack([
        np.bincount(mask[use] * outputs + named[use], minlength=classes * outputs)
        for mask, named, use in zip(masks, predicted, counted, strict=True)
    ]).reshape(-1, classes, outputs)  # fmt: skip
    right = np.diagonal(tables, axis1=1, axis2=2)[:, :classes]
    counts = np.stack([right, tables.sum(2), tables.sum(1)[:, :classes]], axis=2)
    return MapCounts(counts=counts, pairs=tables.sum(0), maps=[pack(each) for each in predicted])


def join_maps(
    parts: Sequence[MapCounts], shape: tuple[int, int], class_names: tuple[str, ...], notes: tuple[str, ...]
) -> Segmentation:
    """Return the metrics of all batches together."""
    counts = np.concatenate([part.counts for part in parts])
    if not counts[:, :, 1].any():
        raise EdgeCnnError("no pixel of the masks counts; all have the value for ignored ones")
    return Segmentation(
        counts=counts,
        pairs=np.sum([part.pairs for part in parts], axis=0),
        maps=tuple(each for part in parts for each in part.maps),
        shape=shape,
        class_names=class_names,
        notes=notes,
    )


def pack(predicted: np.ndarray) -> bytes:
    """Return a map (h, w) as compressed bytes: of megapixels a few KiB are left."""
    return zlib.compress(np.ascontiguousarray(predicted, np.uint16).tobytes(), 1)


def unpack(packed: bytes, shape: tuple[int, int]) -> np.ndarray:
    """Return the map (h, w) that `pack` compressed."""
    return np.frombuffer(zlib.decompress(packed), np.uint16).reshape(shape)


def _centre(masks: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Crop masks to the pixels that a network without padding scores."""
    (height, width), (h, w) = masks.shape[1:], shape
    factor = height // h
    strided = (h * factor, w * factor) == (height, width) and factor > 1 and factor & (factor - 1) == 0
    if strided or h > height or w > width:
        raise EdgeCnnError(
            f"the network gives a map of {h} x {w} for an input of {height} x {width}; it takes one that"
            " scores every pixel of the input, or its centre"
        )
    top, left = (height - h) // 2, (width - w) // 2
    return masks[:, top : top + h, left : left + w]


def _iou(sums: np.ndarray) -> np.ndarray:
    """Return (r, classes) for sums (r, classes, 3); nan where a class does not occur."""
    right, truth, named = np.moveaxis(sums, 2, 0)
    return _quotient(right, truth + named - right)


def _dice(sums: np.ndarray) -> np.ndarray:
    right, truth, named = np.moveaxis(sums, 2, 0)
    return _quotient(2 * right, truth + named)


def _mean_iou(sums: np.ndarray) -> np.ndarray:
    return _mean(_iou(sums))


def _mean_dice(sums: np.ndarray) -> np.ndarray:
    return _mean(_dice(sums))


def _pixel_accuracy(sums: np.ndarray) -> np.ndarray:
    right, truth, _ = sums.sum(1).T
    return _quotient(right, truth)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of each row's numbers; nan where it has none."""
    there = ~np.isnan(values)
    return _quotient(np.where(there, values, 0.0).sum(1), there.sum(1))


def _quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
    return quotient


_FIGURES = {"pixel_accuracy": _pixel_accuracy, "mean_iou": _mean_iou, "dice": _mean_dice}


def _all_figures(sums: np.ndarray) -> np.ndarray:
    """Return (r, 3 + 2 classes): the figures, then the IoU of each class and its Dice."""
    return np.column_stack([*(figure(sums) for figure in _FIGURES.values()), _iou(sums), _dice(sums)])
