"""The profiles in devices/: every one is valid, sourced, and a family promises no more than its members."""

import json

import pytest

from edgecnn.device import DeviceProfile
from edgecnn.devices import TARGETS, find, read_profile
from edgecnn.errors import EdgeCnnError, UnknownNameError

FAMILIES = [name for name in TARGETS if TARGETS[name].is_family]


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
