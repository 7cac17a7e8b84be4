import json
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgecnn.data.decode import read_picture
from edgecnn.errors import EdgeCnnError
from edgecnn.export.board import run
from edgecnn.preprocessing import Preprocessing, covering, default_preprocessing

GRAY = {"channel_order": "L", "height": 4, "width": 6, "mean": (0.25,), "std": (0.5,)}
COLOUR = {"channel_order": "RGB", "height": 4, "width": 6, "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 2.0)}


def picture(height, width, channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def test_a_picture_of_the_right_size_becomes_pixel_over_255_minus_mean_over_std_in_float32():
    image = picture(4, 6, 3)
    red, _, blue = Preprocessing(**COLOUR).apply(image)
    f = np.float32
    assert np.array_equal(red, (image[:, :, 0].astype(f) / f(255) - f(0.1)) / f(0.5))
    assert np.array_equal(blue, (image[:, :, 2].astype(f) / f(255) - f(0.3)) / f(2.0))


def test_bgr_reads_the_channels_backwards():
    image = picture(4, 6, 3)
    plain = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    forwards = Preprocessing(**COLOUR | plain).apply(image)
    backwards = Preprocessing(**COLOUR | plain | {"channel_order": "BGR"}).apply(image)
    assert np.array_equal(backwards, forwards[::-1])


def test_gray_is_repeated_for_a_network_of_three_channels():
    image = picture(4, 6, 1)
    plain = Preprocessing(**COLOUR | {"mean": (0.0,) * 3, "std": (1.0,) * 3}).apply(image)
    assert np.array_equal(
        plain, np.repeat(image.transpose(2, 0, 1), 3, 0).astype(np.float32) / np.float32(255)
    )


def test_colour_becomes_gray_by_the_weights_of_itu_601():
    white_red = np.zeros((4, 6, 3), np.uint8)
    white_red[..., 0] = 255
    gray = Preprocessing(**GRAY | {"mean": (0.0,), "std": (1.0,)}).apply(white_red)
    assert np.allclose(gray * 255, math.floor(0.299 * 255))


@pytest.mark.parametrize("image", [picture(5, 7, 1), picture(5, 7, 1)[:, :, 0]], ids=["h w 1", "h w"])
def test_the_output_is_contiguous_float32_c_h_w(image):
    result = Preprocessing(**GRAY).apply(image)
    assert (result.shape, result.dtype, result.flags.c_contiguous) == ((1, 4, 6), np.float32, True)


def test_a_pillow_picture_and_its_array_give_the_same_numbers():
    image = picture(9, 5, 3)
    contract = Preprocessing(**COLOUR, resize="crop", crop=0.8)
    assert np.array_equal(contract.apply(image), contract.apply(Image.fromarray(image)))


def test_squash_is_one_bilinear_resize():
    image = picture(9, 5, 1)
    contract = Preprocessing(**GRAY | {"mean": (0.0,), "std": (1.0,)})
    resized = Image.fromarray(image[:, :, 0]).resize((6, 4), Image.Resampling.BILINEAR)
    assert np.array_equal(contract.apply(image)[0], np.asarray(resized, np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("size", "side", "crop", "expected"),
    [
        ((500, 375), (224, 224), 0.875, (round(256 * 500 / 375), 256)),
        ((375, 500), (224, 224), 0.875, (256, round(256 * 500 / 375))),
        ((100, 100), (160, 160), 0.875, (183, 183)),  # 160 / 0.875 = 182.86
        ((100, 100), (6, 4), 1.0, (6, 6)),
        ((200, 100), (4, 6), 1.0, (12, 6)),
        ((3, 2), (1, 1), 1.0, (2, 1)),  # 1.5 is rounded up
    ],
    ids=["landscape", "portrait", "square", "wide contract", "tall contract", "half"],
)
def test_crop_resizes_to_the_least_size_that_covers_the_side_over_crop(size, side, crop, expected):
    assert covering(size, side, crop) == expected


def test_crop_takes_the_centre():
    image = np.zeros((4, 8, 1), np.uint8)
    image[:, 2:6] = 255
    contract = Preprocessing(
        channel_order="L", height=4, width=4, resize="crop", crop=1.0, mean=(0.0,), std=(1.0,)
    )
    assert (contract.apply(image) == 1).all()


def test_raw_uses_arrays_as_they_are():
    values = np.random.default_rng(0).standard_normal((4, 6, 2)).astype(np.float32)
    assert np.array_equal(default_preprocessing(2, 4, 6).apply(values), values.transpose(2, 0, 1))


def test_a_batch_is_the_pictures_one_after_the_other():
    contract = Preprocessing(**GRAY)
    images = np.stack([picture(4, 6, 1, seed) for seed in range(3)])
    batch = contract.batch(images)
    assert batch.shape == (3, 1, 4, 6)
    assert np.array_equal(batch[2], contract.apply(images[2]))


def test_a_batch_of_nothing_has_the_shape_of_the_input():
    assert Preprocessing(**GRAY).batch([]).shape == (0, 1, 4, 6)


@pytest.mark.parametrize(
    ("channels", "order", "mean", "std"),
    [
        (3, "RGB", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        (1, "L", (0.5,), (0.5,)),
        (5, "raw", (0.0,) * 5, (1.0,) * 5),
    ],
    ids=["colour", "gray", "five channels"],
)
def test_a_network_without_a_data_set_has_a_default_contract(channels, order, mean, std):
    contract = default_preprocessing(channels, 160, 128)
    assert (contract.channel_order, contract.mean, contract.std) == (order, mean, std)
    assert (contract.height, contract.width, contract.channels) == (160, 128, channels)


@given(
    order=st.sampled_from(["RGB", "BGR", "L"]),
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    resize=st.sampled_from(["squash", "crop"]),
    crop=st.floats(0.01, 1),
    mean=st.floats(-2, 2),
    std=st.floats(0.01, 2),
)
def test_json_gives_the_same_contract_back(order, height, width, resize, crop, mean, std):
    channels = 1 if order == "L" else 3
    contract = Preprocessing(
        channel_order=order,
        height=height,
        width=width,
        resize=resize,
        crop=crop,
        mean=(mean,) * channels,
        std=(std,) * channels,
    )
    assert Preprocessing.from_json(json.loads(json.dumps(contract.to_json()))) == contract


def test_the_keys_in_json_are_those_of_the_manifest():
    expected = ["layout", "dtype", "channel_order", "height", "width", "resize", "crop", "mean", "std"]
    assert list(Preprocessing(**GRAY).to_json()) == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"channel_order": "RBG"}, "unknown channel_order of the preprocessing 'RBG'; did you mean"),
        ({"layout": "NHWC"}, "unknown layout"),
        ({"resize": "stretch"}, "unknown resize"),
        ({"height": 0}, "height=0"),
        ({"width": 1.5}, "width=1.5"),
        ({"crop": 0.0}, "crop=0.0 is not a fraction"),
        ({"crop": math.nan}, "crop=nan is not a fraction"),
        ({"std": (0.0,)}, "must be above 0"),
        ({"std": (math.inf,)}, "is not one finite number per channel"),
        ({"mean": (math.nan,)}, "is not one finite number per channel"),
        ({"mean": "0"}, "is not one finite number per channel"),
        ({"mean": (0.1, 0.2)}, "L has 1 channels, but mean has 2 values"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_an_impossible_contract_is_refused(change, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        Preprocessing(**GRAY | change)


def test_json_without_a_key_is_refused_by_its_name():
    data = Preprocessing(**GRAY).to_json()
    del data["std"]
    with pytest.raises(EdgeCnnError, match="lacks std"):
        Preprocessing.from_json(data)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 6, 3), np.float32), np.zeros((4, 6, 2), np.uint8), np.zeros((0, 6, 1), np.uint8)],
    ids=["float", "two channels", "empty"],
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(EdgeCnnError, match="a picture is uint8"):
        Preprocessing(**GRAY).apply(image)


@pytest.mark.parametrize(("side", "resize"), [(32, "squash"), (64, "squash"), (65, "crop"), (224, "crop")])
def test_pictures_as_small_as_cifars_are_shown_whole(side, resize):
    assert default_preprocessing(3, side, side).resize == resize


def test_a_picture_is_refused_where_only_arrays_fit():
    with pytest.raises(
        EdgeCnnError, match=r"only arrays \(height, width, channels\) = \(4, 6, 2\) fit, not Image"
    ):
        default_preprocessing(2, 4, 6).apply(Image.new("RGB", (6, 4)))


@pytest.mark.parametrize("order", ["RGB", "BGR", "L"])
@pytest.mark.parametrize("resize", ["squash", "crop"])
@pytest.mark.parametrize("size", [(7, 31), (90, 64), (24, 24)], ids=str)
def test_the_script_on_the_board_gives_the_same_bits(tmp_path, order, resize, size):
    file = tmp_path / "picture.png"
    Image.fromarray(picture(*size, 3)).save(file)
    channels = 1 if order == "L" else 3
    contract = Preprocessing(
        channel_order=order,
        height=24,
        width=20,
        resize=resize,
        crop=0.875,
        mean=(0.485, 0.456, 0.406)[:channels],
        std=(0.229, 0.224, 0.225)[:channels],
    )
    there = run.read_picture(str(file), json.loads(json.dumps(contract.to_json())), (1, channels, 24, 20))
    with Image.open(file) as here:
        assert np.array_equal(there[0], contract.apply(here))


def turned(file, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture(31, 20, 3)).save(file, exif=exif)


def transparent(mode):
    def save(file):
        Image.fromarray(picture(31, 20, 4), "RGBA").convert(mode).save(file)

    return save


def transparent_colour(file):
    pixels = picture(31, 20, 3)
    pixels[:15] = (10, 20, 30)
    Image.fromarray(pixels).save(file, transparency=(10, 20, 30))


def transparent_palette(file):
    Image.fromarray(picture(31, 20, 3)).quantize(16).save(file, transparency=3)


def sixteen_bits(file):
    values = np.random.default_rng(0).integers(0, 2**16, (31, 20)).astype(np.uint16)
    Image.fromarray(values).save(file)


SAVED = {
    **{f"orientation {each}.jpg": partial(turned, orientation=each) for each in range(1, 9)},
    "orientation 6.png": partial(turned, orientation=6),
    "orientation 6.tif": partial(turned, orientation=6),
    "no such orientation.jpg": partial(turned, orientation=9),
    "RGBA.png": transparent("RGBA"),
    "LA.png": transparent("LA"),
    "transparent colour.png": transparent_colour,
    "palette.png": lambda file: Image.fromarray(picture(31, 20, 3)).quantize(16).save(file),
    "transparent palette.png": transparent_palette,
    "transparent.gif": transparent_palette,
    "16 bits.png": sixteen_bits,
    "16 bits.tif": sixteen_bits,
    "black and white.png": lambda file: Image.fromarray(picture(31, 20, 1)[..., 0]).convert("1").save(file),
    "CMYK.jpg": lambda file: Image.fromarray(picture(31, 20, 3)).convert("CMYK").save(file),
}


@pytest.mark.parametrize("order", ["RGB", "L"])
@pytest.mark.parametrize("name", SAVED)
def test_the_script_on_the_board_decodes_as_edgecnn_does(tmp_path, name, order):
    file = tmp_path / name
    SAVED[name](file)
    channels = 1 if order == "L" else 3
    form = {"height": 24, "width": 16, "mean": (0.25,) * channels, "std": (0.5,) * channels}
    contract = Preprocessing(channel_order=order, **form)
    there = run.read_picture(str(file), json.loads(json.dumps(contract.to_json())), (1, channels, 24, 16))
    assert np.array_equal(there[0], contract.apply(read_picture(file, channels)))


@pytest.mark.parametrize("orientation", [3, 6])
def test_before_pillow_6_the_orientation_of_a_jpeg_is_read_by_its_older_name(orientation):
    class Older:
        def _getexif(self):
            return {0x0112: orientation}

    assert run.orientation(Older()) == orientation
    assert run.orientation(object()) is None


def test_pixels_without_a_highest_value_are_refused_on_the_board_too(tmp_path):
    file = tmp_path / "float.tif"
    Image.fromarray(np.zeros((4, 6), np.float32)).save(file)
    with pytest.raises(run.BoardError, match="mode F, which has no highest value"):
        run.read_picture(str(file), Preprocessing(**GRAY).to_json(), (1, 1, 4, 6))
    with pytest.raises(EdgeCnnError, match="mode F, which has no highest value"):
        read_picture(file, 1)
