"""The terms of a kernel, and fits of GPUs whose times follow a law that is not the model's own."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edgecnn.devices.fit import Fit
from edgecnn.devices.fitting import Timed, fit
from edgecnn.devices.gpu_kernels import GpuGraph, Kernel
from edgecnn.devices.gpu_terms import GpuTiles, kernel_terms
from edgecnn.errors import EdgeCnnError


def kernel(family="convolution", **more):
    given = {"positions": 100, "columns": 40, "depth": 12, "moved_bytes": 1000, "weight_bytes": 200}
    return Kernel(name="k", kind="K", family=family, **{**given, **more})


def terms(each, **tiles):
    graph = GpuGraph(kernels=(each,), copied_bytes=0, weight_bytes=each.weight_bytes)
    (found,) = kernel_terms(graph, GpuTiles(**tiles))
    return found.terms


def test_partly_empty_tiles_and_waves_count_whole():
    # 100 positions in 2 tiles of 64, 40 channels in 2 of 32: 4 tiles; 12 input channels in 2 of 8
    found = terms(kernel(), rows=64, columns=32, depth=8)
    assert found["convolution/1x1_mult_adds"] == 4 * 64 * 32 * 16
    # on 3 processors 4 tiles take 2 waves, as long as 6 tiles
    found = terms(kernel(), rows=64, columns=32, depth=8, processors=3)
    assert found["convolution/1x1_mult_adds"] == 6 * 64 * 32 * 16


def test_the_longer_of_computing_and_moving_counts():
    sizes = {"rows": 1, "columns": 1, "depth": 1}
    work = 100 * 40 * 12 * 9
    assert (
        terms(kernel(taps=9), **sizes, balance=16)["convolution/3x3_mult_adds"] == work
    )  # 16 * 1200 are less
    assert terms(kernel(taps=9), **sizes, balance=512)["convolution/3x3_mult_adds"] == 512 * 1200


def test_a_kernel_of_its_own_kind_has_rates_of_its_own():
    assert terms(kernel("Resize")) == {"Resize/fixed": 1, "Resize/bytes": 1200}
    assert terms(kernel("pointwise")) == {
        "pointwise/fixed": 1, "memory/moved_bytes": 1000, "memory/weight_bytes": 200,
    }  # fmt: skip


# ----------------------------------------------------------------------------- a law, and fits of it

LAUNCH_S, INFERENCE_S, COPY = 4e-6, 60e-6, 1 / 8e9
RATE, BANDWIDTH = 2e12, 60e9  # mult-adds and bytes in a second
NOISE = 0.02


def law_s(graph):
    """Return what a network takes: every kernel the longer of computing and moving, and its launch."""
    found = INFERENCE_S + COPY * graph.copied_bytes
    for each in graph.kernels:
        tiles = math.ceil(each.positions / 128) * math.ceil(each.columns / 64) * each.groups
        work = tiles * 128 * 64 * each.taps * each.depth if each.family == "convolution" else 0
        moved = each.moved_bytes + each.weight_bytes
        found += LAUNCH_S + max(work / RATE, moved / BANDWIDTH)
    return found


def network(draw, length):
    """Return a chain of convolutions, pools and pointwise kernels, of spread sizes."""

    def between(least, most):
        return round(math.exp(draw.uniform(math.log(least), math.log(most))))

    made, size, channels = [], between(7, 112), 8 * between(1, 48)
    for _ in range(length):
        wide, taps, family = 8 * between(1, 64), int(draw.choice((1, 9, 25))), draw.choice(list("ccccp+"))
        ends = {"positions": size**2, "moved_bytes": 2 * size**2 * (channels + wide), "weight_bytes": 0}
        if family == "c":
            ends |= {"columns": wide, "depth": channels, "taps": taps}
            ends["weight_bytes"] = 2 * wide * channels * taps
            channels = wide
        else:
            ends |= {"columns": channels, "moved_bytes": 4 * size**2 * channels}
        family = {"c": "convolution", "p": "pooling", "+": "pointwise"}[family]
        made.append(Kernel(name="k", kind="K", family=family, **ends))
    weights = sum(each.weight_bytes for each in made)
    return GpuGraph(kernels=tuple(made), copied_bytes=4 * size**2 * 3, weight_bytes=weights)


def timed(seed, noise=NOISE):
    draw = np.random.default_rng(seed)
    found = []
    for place in range(50):
        graph = network(draw, 3 if place < 30 else draw.integers(8, 41))
        latency_s = law_s(graph) * math.exp(draw.normal(0, noise))
        found.append(Timed(name=str(place), graph=graph, latency_s=latency_s, stack=place >= 30))
    return found


def fitted(measured):
    made = fit(measured, "tensorrt")
    return Fit(
        device="ssh://user@board", target="jetson-orin-nano", runtime="tensorrt 10.3.0", cpu=None,
        threads=None, precision="fp16", date="2026-01-01", edgecnn="0", tiles=made.tiles,
        seconds=made.seconds, ranges=made.ranges, errors=made.errors, networks=len(measured), runs="tensorrt",
        gpu={"name": "Orin", "sm": "8.7"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def fits():
    return [fitted(timed(seed)) for seed in (1, 2)]


def test_networks_that_were_not_fitted_are_predicted_within_the_band(fits):
    draw, held, errors = np.random.default_rng(9), 0, []
    for each in fits * 20:
        graph = network(draw, draw.integers(8, 41))
        found, measured_s = each.predict_graph(graph), law_s(graph)
        low, high = found.band_s
        held += low <= measured_s <= high
        errors.append(abs(found.latency_s / measured_s - 1))
    assert held >= 0.8 * 40  # the band says 9 of 10
    assert sorted(errors)[20] < 0.05
    for each in fits:
        assert each.median_error < 0.05
        assert each.band[1] / each.band[0] < 1.3


def test_times_that_follow_no_law_have_a_band_that_says_so(fits):
    measured = timed(1)
    times = np.random.default_rng(0).permutation([each.latency_s for each in measured])
    wrong = fitted([replace(each, latency_s=time_s) for each, time_s in zip(measured, times, strict=True)])
    assert wrong.band[1] / wrong.band[0] > 10 * fits[0].band[1] / fits[0].band[0]


def test_a_launch_and_an_inference_cost_what_they_cost(fits):
    for each in fits:
        assert each.seconds["convolution/fixed"] == pytest.approx(LAUNCH_S, rel=0.3)
        assert each.seconds["inference"] == pytest.approx(INFERENCE_S, rel=0.3)


def test_a_fit_of_a_gpu_is_read_as_it_was_written(fits):
    assert Fit.from_json(fits[0].to_json(), "file") == fits[0]
    with pytest.raises(EdgeCnnError, match="holds no fit of this version"):
        Fit.from_json({**fits[0].to_json(), "gpu": {"name": "Orin"}}, "file")
    found = fits[0].predict_graph(network(np.random.default_rng(3), 9))
    assert found.threads is None
    assert "on ssh://user@board, tensorrt 10.3.0 on Orin, 2026-01-01" in found.method
