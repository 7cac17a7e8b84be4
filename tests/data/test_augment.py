"""Each kind of change does what it says, to the mask along with the picture, and to nothing else."""

import numpy as np
import pytest
import torch

from edgecnn.data.augment import Augmentation, augment
from edgecnn.data.dataset import IGNORE
from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import Preprocessing, raw_preprocessing

N, H, W = 64, 9, 7
RGB = Preprocessing(channel_order="RGB", height=H, width=W, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
GRAY = Preprocessing(channel_order="L", height=H, width=W, mean=(0.5,), std=(0.25,))
KINDS = {
    "flip": Augmentation(flip=0.5),
    "shift": Augmentation(shift=2),
    "crop": Augmentation(crop=2),
    "scale": Augmentation(scale=0.3),
    "colour": Augmentation(colour=0.4),
    "cutout": Augmentation(cutout=3),
    "all": Augmentation(flip=0.5, shift=1, crop=1, scale=0.5, colour=0.2, cutout=2),
}


@pytest.fixture
def batch(rng):
    pixels = rng.integers(0, 256, (N, H, W, 3), np.uint8)
    return torch.from_numpy(RGB.batch(pixels)), torch.from_numpy(rng.integers(0, 4, (N, H, W)))


def run(batch, augmentation, preprocessing=RGB, seed=0):
    return augment(*batch, augmentation, torch.Generator().manual_seed(seed), preprocessing)


def test_when_nothing_is_set_nothing_changes_and_nothing_is_drawn(batch):
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    inputs, masks = augment(*batch, Augmentation(), generator, RGB)
    assert torch.equal(inputs, batch[0])
    assert torch.equal(masks, batch[1])
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_says_everything(batch, kind):
    first, again, other = (run(batch, KINDS[kind], seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("kind", KINDS)
def test_the_random_numbers_of_torch_stay(batch, kind):
    before = torch.get_rng_state()
    run(batch, KINDS[kind])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_arguments_stay_and_the_kind_of_numbers_too(batch, kind):
    copies = [tensor.clone() for tensor in batch]
    inputs, masks = run(batch, KINDS[kind])
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(batch, copies, strict=True))
    assert (inputs.shape, inputs.dtype) == (batch[0].shape, torch.float32)
    assert (masks.shape, masks.dtype) == (batch[1].shape, torch.int64)


@pytest.mark.parametrize("kind", KINDS)
def test_without_masks_the_pictures_are_the_same(batch, kind):
    inputs, masks = run((batch[0], None), KINDS[kind])
    assert masks is None
    assert torch.equal(inputs, run(batch, KINDS[kind])[0])


@pytest.mark.parametrize("kind", ["flip", "shift", "crop", "cutout"])
def test_the_mask_moves_as_the_picture_does(batch, kind):
    # Pictures that are their own mask: a class c is shown as c + 1, and 0 is the mean colour.
    own = batch[1].float() + 1
    inputs, masks = run((own[:, None].repeat(1, 3, 1, 1), batch[1]), KINDS[kind])
    shown = torch.where(inputs[:, 0] == 0, IGNORE, inputs[:, 0].long() - 1)
    assert torch.equal(shown, masks)


def test_with_probability_1_every_picture_is_mirrored(batch):
    inputs, masks = run(batch, Augmentation(flip=1.0))
    assert torch.equal(inputs, batch[0].flip(3))
    assert torch.equal(masks, batch[1].flip(2))


def test_half_of_the_pictures_are_mirrored(batch):
    inputs, _ = run(batch, KINDS["flip"])
    mirrored = (inputs == batch[0].flip(3)).flatten(1).all(1)
    kept = (inputs == batch[0]).flatten(1).all(1)
    assert (mirrored | kept).all()
    assert N / 4 < mirrored.sum() < 3 * N / 4  # of binomial(64, 1/2), 4 deviations


def offsets(inputs, moved, most, fill):
    """Return by how much each picture was moved, by trying every offset."""
    found = []
    for picture, result in zip(inputs.numpy(), moved.numpy(), strict=True):
        padded = np.pad(picture, ((0, 0), (most, most), (most, most)), **fill)
        found.append([
            (most - down, most - right)
            for down in range(2 * most + 1)
            for right in range(2 * most + 1)
            if np.array_equal(padded[:, down : down + H, right : right + W], result)
        ])  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("kind", "fill"),
    [("shift", {"mode": "edge"}), ("crop", {"mode": "constant"})],
    ids=["shift repeats the border", "crop fills with the mean"],
)
def test_each_picture_is_moved_by_its_own_offset(batch, kind, fill):
    found = offsets(batch[0], run(batch, KINDS[kind])[0], 2, fill)
    assert all(len(each) == 1 for each in found)
    assert {each[0] for each in found} >= {(down, right) for down in (-2, 2) for right in (-2, 2)}


def test_a_shift_is_that_of_an_integer_grid_far_beyond_the_picture(batch):
    inputs, masks = run(batch, Augmentation(crop=1000))
    assert (inputs == 0).flatten(1).all(1).sum() > N / 2
    assert (masks == IGNORE).flatten(1).all(1).sum() > N / 2


def test_a_rescaled_part_lies_inside_the_picture_and_shows_no_less_than_asked():
    # A picture of its own coordinates: what remains spans the part that was cut out.
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    own = torch.stack([rows, columns]).repeat(200, 1, 1, 1)
    found, _ = augment(own, None, Augmentation(scale=0.25), torch.Generator().manual_seed(0), GRAY)
    spans = (found.amax((2, 3)) - found.amin((2, 3)) + 1) / 32  # (n, 2), of height and width
    area, ratio = spans.prod(1), spans[:, 1] / spans[:, 0]
    assert found.min() >= 0
    assert found.max() <= 31
    # A part of side s spans s - 1/32 of samples at pixel centres, and a ratio beyond the picture is cut.
    assert 0.25 * 0.85 < area.min() < 0.3
    assert area.max() > 0.85
    assert 3 / 4 * 0.95 < ratio.min() < 0.8
    assert 1.25 < ratio.max() < 4 / 3 * 1.05


def test_a_rescaled_mask_shows_what_its_picture_shows():
    mask = torch.zeros(50, 32, 32, dtype=torch.int64)
    mask[:, 16:, 8:] = 1
    pair = (mask[:, None].float(), mask)
    inputs, masks = augment(*pair, Augmentation(scale=0.3), torch.Generator().manual_seed(0), GRAY)
    clear = (inputs[:, 0] < 0.4) | (inputs[:, 0] > 0.6)
    assert torch.equal(masks[clear], (inputs[:, 0] > 0.5).long()[clear])


def test_colours_stay_within_what_a_pixel_can_be(batch):
    inputs, masks = run(batch, Augmentation(colour=1.0))
    pixels = inputs * torch.tensor(RGB.std)[:, None, None] + torch.tensor(RGB.mean)[:, None, None]
    assert pixels.min() > -1e-6
    assert pixels.max() < 1 + 1e-6
    assert torch.equal(masks, batch[1])


def test_a_gray_picture_of_three_channels_stays_gray(rng):
    pixels = rng.integers(0, 256, (N, H, W, 1), np.uint8).repeat(3, 3)
    plain = Preprocessing(channel_order="RGB", height=H, width=W, mean=(0.0,) * 3, std=(1.0,) * 3)
    inputs, _ = run((torch.from_numpy(plain.batch(pixels)), None), KINDS["colour"], plain)
    assert (inputs - inputs.mean(1, keepdim=True)).abs().max() < 1e-5


def test_brightness_and_contrast_of_a_flat_picture_are_one_factor():
    # Contrast and saturation leave a flat gray picture as it is, so brightness alone changes 0.25.
    flat = torch.full((500, 1, H, W), (0.25 - 0.5) / 0.25)
    inputs, _ = augment(flat, None, Augmentation(colour=0.4), torch.Generator().manual_seed(0), GRAY)
    values = inputs[:, 0, 0, 0] * 0.25 + 0.5
    assert 0.25 * 0.6 <= values.min() < 0.25 * 0.62
    assert 0.25 * 1.38 < values.max() <= 0.25 * 1.4


def test_the_channel_order_does_not_matter(batch):
    bgr = Preprocessing(channel_order="BGR", height=H, width=W, mean=RGB.mean[::-1], std=RGB.std[::-1])
    straight, _ = run(batch, KINDS["colour"])
    turned, _ = run((batch[0].flip(1), None), KINDS["colour"], bgr)
    assert torch.allclose(turned.flip(1), straight, atol=1e-5)


def test_arrays_that_are_no_pictures_have_no_colour(batch):
    with pytest.raises(EdgeCnnError, match="leave colour out"):
        run(batch, KINDS["colour"], raw_preprocessing(3, H, W))


def test_cutout_covers_a_square_that_may_reach_beyond_the_border():
    ones = torch.ones(500, 2, 20, 20)
    inputs, _ = augment(ones, None, Augmentation(cutout=6), torch.Generator().manual_seed(0), GRAY)
    covered = inputs[:, 0] == 0
    assert torch.equal(covered, inputs[:, 1] == 0)
    heights, widths = covered.any(2).sum(1), covered.any(1).sum(1)
    assert torch.equal(covered.sum((1, 2)), heights * widths)  # a rectangle
    assert heights.max() == widths.max() == 6
    assert heights.min() == widths.min() == 3  # half a square around a pixel of the border
