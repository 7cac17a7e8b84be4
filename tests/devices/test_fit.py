"""Fitting: a device that follows the model is found again, and what lies outside is said."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from edgecnn.devices import fits
from edgecnn.devices.fit import FORMAT, Fit
from edgecnn.devices.fitting import Timed, fit
from edgecnn.devices.layer_terms import Tiles, layer_terms
from edgecnn.devices.terms import INFERENCE
from edgecnn.errors import EdgeCnnError
from edgecnn.graph.tflite_file import TfliteGraph, TfliteOperator, TfliteTensor
from edgecnn.profile.tflite_profile import kind

FIXED_S, OPERATOR_S, MULT_ADD_S = 2e-6, 1e-6, 1e-10


def tensor(shape, *, constant=False):
    content = memoryview(b"0") if constant else None
    return TfliteTensor(
        name="t", shape=shape, dtype="float32", content=content, is_variable=False, dynamic_axes=()
    )


def convolutions(size, *channels, operator="CONV_2D"):
    """Return a chain of 1x1 convolutions, whose weights are (c_out, 1, 1, c_in)."""
    tensors, operators = [tensor((1, size, size, channels[0]))], []
    for c_in, c_out in pairwise(channels):
        tensors += [tensor((c_out, 1, 1, c_in), constant=True), tensor((1, size, size, c_out))]
        at = len(tensors)
        operators.append(
            TfliteOperator(name=operator, version=1, inputs=(at - 3, at - 2), outputs=(at - 1,), options={})
        )
    return TfliteGraph(
        tensors=tuple(tensors), operators=tuple(operators), inputs=(0,), outputs=(len(tensors) - 1,)
    )


def latency_s(graph):
    work = sum(
        graph.tensors[o.inputs[1]].shape[0] * graph.tensors[o.inputs[1]].shape[3] for o in graph.operators
    )
    size = graph.tensors[0].shape[1]
    return FIXED_S + OPERATOR_S * len(graph.operators) + MULT_ADD_S * work * size**2


@pytest.fixture(scope="module")
def fitted():
    graphs = [
        convolutions(size, *(8 * c for c in channels))
        for size in (4, 6, 9, 13)
        for channels in ((1, 2), (4, 8), (2, 5, 9), (16, 3, 8, 4), (9, 9, 9, 9, 9))
    ]
    made = fit(
        [
            Timed(name=str(place), graph=graph, latency_s=latency_s(graph), stack=len(graph.operators) > 1)
            for place, graph in enumerate(graphs)
        ]
    )
    return Fit(
        device="ssh://pi@board", target="pi4", runtime="litert 1", cpu=None, threads=1, precision="fp32",
        date="2026-01-01", edgecnn="0", tiles=made.tiles, seconds=made.seconds, ranges=made.ranges,
        errors=made.errors, networks=len(graphs),
    )  # fmt: skip


def test_a_network_that_was_not_fitted_is_predicted(fitted):
    graph = convolutions(7, 24, 80, 16)
    found = fitted.predict_graph(graph)
    assert found.latency_s == pytest.approx(latency_s(graph), rel=0.02)
    assert (found.outside, len(found.layers)) == ((), 2)
    assert fitted.median_error < 0.01


def test_the_band_turns_errors_of_what_was_predicted_into_factors(fitted):
    # predicted / measured - 1 from -0.2 to 0.25: measured is between predicted / 1.25 and predicted / 0.8
    wide = replace(fitted, errors=(-0.2,) * 10 + (0.25,) * 10)
    assert wide.band == pytest.approx((1 / 1.25, 1 / 0.8))
    low, high = wide.predict_graph(convolutions(7, 24, 80)).band_s
    assert high / low == pytest.approx(1.25 / 0.8)


def test_an_operator_or_a_size_that_was_not_fitted_is_said(fitted):
    assert fitted.predict_graph(convolutions(7, 24, 80, operator="TILE")).outside == ("TILE was not fitted",)
    (said,) = fitted.predict_graph(convolutions(6, 1600, 40)).outside[:1]
    assert "weights take 0.3 MB" in said  # 1600 * 40 * 4 bytes
    (said,) = fitted.predict_graph(convolutions(200, 24, 80)).outside
    assert "CONV_2D 1x1" in said


def terms(graph, **tiles):
    kinds = [kind(operator, graph) for operator in graph.operators]
    return layer_terms(graph, kinds, Tiles(**tiles))[-1].terms


def test_partly_empty_tiles_count_whole():
    # 9 positions in 3 tiles of 4, 9 output channels in 2 of 8, 5 input channels in 2 of 4
    found = terms(convolutions(3, 5, 9), rows=4, columns=8, narrow=8, depth=4)
    assert found["convolution/mult_adds"] == 12 * 16 * 8
    assert found["convolution/steps"] == 3 * 2


@pytest.mark.parametrize(
    ("c_out", "wide", "narrow"),
    [(24, 0, 32), (32, 32, 0), (40, 0, 48), (56, 64, 0)],
    ids=["fewer than a wide one has", "one wide", "three narrow ones are fewer", "no fewer"],
)
def test_the_kernel_that_computes_fewer_columns_counts(c_out, wide, narrow):
    found = terms(convolutions(2, 8, c_out), rows=4, columns=32, narrow=16)
    assert found.get("convolution/mult_adds", 0) == 4 * wide * 8
    assert found.get("convolution/narrow_mult_adds", 0) == 4 * narrow * 8


def test_one_position_is_a_matrix_times_a_vector():
    found = terms(convolutions(1, 5, 9), rows=4, columns=8)
    assert found["fully connected/mult_adds"] == 16 * 5


@pytest.mark.parametrize(
    ("cache_bytes", "cold"), [(360, 0), (240, 180), (100, 360)], ids=["held", "half of them", "none"]
)
def test_weights_are_cold_when_they_outgrow_the_cache(cache_bytes, cold):
    graph = convolutions(2, 9, 10)  # 9 * 10 * 4 bytes = 360: at 1.5 times the cache, half of them
    found = terms(graph, cache_bytes=cache_bytes)
    assert found.get("convolution/cold_weights", 0) == pytest.approx(cold)


@pytest.mark.parametrize(
    ("rows", "term", "other"),
    [(4, "far_weights", "far_weights_swept_again"), (3, "far_weights_swept_again", "far_weights")],
    ids=["one tile of rows", "two tiles"],
)
def test_weights_that_several_tiles_of_rows_fetch_from_memory_are_told_apart(rows, term, other):
    # 4 positions; 9 * 10 * 4 bytes = 360 in a cache of 100: all of them come from memory
    found = terms(convolutions(2, 9, 10), rows=rows, last_cache_bytes=100)
    assert found[f"convolution/{term}"] == 360
    assert f"convolution/{other}" not in found


def test_a_fit_is_kept_and_found_by_profile_and_by_address(fitted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fits.find("pi4", "fp32") is None
    place = fits.keep(fitted)
    assert fits.find("pi4", "fp32") == fits.find("ssh://pi@board", "fp32") == fitted
    assert fits.find("pi4", "int8") is fits.find("pi4", "fp32", 4) is None
    place.write_text(json.dumps({**fitted.to_json(), "errors": []}))
    with pytest.raises(EdgeCnnError, match="holds no fit of this version"):
        fits.find("pi4", "fp32")


def test_a_fit_of_other_terms_is_refused_for_its_device_and_for_no_other(fitted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = fits.keep(fitted)
    place.write_text(json.dumps({**fitted.to_json(), "format": FORMAT - 1}))
    with pytest.raises(EdgeCnnError, match=r"holds no fit of this version .*; fit it again"):
        fits.find(fitted.device, fitted.precision)
    assert fits.find("jetson-nano", fitted.precision) is None


def test_what_is_no_fit_is_refused(fitted):
    for wrong in ({"runs": "tvm"}, {"runs": []}, {"format": FORMAT + 1}, {"tiles": {"warps": 1}}):
        with pytest.raises(EdgeCnnError, match="holds no fit of this version"):
            Fit.from_json({**fitted.to_json(), **wrong}, "old.json")


def test_from_two_networks_nothing_follows_and_what_they_alone_have_is_outside(fitted):
    graphs = [convolutions(7, 8 * c, 16, 8, operator="CONV_2D" if c > 2 else "TILE") for c in range(1, 10)]
    made = fit([Timed(name="x", graph=each, latency_s=latency_s(each), stack=True) for each in graphs])
    assert not [term for term in {*made.seconds, *made.ranges} if term.startswith("TILE")]
    found = replace(fitted, seconds=made.seconds, ranges=made.ranges).predict_graph(graphs[0])
    assert "TILE was not fitted" in found.outside


def test_too_few_stacks_judge_no_fit():
    graph = convolutions(4, 8, 8)
    with pytest.raises(EdgeCnnError, match="0 stacks were measured"):
        fit([Timed(name="a", graph=graph, latency_s=1e-5, stack=False)])


def test_every_inference_has_a_fixed_cost(fitted):
    assert fitted.seconds[INFERENCE] > 0
