import torch
from torch import nn

from edgecnn.optimize import InMemory, Recipe, Session, optimize
from edgecnn.optimize.best import Best, Score


def number(module):
    return float(module.weight.detach())


def scored(*scores):
    """Measure nothing: give these scores, one after another."""
    left = iter(scores)
    return lambda _module: next(left)


def moved(module, to):
    with torch.no_grad():
        module.weight.fill_(to)


def test_the_weights_of_the_best_score_come_back_and_a_tie_keeps_the_earlier():
    module = nn.Linear(1, 1, bias=False)
    moved(module, 0)
    found = (Score(0.5, 1.0), Score(0.8, 0.6), Score(0.8, 0.6), Score(0.7, 0.1))
    best = Best(module, scored(*found), by_loss=False, patience=0)
    for epoch in (1, 2, 3):
        moved(module, epoch)
        assert best.look(module) == found[epoch].right
    best.copy_into(module)
    assert (number(module), best.epoch, best.first, best.score) == (1, 1, found[0], found[1])


def test_by_loss_less_is_better_whatever_is_right():
    module = nn.Linear(1, 1, bias=False)
    best = Best(module, scored(Score(0.9, 1.0), Score(0.1, 0.5)), by_loss=True, patience=0)
    best.look(module)
    assert best.epoch == 1


def test_patience_counts_epochs_since_the_best():
    module = nn.Linear(1, 1, bias=False)
    scores = [Score(0.0, loss) for loss in (1.0, 0.5, 0.6, 0.7)]
    best = Best(module, scored(*scores), by_loss=True, patience=2)
    seen = []
    for _ in range(3):
        best.look(module)
        seen.append(best.over)
    assert seen == [False, False, True]


def test_a_training_ends_with_the_best_weights_and_says_what_was_right(network, examples):
    images, labels = examples()
    module, weights = network(), []

    def score(found):
        weights.append(found[0].weight.detach().clone())
        return Score(0.25, [9.0, 3.0, 1.0, 2.0][len(weights) - 1])

    best = Best(module, score, by_loss=True, patience=0)
    batches = InMemory(torch.from_numpy(images), torch.from_numpy(labels))
    recipe = Recipe(epochs=3, batch=16, warmup_epochs=0.0)
    loss = lambda outputs, targets, _inputs: nn.functional.cross_entropy(outputs, targets)  # noqa: E731
    epochs = optimize(module, batches, loss, recipe, seed=0, session=Session(best=best))
    assert [epoch.validation for epoch in epochs] == [0.25] * 3
    assert best.epoch == 2
    assert torch.equal(module[0].weight, weights[2])
    assert not torch.equal(module[0].weight, weights[3])


def test_adamw_takes_steps_of_the_learning_rate_and_decays_weights_alone():
    module = nn.Linear(1, 1)
    with torch.no_grad():
        module.weight.fill_(2.0)
        module.bias.fill_(2.0)
    batches = InMemory(torch.ones(2, 1), torch.zeros(2, 1))
    recipe = Recipe(
        epochs=1, batch=2, lr=0.1, optimizer="adamw", weight_decay=0.5, warmup_epochs=0.0, schedule="constant"
    )
    optimize(module, batches, lambda outputs, _targets, _inputs: 1e3 * outputs.mean(), recipe, seed=0)
    # a first step is lr g / |g| whatever the gradient's size; decay takes lr 0.5 of the weight before it
    assert abs(module.weight.item() - (2.0 * (1 - 0.1 * 0.5) - 0.1)) < 1e-5
    assert abs(module.bias.item() - (2.0 - 0.1)) < 1e-5
