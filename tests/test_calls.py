import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.calls import FIRST, Call, parse_call, parse_recipe, to_text, to_value
from edgecnn.errors import EdgeCnnError

KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(string.printable + "äß|,", max_size=12),
)


@given(st.builds(Call, NAMES, st.dictionaries(KEYS, VALUES, max_size=4)))
def test_reading_what_was_written_gives_the_same_call(call):
    again = parse_call(str(call))
    assert again == call
    assert [type(value) for value in again.arguments.values()] == [
        type(value) for value in call.arguments.values()
    ]


@given(st.lists(st.builds(Call, NAMES, st.dictionaries(KEYS, VALUES, max_size=2)), min_size=1, max_size=3))
def test_a_recipe_is_calls_joined_by_bars(calls):
    assert parse_recipe(" | ".join(map(str, calls))) == tuple(calls)


@pytest.mark.parametrize("text", ["f(0.75)", "f(0.75, a=1)", "f(word) | g(-1)"], ids=str)
def test_the_first_setting_of_a_pass_needs_no_key(text):
    assert " | ".join(map(str, parse_recipe(text))) == text
    assert FIRST in parse_recipe(text)[0].arguments


def test_every_setting_of_a_model_needs_its_key():
    with pytest.raises(EdgeCnnError, match="expected key=value at character 3"):
        parse_call("f(0.75)")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("-3", -3),
        ("1e-3", 0.001),
        ("true", True),
        ("false", False),
        ("mse", "mse"),
        ("128x96", "128x96"),
    ],
    ids=str,
)
def test_an_unquoted_word_has_the_type_it_looks_like(text, value):
    assert to_value(text) == value
    assert type(to_value(text)) is type(value)


@pytest.mark.parametrize("text", ["true", "12", "-1e5", "nan x", "", 'a"b', "a\\b"], ids=repr)
def test_text_that_looks_like_something_else_is_quoted(text):
    assert to_text(text).startswith('"')
    assert parse_call(f"f(x={to_text(text)})").arguments["x"] == text


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "expected a name at character 1"),
        ("f(", 'expected a number, true, false, a word or a "string" at character 3, found the end'),
        ("f(a=1, b)", "expected '=' after 'b'"),
        ("f(1, 2)", "expected key=value at character 6"),
        ("f(a=)", "expected a number"),
        ("f(a=1 b=2)", "expected ',' or ')'"),
        ("f(a=1,)", "expected key=value"),
        ("f(a=1, a=2)", "'a' is given twice"),
        ("f()x", "expected the end"),
        ("f | ", "expected a name"),
        ('f(a="x)', "expected a number"),
    ],
    ids=lambda text: repr(text)[:20],
)
def test_a_malformed_call_is_pointed_at(text, fragment):
    with pytest.raises(EdgeCnnError, match="cannot read|twice") as caught:
        parse_recipe(text)
    assert fragment in str(caught.value)
