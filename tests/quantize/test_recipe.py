from types import MappingProxyType

import pytest

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.quantize import PASSES, Context, compress, needs
from edgecnn.quantize.passes import Result, compression_pass
from edgecnn.quantize.recipe import complete_recipe


@pytest.fixture
def registered(monkeypatch):
    """Passes may be added, and are gone afterwards."""
    len(PASSES)
    monkeypatch.setattr(PASSES, "_items", dict(PASSES._items))


def test_a_pass_gets_what_has_to_run_before_it():
    assert [str(call) for call in complete_recipe(parse_recipe("int8"))] == ["fold", "int8"]
    assert [str(call) for call in complete_recipe(parse_recipe("fold | int8"))] == ["fold", "int8"]


def test_the_needs_of_a_recipe_are_known_before_it_runs():
    assert needs(parse_recipe("fold | fp16")) == {}
    assert needs(parse_recipe("fold | int8")) == {"images": "int8"}


def test_the_context_reaches_a_pass_with_the_graph_before_the_recipe(registered, graph):
    seen = []

    @compression_pass(lossless=True)
    def look(model, *, context, often: int = 1) -> Result:
        """Look at the context."""
        seen.append((context, often))
        return Result(model=model, matched=0, note="looked")

    assert PASSES["look"].defaults == MappingProxyType({"often": 1})
    model = graph("{ y = Relu(x) }")
    compress(model, parse_recipe("fold | look(often=2)"), context=Context(seed=3))
    ((context, often),) = seen
    assert (context.seed, context.original, often) == (3, model, 2)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean tflite"):
        Context(scheme="tflit")


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("width(0.75)", "width(multiplier=0.75)"),
        ("prune(0.5, rounds=2)", "prune(mult_adds=0.5, rounds=2)"),
        ("fully_convolutional(320)", "fully_convolutional(res=320)"),
    ],
    ids=lambda text: text.split("(")[0],
)
def test_a_value_without_a_key_is_that_of_the_first_setting(text, spelled):
    assert [str(call) for call in complete_recipe(parse_recipe(text))] == [spelled]


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("fold(1)", "fold has no settings; write fold"),
        ("width(0.5, multiplier=0.75)", "multiplier is given twice"),
        ("width(half)", "multiplier=half is not of type float"),
    ],
    ids=["none", "twice", "type"],
)
def test_a_value_without_a_key_that_means_nothing_is_refused(text, fragment):
    with pytest.raises(EdgeCnnError, match=fragment):
        complete_recipe(parse_recipe(text))
