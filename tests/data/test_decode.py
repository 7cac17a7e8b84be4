"""Pixels from files, whatever the mode in which they were saved."""

import numpy as np
import pytest
from PIL import Image

from edgecnn.data.decode import check_picture, is_gray, read_picture
from edgecnn.errors import EdgeCnnError

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


@pytest.fixture
def colour(rng):
    return rng.integers(0, 256, (5, 7, 3), np.uint8)


@pytest.fixture
def gray(rng):
    return rng.integers(0, 256, (5, 7), np.uint8)


def saved(path, picture, **how):
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **how)
    return path


def test_an_rgb_picture_is_read_as_it_is(tmp_path, colour):
    assert np.array_equal(read_picture(saved(tmp_path / "a.png", colour), 3), colour)


def test_a_gray_picture_is_repeated_for_three_channels_and_kept_for_one(tmp_path, gray):
    file = saved(tmp_path / "a.png", gray)
    assert np.array_equal(read_picture(file, 1), gray[..., None])
    assert np.array_equal(read_picture(file, 3), gray[..., None].repeat(3, 2))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_of_sixteen_bits_the_upper_eight_count(tmp_path, suffix):
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    file = saved(tmp_path / f"a.{suffix}", deep)
    assert read_picture(file, 1).ravel().tolist() == [0, 255 // 256, 256 // 256, 65535 // 256]
    assert is_gray(file)


def test_big_endian_sixteen_bits_are_the_same(tmp_path):
    file = saved(tmp_path / "a.pgm", Image.fromarray(np.array([[0, 512, 65535]], np.uint16)))
    assert read_picture(file, 1).ravel().tolist() == [0, 2, 255]


def test_cmyk_becomes_rgb(tmp_path):
    cyan = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
    file = saved(tmp_path / "a.tif", cyan)
    assert read_picture(file, 3)[0, 0].tolist() == [0, 255, 255]


def test_a_palette_becomes_its_colours(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([*RED, *GREEN])
    picture.putpixel((1, 0), 1)
    assert read_picture(saved(tmp_path / "a.png", picture), 3).tolist() == [[[*RED], [*GREEN]]]


@pytest.mark.parametrize("transparency", [0, b"\x00\xff"], ids=["one entry", "an opacity for each entry"])
def test_what_is_transparent_in_a_palette_shows_white(tmp_path, transparency):
    picture = Image.new("P", (2, 1))
    picture.putpalette([*RED, *GREEN])
    picture.putpixel((1, 0), 1)
    file = saved(tmp_path / "a.png", picture, transparency=transparency)
    assert read_picture(file, 3).tolist() == [[[*WHITE], [*GREEN]]]


@pytest.mark.parametrize(
    ("mode", "hidden", "shown"),
    [("RGBA", (255, 0, 0, 0), [255, 255, 255]), ("LA", (9, 0), [255, 255, 255]),
     ("RGBA", (0, 0, 0, 51), [204, 204, 204])],
    ids=["colour", "gray", "a fifth of black"],
)  # fmt: skip
def test_transparency_lies_over_white(tmp_path, mode, hidden, shown):
    file = saved(tmp_path / "a.png", Image.new(mode, (1, 1), hidden))
    assert read_picture(file, 3)[0, 0].tolist() == shown


def test_a_transparent_colour_of_an_rgb_picture_shows_white(tmp_path):
    picture = Image.new("RGB", (2, 1), RED)
    picture.putpixel((1, 0), GREEN)
    file = saved(tmp_path / "a.png", picture, transparency=RED)
    assert read_picture(file, 3).tolist() == [[[*WHITE], [*GREEN]]]


def test_one_bit_is_black_and_white(tmp_path):
    file = saved(tmp_path / "a.png", Image.fromarray(np.array([[True, False]])))
    assert read_picture(file, 1).ravel().tolist() == [255, 0]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_picture_is_turned_as_its_exif_says(tmp_path, suffix):
    picture = Image.new("RGB", (16, 8), RED)
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees
    file = saved(tmp_path / f"a.{suffix}", picture, exif=exif)
    assert read_picture(file, 3).shape == (16, 8, 3)


def test_damaged_exif_does_not_matter(tmp_path):
    file = saved(
        tmp_path / "a.jpg", Image.new("RGB", (16, 8), RED), exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"
    )
    assert read_picture(file, 3).shape == (8, 16, 3)


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "a.gif", 3)[0, 0].tolist() == [*RED]


def test_floating_point_pixels_are_refused(tmp_path):
    file = saved(tmp_path / "a.tif", Image.fromarray(np.ones((3, 3), np.float32)))
    with pytest.raises(EdgeCnnError, match="mode F, which has no highest value"):
        read_picture(file, 1)


def half(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "gif", "webp", "tif", "ppm"])
def test_a_truncated_file_is_no_whole_picture(tmp_path, suffix, rng):
    file = saved(tmp_path / f"a.{suffix}", rng.integers(0, 256, (40, 40, 3), np.uint8))
    check_picture(file)
    file.write_bytes(half(file.read_bytes()))
    for read in (check_picture, lambda path: read_picture(path, 3)):
        with pytest.raises(EdgeCnnError, match=f"a.{suffix}: the picture cannot be decoded|is no picture"):
            read(file)


def test_a_text_file_is_no_picture(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture at all")
    with pytest.raises(EdgeCnnError, match="a.jpg: the file is no picture"):
        check_picture(tmp_path / "a.jpg")


def test_a_picture_of_a_billion_pixels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    file = saved(tmp_path / "a.png", np.zeros((30, 30), np.uint8))
    with pytest.raises(EdgeCnnError, match="exceeds limit"):
        read_picture(file, 1)


def test_the_least_jpeg_is_checked(tmp_path):
    check_picture(saved(tmp_path / "a.jpg", np.zeros((1, 1, 3), np.uint8)))
