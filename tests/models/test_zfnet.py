import pytest

import edgecnn

# Parameters, mult-adds, receptive field.
GOLDEN = {
    "zfnet": (62_357_608, 1_168_032_896, 171),
    "zfnet(maps=512-1024-512)": (107_627_624, 2_476_704_896, 171),
}


@pytest.mark.parametrize("text", GOLDEN, ids=str)
def test_costs_are_exact(text):
    result = edgecnn.costs(text)
    parameters, mult_adds, receptive_field = GOLDEN[text]
    assert (result.parameters, result.mult_adds) == (parameters, mult_adds)
    assert result.receptive_field == (receptive_field, receptive_field)


def test_maps_have_the_sizes_of_figure_3():
    layers = edgecnn.costs("zfnet").layers
    sizes = [layer.shape[2] for layer in layers if layer.kind.startswith("Conv") or layer.kind == "MaxPool"]
    assert sizes == [110, 55, 26, 13, 13, 13, 13, 6]


def test_contrast_is_normalized_behind_the_first_two_pools():
    kinds = [layer.kind for layer in edgecnn.costs("zfnet").layers]
    assert [kinds[index - 1] for index, kind in enumerate(kinds) if kind == "LRN"] == ["MaxPool"] * 2


def test_the_wide_one_has_a_large_first_fully_connected_layer():
    layers = edgecnn.costs("zfnet(maps=512-1024-512)").layers
    fc6 = next(layer for layer in layers if layer.kind == "Gemm")
    assert fc6.mult_adds == 512 * 6 * 6 * 4096 == 18_432 * 4096
