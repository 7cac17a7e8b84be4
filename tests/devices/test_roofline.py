"""The roofline: visible arithmetic, and what it refuses."""

from dataclasses import replace

import pytest

from edgecnn import devices
from edgecnn.devices.roofline import roofline
from edgecnn.errors import EdgeCnnError
from edgecnn.profile import LayerProfile, Profile


def layer(kind, mult_adds, moved_bytes):
    rest = {"parameters": 0, "weight_bytes": 0, "activation_bytes": 0, "alive_bytes": 0, "shape": ()}
    return LayerProfile(
        name="a", kind=kind, mult_adds=mult_adds, moved_bytes=moved_bytes, receptive_field=None, stride=None,
        **rest,
    )  # fmt: skip


def network(*layers, unknown=()):
    return Profile(layers=layers, unknown_ops=unknown, receptive_field=None, stride=None)


NANO = devices.find("jetson-nano")  # 118e9 mult-adds/s in fp32, 236e9 in fp16, 25.6e9 bytes/s


def test_each_layer_takes_the_longer_of_computing_and_moving():
    given = network(
        layer("Conv 3x3", 118_000_000, 256), layer("Gemm", 118, 25_600_000), layer("Relu", 0, 10**9)
    )
    found = roofline(given, NANO, "fp32")
    assert [each.latency_s for each in found.layers] == pytest.approx([1e-3, 1e-3, 0.0])
    assert [each.bound_by for each in found.layers] == ["mult-adds", "memory", "fused"]
    assert found.latency_s == pytest.approx(2e-3)
    assert found.to_json()["kind"] == "predicted"


def test_half_precision_has_its_own_peak_and_moves_half_the_bytes():
    given = network(layer("Conv 3x3", 118_000_000, 256), layer("Gemm", 118, 25_600_000))
    assert roofline(given, NANO, "fp16").latency_s == pytest.approx(0.5e-3 + 0.5e-3)


def test_a_figure_that_the_profile_lacks_is_named_with_what_to_do():
    coral = replace(devices.find("coral-dev-board"), peak_mult_adds_per_s={"int8": 1e9})
    with pytest.raises(
        EdgeCnnError,
        match=r"coral-dev-board has no peak rate in fp32.*device fit ssh://user@host --as coral-dev-board",
    ):
        roofline(network(layer("Conv 3x3", 1, 1)), coral, "fp32")


@pytest.mark.parametrize("name", devices.TARGETS)
def test_a_profile_of_one_board_has_both_figures_in_float32(name):
    profile = devices.find(name)
    if profile.is_family or profile.is_microcontroller or name in ("host", "host-gpu"):
        with pytest.raises(EdgeCnnError, match=name):
            roofline(network(layer("Conv 3x3", 9, 9)), profile, "fp32")
    else:
        assert roofline(network(layer("Conv 3x3", 9, 9)), profile, "fp32").latency_s > 0


def test_an_operator_of_unknown_cost_is_refused():
    with pytest.raises(EdgeCnnError, match="mult-adds of Einsum are not known"):
        roofline(network(layer("Einsum", None, 1), unknown=("Einsum",)), NANO, "fp32")


def test_a_microcontroller_has_no_rate_and_is_told_apart():
    with pytest.raises(
        EdgeCnnError, match="no latency is predicted for cortex-m7, a microcontroller.*--target"
    ):
        roofline(network(layer("Conv 3x3", 9, 9)), devices.find("cortex-m7"), "int8")
