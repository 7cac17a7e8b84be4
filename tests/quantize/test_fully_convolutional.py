import numpy as np
import pytest
from torch import nn

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.check import check
from edgecnn.quantize import compress
from edgecnn.quantize.fully_convolutional import fully_convolutional
from edgecnn.runtime.onnx_runner import OnnxRunner

from .networks import graph, pictures

# Without padding, whose zeros would stand at other places of a larger image. Each pools by 2 once.
NETWORKS = {
    "Flatten": nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(54, 7),
        nn.ReLU(),
        nn.Linear(7, 5),
    ),
    "softmax": nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 5), nn.Softmax(1)
    ),
    "average": nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)
    ),
    "average alone": nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ),
    "only dense": nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(48, 5)),
}


@pytest.mark.parametrize("module", NETWORKS.values(), ids=NETWORKS)
def test_at_the_old_size_the_scores_are_the_same(module):
    model = graph(module)
    result = fully_convolutional(model)
    check(result.model)
    assert not [node for node in result.model.graph if node.op_type in ("Gemm", "Flatten")]
    images = pictures(4)
    expected = OnnxRunner(model)(images)
    scores = OnnxRunner(result.model)(images)
    assert scores.shape == (*expected.shape, 1, 1)
    np.testing.assert_allclose(scores[:, :, 0, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("module", NETWORKS.values(), ids=NETWORKS)
def test_at_a_larger_size_each_place_has_the_scores_of_its_window(module):
    model = graph(module)
    large = fully_convolutional(model, res="12x10").model
    check(large)
    (image,) = pictures(1, (3, 12, 10))
    scores = OnnxRunner(large)(image[None])[0]
    assert scores.shape[1:] == (3, 2)  # windows of 8 x 8, 2 pixels apart
    windows = [image[:, 2 * i : 2 * i + 8, 2 * j : 2 * j + 8] for i in range(3) for j in range(2)]
    expected = OnnxRunner(model)(np.stack(windows))
    np.testing.assert_allclose(scores.reshape(len(scores), -1).T, expected, rtol=1e-4, atol=1e-5)


def test_a_resolution_is_a_number_too():
    step = compress(graph(NETWORKS["Flatten"]), parse_recipe("fully_convolutional(res=12)"))[-1]
    assert tuple(step.after.graph.outputs[0].shape) == (1, 5, 3, 3)
    assert step.matched == 2


REFUSED = {"res=4": "smaller", "res=4x": "not a resolution", "res=0": "not a resolution"}


@pytest.mark.parametrize("setting", REFUSED)
def test_a_size_that_cannot_be_is_refused(setting):
    with pytest.raises(EdgeCnnError, match=REFUSED[setting]):
        compress(graph(NETWORKS["Flatten"]), parse_recipe(f"fully_convolutional({setting})"))


def test_what_reads_a_vector_and_has_no_form_on_a_map_is_named():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(192, 5)

        def forward(self, x):
            return self.linear(x.flatten(1)) * 2.0

    with pytest.raises(EdgeCnnError, match="Mul node"):
        fully_convolutional(graph(Odd()))
