import copy

import numpy as np
import pytest
import torch
from torch import nn

from edgecnn import data
from edgecnn.errors import EdgeCnnError
from edgecnn.evaluate import evaluate
from edgecnn.optimize import (
    InMemory,
    Recipe,
    Session,
    augmentation,
    classification_loss,
    optimize,
    train,
)
from edgecnn.preprocessing import raw_preprocessing
from edgecnn.runtime.torch_runner import TorchRunner

QUICK = Recipe(epochs=2, batch=16, lr=0.1, warmup_epochs=0.0)


def test_a_small_network_learns_the_digits():
    digits, rest = data.load("digits"), data.load("digits", "held-out")
    contract = data.contract(digits, 1, 8, 8)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    inputs = contract.batch(digits.images)
    epochs = train(module, inputs, digits.labels, Recipe(epochs=5, warmup_epochs=0.5), seed=0)
    before, after = epochs[0], epochs[-1]
    assert after.loss < before.loss
    assert evaluate(TorchRunner(module), rest.images, rest.labels, contract).top1 > 0.93


def test_one_step_without_momentum_is_minus_rate_times_gradient_plus_decay(examples):
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


def test_batchnorm_does_not_decay(network, examples):
    images, labels = examples()
    free, decayed = network(), network()
    train(free, images, labels, QUICK.override(epochs=1, batch=50, momentum=0.0, weight_decay=0.0), seed=0)
    train(decayed, images, labels, QUICK.override(epochs=1, batch=50, momentum=0.0, weight_decay=0.5), seed=0)
    assert torch.equal(free[1].weight, decayed[1].weight)
    assert torch.equal(free[6].bias, decayed[6].bias)
    assert not torch.equal(free[0].weight, decayed[0].weight)


def test_the_same_seed_gives_the_same_weights_bit_for_bit(network, examples, parameters):
    recipe = QUICK.override(shift=2, label_smoothing=0.1)
    modules = [network(dropout=0.5), network(dropout=0.5)]
    for number, module in enumerate(modules):
        torch.manual_seed(number)  # what happened before does not matter
        train(module, *examples(), recipe, seed=7)
    assert torch.equal(parameters(modules[0]), parameters(modules[1]))


def test_another_seed_gives_other_weights(network, examples, parameters):
    modules = [network(), network()]
    for seed, module in enumerate(modules):
        train(module, *examples(), QUICK, seed=seed)
    assert not torch.equal(parameters(modules[0]), parameters(modules[1]))


@pytest.mark.parametrize("deterministic", [False, True])
def test_torch_and_the_module_s_mode_are_left_as_they_were(deterministic, network, examples, parameters):
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


def test_the_state_comes_back_when_the_training_is_interrupted(network, examples):
    module = network().eval()
    state = torch.get_rng_state()

    def interrupt(_epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(module, *examples(), QUICK, seed=0, on_epoch=interrupt)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not any(part.training for part in module)


def test_every_epoch_is_reported_with_rate_and_time_left(network, examples):
    seen = []
    epochs = train(network(), *examples(), QUICK.override(epochs=3), seed=0, on_epoch=seen.append)
    assert tuple(seen) == epochs
    assert [(epoch.epoch, epoch.epochs) for epoch in epochs] == [(1, 3), (2, 3), (3, 3)]
    assert all(epoch.images_per_s > 0 and epoch.loss > 0 and 0 <= epoch.accuracy <= 1 for epoch in epochs)
    assert epochs[1].left_s == pytest.approx(epochs[1].elapsed_s / 2)
    assert epochs[2].left_s == 0


def test_a_frozen_parameter_stays(network, examples):
    module = network()
    module[0].weight.requires_grad_(False)
    before = module[0].weight.clone()
    train(module, *examples(), QUICK, seed=0)
    assert torch.equal(module[0].weight, before)


def test_a_rate_that_is_too_high_is_reported_with_epoch_and_option(examples):
    with pytest.raises(
        EdgeCnnError, match=r"diverged: the loss is (nan|inf) in epoch 1; lower --lr \(it is 1e\+06\)"
    ):
        train(
            nn.Sequential(nn.Flatten(), nn.Linear(81, 64), nn.Linear(64, 3)),
            *examples(),
            QUICK.override(lr=1e6),
            seed=0,
        )


def test_weights_that_become_nan_in_the_last_step_are_noticed(network, examples):
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
def test_labels_that_do_not_fit_are_refused(labels, sentence, network, examples):
    with pytest.raises(EdgeCnnError, match=sentence):
        train(network(), examples()[0], labels, QUICK, seed=0)


def test_a_single_image_is_refused(network, examples):
    with pytest.raises(EdgeCnnError, match="there are 1 images"):
        train(network(), *examples(1), QUICK, seed=0)


def test_a_network_without_parameters_is_refused(examples):
    with pytest.raises(EdgeCnnError, match="no parameters to train"):
        train(nn.Flatten(), *examples(), QUICK, seed=0)


def session_of(states, **given):
    return Session(keep=lambda state: states.append(copy.deepcopy(state)), **given)


@pytest.mark.parametrize("ema", [0.0, 0.9], ids=["without average", "with average"])
@pytest.mark.parametrize("after", [1, 3, 4])
def test_what_is_resumed_after_any_epoch_ends_in_the_same_weights(network, examples, parameters, after, ema):
    recipe = QUICK.override(epochs=4, shift=2, ema=ema)
    batches = InMemory(*map(torch.from_numpy, examples()))
    whole, resumed, states = network(dropout=0.5), network(seed=1, dropout=0.5), []
    loss = classification_loss(whole, recipe)
    augment = augmentation(recipe, raw_preprocessing(1, 9, 9))
    first = optimize(whole, batches, loss, recipe, seed=3, session=session_of(states, augment=augment))
    again = Session(augment=augment, resume=states[after - 1])
    second = optimize(resumed, batches, loss, recipe, seed=3, session=again)
    assert torch.equal(parameters(whole), parameters(resumed))
    assert [epoch.loss for epoch in first] == [epoch.loss for epoch in second]
    assert second[-1].elapsed_s >= first[after - 1].elapsed_s


def test_the_moving_average_is_what_is_left(network, examples):
    recipe = QUICK.override(epochs=3)
    plain, averaged, states = network(), network(), []
    batches = InMemory(*map(torch.from_numpy, examples()))
    loss = classification_loss(plain, recipe)
    optimize(plain, batches, loss, recipe, seed=0)
    optimize(averaged, batches, loss, recipe.override(ema=0.9), seed=0, session=session_of(states))
    assert torch.equal(states[-1]["module"]["6.weight"], plain[6].weight)
    assert torch.equal(states[-1]["average"]["6.weight"], averaged[6].weight)
    assert not torch.equal(plain[6].weight, averaged[6].weight)


def test_any_loss_of_outputs_targets_and_inputs_is_minimized(network, examples):
    module, teacher = network(), network(seed=1).eval()
    images, _ = examples()

    class Unlabelled(InMemory):
        def take(self, parts):
            yield from ((inputs, None) for inputs, _ in super().take(parts))

    def distance(outputs, targets, inputs):
        assert targets is None
        with torch.no_grad():
            wanted = teacher(inputs)
        return (outputs - wanted).square().mean()

    batches = Unlabelled(torch.from_numpy(images), torch.zeros(len(images)))
    epochs = optimize(module, batches, distance, QUICK.override(epochs=5, lr=0.05), seed=0)
    assert epochs[-1].loss < epochs[0].loss / 2
    assert epochs[-1].accuracy is None


def test_masks_are_augmented_with_their_images(network):
    seen = []
    batches = InMemory(torch.zeros(4, 1, 4, 4), torch.ones(4, 4, 4, dtype=torch.int64))

    def augment(inputs, masks, _generator):
        seen.append(masks.clone())
        return inputs, masks * 0

    def loss(outputs, targets, _inputs):
        assert not targets.any()
        return outputs.square().mean()

    optimize(nn.Conv2d(1, 2, 1), batches, loss, QUICK, seed=0, session=Session(augment=augment))
    assert all(masks.all() for masks in seen)


def test_dropout_is_overridden_while_training_alone(network, examples):
    module, seen = network(dropout=0.1), []
    module[5].register_forward_hook(lambda layer, _inputs, _output: seen.append(layer.p))
    train(module, *examples(), QUICK.override(dropout=0.4), seed=0)
    assert set(seen) == {0.4}
    assert module[5].p == 0.1


def test_dropout_needs_a_layer(examples):
    with pytest.raises(EdgeCnnError, match="no dropout layer; leave out --dropout"):
        train(nn.Sequential(nn.Flatten(), nn.Linear(81, 3)), *examples(), QUICK.override(dropout=0.4), seed=0)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_precision_that_the_device_lacks_is_refused(network, examples, precision):
    with pytest.raises(EdgeCnnError, match=f"precision={precision} needs a CUDA GPU"):
        train(network(), *examples(), QUICK.override(precision=precision), seed=0)


def test_an_error_in_the_middle_keeps_the_state_of_the_epochs_before(network, examples):
    states = []

    def stop(epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    batches = InMemory(*map(torch.from_numpy, examples()))
    module = network()
    with pytest.raises(KeyboardInterrupt):
        optimize(
            module, batches, classification_loss(module, QUICK), QUICK.override(epochs=3), seed=0,
            session=session_of(states, on_epoch=stop),
        )  # fmt: skip
    assert [len(state["history"]) for state in states] == [1, 2]
