import numpy as np
import pytest
import torch

from edgecnn.errors import EdgeCnnError
from edgecnn.optimize.batches import InMemory, steps_per_epoch


@pytest.mark.parametrize(
    ("n", "batch", "steps"),
    [(64, 64, 1), (65, 64, 2), (1442, 64, 23), (129, 64, 3), (3, 2, 1), (2, 64, 1), (5, 2, 2)],
)
def test_batches_are_equal_and_never_of_one_image(n, batch, steps):
    sizes = {len(part) for part in np.array_split(np.arange(n), steps)}
    assert steps_per_epoch(n, batch) == steps
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("n", "batch"), [(128, 32), (129, 32), (9, 3), (4, 64)])
def test_two_processes_take_the_steps_of_one_with_twice_the_batch(n, batch):
    steps = steps_per_epoch(n, batch, 2)
    assert steps == min(steps_per_epoch(n, 2 * batch), n // 4)
    for part in np.array_split(np.arange(n), steps):
        assert all(2 <= len(share) <= batch for share in np.array_split(part, 2))


def test_too_few_images_for_the_processes_are_refused():
    with pytest.raises(EdgeCnnError, match="3 images are too few for 2 processes; give at least 4"):
        steps_per_epoch(3, 8, 2)


def test_a_batch_holds_the_examples_of_its_part():
    batches = InMemory(torch.arange(5.0).reshape(5, 1, 1, 1), torch.arange(5))
    (first, labels), (second, _) = batches.take([np.array([4, 0]), np.array([1])])
    assert (first.flatten().tolist(), labels.tolist(), second.flatten().tolist()) == ([4, 0], [4, 0], [1])
