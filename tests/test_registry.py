import pytest

from edgecnn.errors import UnknownNameError, nearest
from edgecnn.registry import Registry


@pytest.fixture
def registry():
    items: Registry[int] = Registry("colour", "edgecnn.report", hint="see the list")
    items.register("red", 1)
    items.register("green", 2)
    return items


def test_names_come_sorted(registry):
    assert list(registry) == ["green", "red"]


def test_an_unknown_name_answers_with_the_nearest(registry):
    with pytest.raises(UnknownNameError, match="unknown colour 'rde'; did you mean red\\? see the list"):
        registry["rde"]


def test_membership_does_not_raise(registry):
    assert "red" in registry
    assert "blue" not in registry


def test_a_name_is_registered_once(registry):
    with pytest.raises(ValueError, match="registered twice"):
        registry.register("red", 3)


def test_where_nothing_is_near_all_are_named():
    assert nearest("qqq", ["b", "a"]) == "; allowed: a, b"
