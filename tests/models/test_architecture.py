import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.errors import EdgeCnnError
from edgecnn.models import ARCHITECTURES, build, complete
from edgecnn.models.architecture import Architecture, make_divisible
from edgecnn.spec import ModelSpec, Res


def test_a_complete_spec_says_everything():
    assert str(complete(ModelSpec.parse("mobilenet(width=0.5)"))) == (
        "mobilenet(width=0.5, res=224, classes=1000, in_channels=3,"
        " activation=relu, bn_eps=1e-05, body=separable, padding=torch)"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mobilnet", "unknown model 'mobilnet'; did you mean mobilenet"),
        ("mobilenet(widht=0.5)", "no option 'widht'; did you mean width"),
        ("mobilenet(body=ful)", "unknown body of mobilenet 'ful'; did you mean full"),
        ("mobilenet(body=1)", "unknown body"),
        ("mobilenet(res=15)", "at least 16"),
        ("mobilenet(res=224x15)", "at least 16"),
        ("lenet(body=full)", "no option 'body'"),
    ],
)
def test_what_an_architecture_cannot_do_is_refused(text, sentence):
    with pytest.raises(EdgeCnnError, match=sentence):
        build(ModelSpec.parse(text), "meta")


@given(st.floats(1, 4096), st.sampled_from([1, 8]))
def test_rounded_channels_are_a_multiple_and_lose_at_most_a_tenth(channels, divisor):
    rounded = make_divisible(channels, divisor)
    assert rounded % divisor == 0
    assert rounded >= divisor
    assert rounded >= 0.9 * channels


@pytest.mark.parametrize("width", [1.0, 0.75, 0.5, 0.25])
@pytest.mark.parametrize("channels", [32, 64, 128, 256, 512, 1024])
def test_the_papers_widths_need_no_rounding(channels, width):
    assert make_divisible(channels * width) == channels * width


def test_an_option_can_bring_its_own_defaults():
    entry = Architecture(
        name="x",
        summary="For this test.",
        source="",
        builder=torch.nn.Identity,
        fixed={},
        defaults={"res": Res(224, 224), "classes": 1000, "form": "large"},
        choices={"form": ("large", "small")},
        least_res=64,
        contract_res=64,
        variants={"form=small": {"res": 32, "least_res": 8, "classes": 10}},
    )
    texts = ("x", "x(form=small)", "x(form=small, classes=3, res=8)")
    whole = [entry.complete(ModelSpec.parse(text)) for text in texts]
    assert [(spec.res.height, spec.classes) for spec in whole] == [(224, 1000), (32, 10), (8, 3)]
    with pytest.raises(EdgeCnnError, match="at least 64, not 32"):
        entry.complete(ModelSpec.parse("x(res=32)"))


def test_every_summary_is_one_line():
    assert all(entry.summary.endswith(".") and len(entry.summary) < 100 for entry in ARCHITECTURES.values())
