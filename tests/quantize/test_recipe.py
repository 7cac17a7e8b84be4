from types import MappingProxyType

import pytest

from edgecnn.calls import parse_recipe
from edgecnn.errors import UnknownNameError
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
