import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps.places import Place, device_of, places_of, target_of


@pytest.fixture(autouse=True)
def _no_fits(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("given", "names", "target"),
    [
        (None, (), "host"),
        (None, ("local",), "host"),
        (None, ("local", "pi4"), "pi4"),
        ("pi5", ("pi4", "ssh://pi@board"), "pi5"),
    ],
    ids=["nothing", "this machine", "a board to predict", "what is given"],
)
def test_the_target_is_what_is_given_else_what_a_device_says(given, names, target):
    assert target_of(given, names) == target


@pytest.mark.parametrize(
    ("names", "target", "places"),
    [
        (None, "pi4", [("host", "local")]),
        (None, "jetson-nano", []),
        (("host", "local"), "pi4", [("host", "local")]),
        (("pi4", "ssh://pi@board"), "pi4", [("pi4", None), ("pi4", "ssh://pi@board")]),
        (("ssh://pi@board",), "arm", [("ssh://pi@board", "ssh://pi@board")]),
        ((), "pi4", []),
    ],
    ids=["by default", "what this machine cannot run", "twice", "a board both ways", "a family", "nowhere"],
)
def test_a_targets_name_predicts_and_an_address_measures_on_that_target(names, target, places):
    assert places_of(names, target) == tuple(Place(device=name, address=at) for name, at in places)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("pi44",), "unknown target 'pi44'; did you mean pi4"),
        (("ssh://pi@board",), "say with --target which board ssh://pi@board is"),
        (("emulated:pi4",), "give pi4 to predict"),
        (("ssh://-o@x",), "no device that can be reached"),
        (("local", "jetson-nano"), "this machine runs no bundle for jetson-nano"),
    ],
)
def test_a_name_that_says_no_place_is_refused(names, words):
    with pytest.raises(EdgeCnnError, match=words):
        places_of(names, target_of(None, names))


@pytest.mark.parametrize(
    ("address", "target", "device"),
    [
        ("local", "", "host"),
        ("local", "pi4", "host"),
        ("local", "host-gpu", "host-gpu"),
        ("adb:", "android-x1", "android-x1"),
        ("ssh://pi@board", "", "ssh://pi@board"),
        ("ssh://pi@board", "host", "ssh://pi@board"),
    ],
)
def test_a_bundle_for_one_board_was_measured_on_that_board(address, target, device):
    assert device_of(address, target) == device
