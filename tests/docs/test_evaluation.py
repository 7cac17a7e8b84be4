"""docs/evaluation.md is true: its figures are those of the code."""

from edgecnn.evaluate import wilson

from .pages import text_of


def test_the_document_has_the_interval_of_its_example():
    low, high = (f"{100 * end:.1f} %" for end in wilson(915, 1000))
    assert f"91.5 % of 1,000 pictures is {low} to {high}" in " ".join(text_of("docs/evaluation.md").split())
