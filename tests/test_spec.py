import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.spec import ModelSpec, Res

SPECS = st.builds(
    ModelSpec,
    arch=st.sampled_from(["mobilenet", "lenet", "resnet-x"]),
    width=st.none() | st.floats(0.01, 8.0),
    res=st.none() | st.builds(Res, st.integers(1, 999), st.integers(1, 999)),
    classes=st.none() | st.integers(1, 10**5),
    in_channels=st.none() | st.integers(1, 64),
    options=st.dictionaries(
        st.sampled_from(["body", "stride", "deep"]), st.booleans() | st.integers() | st.text()
    ),
)


@given(SPECS)
def test_the_text_of_a_spec_gives_the_spec_back(spec):
    assert ModelSpec.parse(str(spec)) == spec


@given(SPECS)
def test_the_json_of_a_spec_gives_the_spec_back(spec):
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_a_resolution_is_height_by_width():
    assert ModelSpec.parse("lenet(res=128x96)").res == Res(128, 96)
    assert str(Res(128, 128)) == "128"


def test_a_given_value_overrides_and_none_does_not():
    spec = ModelSpec.parse("mobilenet(width=0.5, body=full)")
    assert spec.override(width=None, res=160, options={"deep": True}) == ModelSpec(
        arch="mobilenet", width=0.5, res=Res(160, 160), options={"body": "full", "deep": True}
    )


@pytest.mark.parametrize(
    "text",
    ["width=0", "width=-1", "width=nan", "width=true", "width=1e9", "res=0", "res=12x", "res=-5", "res=1.5",
     "res=99999999", "classes=0", "classes=1.5", "in_channels=0", "in_channels=true"],
)  # fmt: skip
def test_an_impossible_value_is_named(text):
    with pytest.raises(EdgeCnnError, match=text.split("=")[0]):
        ModelSpec.parse(f"mobilenet({text})")
