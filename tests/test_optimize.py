import numpy as np
import pytest
import torch
from torch import nn

from edgecnn import data
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import evaluate
from edgecnn.optimize import Recipe, shifted, steps_per_epoch, train
from edgecnn.runtime.torch_runner import TorchRunner

QUICK = Recipe(epochs=2, batch=16, lr=0.1, warmup_epochs=0.0)


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks gain nothing from more, and wait for one another where the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(seed=0, dropout=0.0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(32, 3),
        )


def examples(n=50):
    """Images of which one third, by the label, is brighter."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    images = rng.standard_normal((n, 1, 9, 9)).astype(np.float32)
    for label in range(3):
        images[labels == label, :, label * 3 : label * 3 + 3] += 2
    return images, labels


def parameters(module):
    return torch.cat([value.flatten().double() for value in module.state_dict().values()])


def test_a_small_network_learns_the_digits():
    digits, rest = data.load("digits"), data.load("digits", "held-out")
    contract = data.contract(digits, 1, 8, 8)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    inputs = contract.batch(digits.images)
    epochs = train(module, inputs, digits.labels, Recipe(epochs=5, warmup_epochs=0.5), seed=0)
    before, after = epochs[0], epochs[-1]
    assert after.loss < before.loss
    assert evaluate(TorchRunner(module), rest.images, rest.labels, contract).top1 > 0.93


def test_one_step_without_momentum_is_minus_rate_times_gradient_plus_decay():
    images, labels = examples(20)
    module, reference = nn.Sequential(nn.Flatten(), nn.Linear(81, 3)), nn.Linear(81, 3)
    reference.load_state_dict(module[1].state_dict())
    recipe = Recipe(epochs=1, batch=20, lr=0.5, momentum=0.0, weight_decay=0.1, warmup_epochs=0.0)
    nn.functional.cross_entropy(
        reference(torch.from_numpy(images).flatten(1)), torch.from_numpy(labels)
    ).backward()
    train(module, images, labels, recipe, seed=0)
    weight, bias = reference.weight.detach(), reference.bias.detach()
    assert torch.allclose(module[1].weight, weight - 0.5 * (reference.weight.grad + 0.1 * weight), atol=1e-6)
    assert torch.allclose(module[1].bias, bias - 0.5 * reference.bias.grad, atol=1e-6)


def test_batchnorm_does_not_decay():
    images, labels = examples()
    free, decayed = network(), network()
    train(free, images, labels, QUICK.override(epochs=1, batch=50, momentum=0.0, weight_decay=0.0), seed=0)
    train(decayed, images, labels, QUICK.override(epochs=1, batch=50, momentum=0.0, weight_decay=0.5), seed=0)
    assert torch.equal(free[1].weight, decayed[1].weight)
    assert torch.equal(free[6].bias, decayed[6].bias)
    assert not torch.equal(free[0].weight, decayed[0].weight)


def test_the_same_seed_gives_the_same_weights_bit_for_bit():
    recipe = QUICK.override(shift=2, label_smoothing=0.1)
    modules = [network(dropout=0.5), network(dropout=0.5)]
    for number, module in enumerate(modules):
        torch.manual_seed(number)  # what happened before does not matter
        train(module, *examples(), recipe, seed=7)
    assert torch.equal(parameters(modules[0]), parameters(modules[1]))


def test_another_seed_gives_other_weights():
    modules = [network(), network()]
    for seed, module in enumerate(modules):
        train(module, *examples(), QUICK, seed=seed)
    assert not torch.equal(parameters(modules[0]), parameters(modules[1]))


@pytest.mark.parametrize("deterministic", [False, True])
def test_torch_and_the_module_s_mode_are_left_as_they_were(deterministic):
    module = network(dropout=0.5).eval()
    module[1].train()
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    torch.use_deterministic_algorithms(deterministic)
    try:
        with torch.no_grad():
            train(module, *examples(), QUICK, seed=0)
            assert not torch.is_grad_enabled()
        assert torch.are_deterministic_algorithms_enabled() == deterministic
        assert torch.utils.deterministic.fill_uninitialized_memory
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(torch.rand(4), expected)
    assert torch.get_num_threads() == threads
    assert [part.training for part in module] == [False, True] + [False] * 5
    assert all(parameter.grad is None for parameter in module.parameters())


def test_the_state_comes_back_when_the_training_is_interrupted():
    module = network().eval()
    state = torch.get_rng_state()

    def interrupt(_epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(module, *examples(), QUICK, seed=0, on_epoch=interrupt)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not any(part.training for part in module)


def test_every_epoch_is_reported_with_rate_and_time_left():
    seen = []
    epochs = train(network(), *examples(), QUICK.override(epochs=3), seed=0, on_epoch=seen.append)
    assert tuple(seen) == epochs
    assert [(epoch.epoch, epoch.epochs) for epoch in epochs] == [(1, 3), (2, 3), (3, 3)]
    assert all(epoch.images_per_s > 0 and epoch.loss > 0 and 0 <= epoch.accuracy <= 1 for epoch in epochs)
    assert epochs[1].left_s == pytest.approx(epochs[1].elapsed_s / 2)
    assert epochs[2].left_s == 0


def test_a_frozen_parameter_stays():
    module = network()
    module[0].weight.requires_grad_(False)
    before = module[0].weight.clone()
    train(module, *examples(), QUICK, seed=0)
    assert torch.equal(module[0].weight, before)


def test_a_rate_that_is_too_high_is_reported_with_epoch_and_option():
    with pytest.raises(
        EdgeCnnError, match=r"diverged: the loss is (nan|inf) in epoch 1; lower --lr \(it is 1e\+06\)"
    ):
        train(
            nn.Sequential(nn.Flatten(), nn.Linear(81, 64), nn.Linear(64, 3)),
            *examples(),
            QUICK.override(lr=1e6),
            seed=0,
        )


def test_weights_that_become_nan_in_the_last_step_are_noticed():
    module = network()
    module[6].weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(EdgeCnnError, match=r"6\.weight is not finite in epoch 1; lower --lr"):
        train(module, *examples(), QUICK.override(epochs=1, batch=50), seed=0)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.full(50, 3), "the network has 3 outputs, but there is a label 3"),
        (np.full(50, -1), "the network has 3 outputs"),
        (np.zeros(49, np.int64), "there are 50 images and 49 labels"),
    ],
    ids=["too large", "negative", "too few"],
)
def test_labels_that_do_not_fit_are_refused(labels, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        train(network(), examples()[0], labels, QUICK, seed=0)


def test_a_single_image_is_refused():
    with pytest.raises(EdgeCnnError, match="there are 1 images"):
        train(network(), *examples(1), QUICK, seed=0)


def test_a_network_without_parameters_is_refused():
    with pytest.raises(EdgeCnnError, match="no parameters to train"):
        train(nn.Flatten(), *examples(), QUICK, seed=0)


@pytest.mark.parametrize(
    ("n", "batch", "steps"),
    [(64, 64, 1), (65, 64, 2), (1442, 64, 23), (129, 64, 3), (3, 2, 1), (2, 64, 1), (5, 2, 2)],
)
def test_batches_are_equal_and_never_of_one_image(n, batch, steps):
    sizes = {len(part) for part in np.array_split(np.arange(n), steps)}
    assert steps_per_epoch(n, batch) == steps
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1


def test_a_shift_moves_the_image_and_repeats_its_border():
    image = torch.arange(25.0).reshape(1, 1, 5, 5)
    padded = nn.functional.pad(image, (2, 2, 2, 2), mode="replicate")[0, 0]
    windows = {tuple(padded[y : y + 5, x : x + 5].flatten().tolist()) for y in range(5) for x in range(5)}
    moved = shifted(image.repeat(400, 1, 1, 1), 2, torch.Generator().manual_seed(0))
    assert {tuple(one.flatten().tolist()) for one in moved} == windows


def test_all_channels_of_an_image_move_together():
    image = torch.arange(25.0).reshape(1, 1, 5, 5).repeat(9, 3, 1, 1)
    moved = shifted(image, 2, torch.Generator().manual_seed(0))
    assert torch.equal(moved[:, :1].repeat(1, 3, 1, 1), moved)


def test_without_a_shift_the_images_are_untouched():
    image = torch.rand(2, 1, 5, 5)
    assert shifted(image, 0, torch.Generator()) is image
