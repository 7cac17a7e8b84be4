"""The profiles in devices/: every one is valid, sourced, and a family promises no more than its members."""

import json
import re

import pytest

from edgecnn.device import DeviceProfile
from edgecnn.devices import TARGETS, find, read_profile
from edgecnn.errors import EdgeCnnError, UnknownNameError

FAMILIES = [name for name in TARGETS if TARGETS[name].is_family]
FIGURES = [(name, figure) for name in TARGETS for figure in TARGETS[name].sources]
CUDA = re.compile(r"([0-9]+) CUDA cores.*, ([0-9.]+) ([GM]Hz)")
# What a reader can look up (a path, a domain, the index), a way of deriving, or the admission.
PLACE = re.compile(r"\w/\w|[a-z]\.[a-z]{2}|Package Index|measured:|derived|not checked: \w|members?\b")
# As measured by pigirons/cpufp, or derived from that, in multiply-adds a cycle and core: fp32, int8.
BY_CORE = {
    "Cortex-A53": (4, 8),
    "Cortex-A55": (4, 16),
    "Cortex-A72": (4, 8),
    "Cortex-A76": (8, 32),
    "Cortex-X1": (16, 64),
}


def test_the_first_boards_and_families_are_there():
    assert {"pi4", "jetson-nano", "jetson-orin-nano", "host", "host-gpu", "arm", "jetson"} <= set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_a_profile_survives_json(name):
    profile = find(name)
    assert DeviceProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_promises_what_every_member_can_run(name):
    family = find(name)
    members = [find(member) for member in family.members]
    opsets = [member.opset for member in members if member.opset is not None]
    assert all(member.runtime == family.runtime and not member.is_family for member in members)
    assert set(family.precisions) == set.intersection(*(set(member.precisions) for member in members))
    anywhere = set().union(*(member.precisions for member in members))
    assert set(family.some_precisions) == anywhere - set(family.precisions)
    assert family.opset == (min(opsets) if opsets else None)
    assert set(family.missing_operators) == set().union(*(member.missing_operators for member in members))
    if family.runtimes:
        assert set(family.runtimes) == set().union(*(member.runtimes for member in members))


@pytest.mark.parametrize(("name", "sm"), [("jetson-nano", "5.3"), ("jetson-tx2", "6.2")])
def test_a_board_without_int8_says_why_and_offers_fp16(name, sm):
    with pytest.raises(EdgeCnnError, match=rf"{name} cannot run int8: .*SM {sm}.*give --fp16 instead"):
        find(name).refuse(precision="int8")


def test_a_family_takes_a_precision_that_some_of_its_members_run():
    find("jetson").refuse(precision="int8")
    assert "int8" not in find("jetson").precisions


@pytest.mark.parametrize(("name", "figure"), FIGURES)
def test_a_source_can_be_looked_up_or_says_that_it_was_not_checked(name, figure):
    source = find(name).sources[figure]
    assert PLACE.search(source)
    assert all(re.match(r"not checked: \w", part) for part in re.findall("not checked.{3}", source))


@pytest.mark.parametrize(
    "name", [name for name in TARGETS if TARGETS[name].cpu and TARGETS[name].runtime == "litert"]
)
def test_a_processors_peaks_are_those_of_its_cores(name):
    profile = find(name)
    cycles_per_s = profile.cpu.cores * profile.cpu.clock_hz
    if name == "android-a76":  # three cores are slower than the clock says
        cycles_per_s = 3 * 2.42e9 + 2.84e9
    fp32, int8 = BY_CORE[profile.cpu.name]
    assert profile.peak_mult_adds_per_s == pytest.approx(
        {"fp32": fp32 * cycles_per_s, "int8": int8 * cycles_per_s}, rel=2e-3
    )


@pytest.mark.parametrize("name", [name for name in TARGETS if TARGETS[name].gpu])
def test_a_gpus_peak_in_float32_is_a_mult_add_a_cycle_and_core(name):
    profile = find(name)
    cores, clock, unit = CUDA.search(profile.gpu.name).groups()
    hz = float(clock) * {"GHz": 1e9, "MHz": 1e6}[unit]
    assert profile.peak_mult_adds_per_s["fp32"] == pytest.approx(int(cores) * hz, rel=2e-3)


def test_the_nano_runs_half_as_many_mult_adds_as_its_operations():
    assert find("jetson-nano").peak_mult_adds_per_s == {"fp32": 472e9 / 2 / 2, "fp16": 472e9 / 2}


def test_an_unknown_target_is_answered_with_the_nearest_names():
    with pytest.raises(UnknownNameError, match=r"unknown target 'jetson-nan'; did you mean jetson-nano"):
        find("jetson-nan")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "summary = 'x'\nruntime = 'litert'\nprecision = ['fp32']",
            "unknown key of board 'precision'.*precisions",
        ),
        ("summary = 'x'\nruntime = 'litert'", "precisions is missing"),
        ("summary = 'x'\nruntime = 'onnx'\nprecisions = ['fp32']", "runtime 'onnx'"),
        ("name = 'other'", "leave out 'name'"),
        ("summary = ", "board.toml is not TOML"),
        (
            "summary = 'x'\nruntime = 'litert'\nprecisions = ['fp32']\n[cpu]\nname = 'a'\ncore = 4",
            "unknown key of board: cpu 'core'; did you mean cores",
        ),
    ],
    ids=["unknown key", "missing key", "unknown runtime", "name", "not TOML", "unknown key in a table"],
)
def test_a_wrong_file_is_refused_with_what_to_mend(text, message):
    with pytest.raises(EdgeCnnError, match=message):
        read_profile("board", text)
