"""`Preprocessing`: how a picture becomes the numbers that a network reads.

    input = ((pixel / 255) - mean) / std        every operation in float32, in this order, per channel

Before that, on 8-bit pixels: the picture is converted to RGB (reversed for BGR) or L, then resized with
Pillow's BILINEAR, then cropped. With `raw` there is no picture: `input = (value - mean) / std`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Self, cast

import numpy as np
from PIL import Image

from edgecnn.errors import EdgeCnnError, UnknownNameError

Picture = np.ndarray | Image.Image

_WORDS = {
    "layout": ("NCHW",),
    "dtype": ("float32",),
    "channel_order": ("RGB", "BGR", "L", "raw"),
    "resize": ("squash", "crop"),
}
_CHANNELS = {"RGB": 3, "BGR": 3, "L": 1}
_MODES = {"RGB": "RGB", "BGR": "RGB", "L": "L"}
_LEAST_STD = 1e-30  # below it the float32 quotient overflows
_LARGEST = 1e30
_THUMBNAIL = 64

# Of ImageNet's training pictures in 0..1, as every public checkpoint has it.
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The contract between pictures and a network.

    Attributes:
        layout: of the network's input, NCHW.
        dtype: of the network's input, float32.
        channel_order: RGB, BGR or L (gray) for pictures; raw for arrays that are used as they are.
        height: in pixels.
        width: in pixels.
        resize: `squash` resizes to (width, height); `crop` resizes so that the picture covers
            (round(width / crop), round(height / crop)), keeping its ratio, and takes the centre.
        crop: the fraction of that resized picture which the centre crop keeps; no meaning for `squash`.
        mean: per channel, of values in 0..1 (raw: of the values).
        std: per channel, likewise.
    """

    layout: str = "NCHW"
    dtype: str = "float32"
    channel_order: str
    height: int
    width: int
    resize: str = "squash"
    crop: float = 1.0
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, allowed in _WORDS.items():
            if getattr(self, name) not in allowed:
                raise UnknownNameError(f"{name} of the preprocessing", getattr(self, name), allowed)
        for name in ("height", "width"):
            object.__setattr__(self, name, _side(name, getattr(self, name)))
        for name in ("mean", "std"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        if not _is_number(self.crop) or not 0 < self.crop <= 1:
            raise EdgeCnnError(f"crop={self.crop} is not a fraction; give a number above 0 and at most 1")
        if not all(value >= _LEAST_STD for value in self.std):
            raise EdgeCnnError(f"std={list(self.std)} must be above 0 in every channel")
        expected = _CHANNELS.get(self.channel_order, max(1, len(self.mean)))
        if not len(self.mean) == len(self.std) == expected:
            raise EdgeCnnError(
                f"{self.channel_order} has {expected} channels, but mean has {len(self.mean)} values"
                f" and std {len(self.std)}"
            )

    @property
    def channels(self) -> int:
        """Return the number of channels of the network's input."""
        return len(self.mean)

    def override(self, **given: Any) -> Self:
        """Return the contract with the given fields in place of its own, of the same number of channels."""
        changed = replace(self, **given)
        if changed.channels != self.channels:
            other = changed.channels == self.width
            advice = "if its images are NHWC, give --layout NHWC" if other else "give one number per channel"
            raise EdgeCnnError(
                f"the network takes {self.channels} channel(s) and --channel-order, --mean, --std are for"
                f" {changed.channels}; {advice}"
            )
        return changed

    def apply(self, image: Picture) -> np.ndarray:
        """Return the network's input for one picture.

        Args:
            image: a Pillow picture, or uint8 (h, w, 3) in RGB order, (h, w, 1) or (h, w) gray;
                for raw any real array (height, width, c).

        Returns:
            float32 (c, h, w).
        """
        pixels = self._raw(image) if self.channel_order == "raw" else self._pixels(to_picture(image))
        values: np.ndarray = pixels.astype(np.float32)  # (h, w, c)
        if self.channel_order != "raw":
            values = values / np.float32(255)
        values = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1))

    def batch(self, images: Iterable[Picture]) -> np.ndarray:
        """Return float32 (n, c, h, w) for n pictures, each as `apply` takes it."""
        inputs = [self.apply(image) for image in images]
        return (
            np.stack(inputs) if inputs else np.empty((0, self.channels, self.height, self.width), np.float32)
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        missing = sorted(set(cls.__dataclass_fields__) - set(data))
        if missing:
            raise EdgeCnnError(f"the preprocessing lacks {', '.join(missing)}")
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})

    def _raw(self, image: Picture) -> np.ndarray:
        expected = (self.height, self.width, self.channels)
        if not isinstance(image, np.ndarray) or image.shape != expected or image.dtype.kind not in "buif":
            raise EdgeCnnError(
                f"without a picture contract only arrays (height, width, channels) = {expected} fit,"
                f" not {_kind(image)}"
            )
        return image

    def _pixels(self, picture: Image.Image) -> np.ndarray:
        picture = picture.convert(_MODES[self.channel_order])
        fitted = {"squash": self._squash, "crop": self._centre}[self.resize](picture)
        pixels = np.asarray(fitted, np.uint8).reshape(self.height, self.width, self.channels)
        return pixels[:, :, ::-1] if self.channel_order == "BGR" else pixels

    def _squash(self, picture: Image.Image) -> Image.Image:
        return picture.resize((self.width, self.height), Image.Resampling.BILINEAR)

    def _centre(self, picture: Image.Image) -> Image.Image:
        width, height = covering(picture.size, (self.width, self.height), self.crop)
        left, top = (width - self.width) // 2, (height - self.height) // 2
        resized = picture.resize((width, height), Image.Resampling.BILINEAR)
        return resized.crop((left, top, left + self.width, top + self.height))


def covering(size: tuple[int, int], side: tuple[int, int], crop: float) -> tuple[int, int]:
    """Return the (width, height) to which `crop` resizes a picture before it takes the centre.

    The least size of the picture's ratio that covers `round(side / crop)`; halves are rounded up.
    """
    width, height = size
    box_w, box_h = (math.floor(pixels / crop + 0.5) for pixels in side)
    if width * box_h <= height * box_w:  # the picture is narrower than the box: widths agree
        return box_w, (2 * height * box_w + width) // (2 * width)
    return (2 * width * box_h + height) // (2 * height), box_h


def default_preprocessing(in_channels: int, height: int, width: int) -> Preprocessing:
    """Return the contract of a network that no data set has been named for.

    ImageNet's for 3 channels, 0.5 / 0.5 for 1; any other number of channels takes arrays only. The centre is
    cropped as for photographs, but not for sides up to 64: pictures so small, as CIFAR's, have that size
    already, and are shown whole.
    """
    small = max(height, width) <= _THUMBNAIL
    form = {"resize": "squash"} if small else {"resize": "crop", "crop": 0.875}
    centre = partial(Preprocessing, height=height, width=width, **form)
    if in_channels == 3:
        return centre(channel_order="RGB", mean=_IMAGENET_MEAN, std=_IMAGENET_STD)
    if in_channels == 1:
        return centre(channel_order="L", mean=(0.5,), std=(0.5,))
    return raw_preprocessing(in_channels, height, width)


def raw_preprocessing(in_channels: int, height: int, width: int) -> Preprocessing:
    """Return the contract under which arrays are used as they are."""
    mean, std = (0.0,) * in_channels, (1.0,) * in_channels
    return Preprocessing(channel_order="raw", height=height, width=width, mean=mean, std=std)


def to_picture(image: Picture) -> Image.Image:
    """Return the Pillow picture of a uint8 array (h, w, 3), (h, w, 1) or (h, w); a picture as it is."""
    if isinstance(image, Image.Image):
        return image
    array = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    gray, colour = array.ndim == 2, array.ndim == 3 and array.shape[2] == 3
    if array.dtype != np.uint8 or not (gray or colour) or array.size == 0:
        raise EdgeCnnError(f"a picture is uint8 (h, w, 3) or (h, w, 1), not {_kind(image)}")
    return Image.fromarray(np.ascontiguousarray(array))


def _kind(image: object) -> str:
    return f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__


def _side(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**16:
        raise EdgeCnnError(f"{name}={value} of the preprocessing is not a number of pixels, at least 1")
    return value


def _numbers(name: str, values: object) -> tuple[float, ...]:
    if not isinstance(values, (list, tuple)) or not values or not all(map(_is_number, values)):
        raise EdgeCnnError(f"{name}={values} of the preprocessing is not one finite number per channel")
    return tuple(float(value) for value in cast(Sequence[float], values))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST
