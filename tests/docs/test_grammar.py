"""docs/grammar.md is true: its calls are read or refused as it says."""

import inspect
import re
from textwrap import dedent

import pytest

from edgecnn import calls
from edgecnn.calls import parse_call, parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.models import complete
from edgecnn.quantize.recipe import check_recipe
from edgecnn.spec import ModelSpec

from .pages import text_of, the_block

PAGE = "docs/grammar.md"


def test_the_grammar_is_that_of_the_module():
    written = inspect.getdoc(calls).split("\n\n")[1]
    assert the_block(PAGE, "ebnf").strip() == dedent(written).strip()


@pytest.mark.parametrize("text", the_block(PAGE, "model").splitlines())
def test_a_model_of_the_grammar_is_one(text):
    spec = ModelSpec.parse(text)
    assert ModelSpec.parse(str(complete(spec))) == complete(spec)


@pytest.mark.parametrize("text", the_block(PAGE, "recipe").splitlines())
def test_a_recipe_of_the_grammar_is_one(text):
    check_recipe(parse_recipe(text))


@pytest.mark.parametrize("text", the_block(PAGE, "refused").splitlines())
def test_what_the_grammar_says_is_refused_is(text):
    with pytest.raises(EdgeCnnError):
        (parse_recipe if "|" in text else parse_call)(text)


def test_an_unknown_key_is_answered_as_the_grammar_says():
    call, answer = re.search(r"`([^`]+)` is answered with \"([^\"]+)\"", text_of(PAGE)).groups()
    with pytest.raises(EdgeCnnError, match=re.escape(answer)):
        complete(ModelSpec.parse(call))
