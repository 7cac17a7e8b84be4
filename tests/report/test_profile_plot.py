import re
import sys
from xml.etree import ElementTree as ET

import pytest

import edgecnn
from edgecnn.errors import EdgeCnnError
from edgecnn.report import profile_plot
from edgecnn.report.profile_plot import check_plot, write_plot

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def lenet():
    return edgecnn.costs("lenet")


def drawn(profile, tmp_path, **how) -> ET.Element:
    path = tmp_path / "plot.svg"
    write_plot("lenet()", profile, path, **how)
    return ET.fromstring(path.read_text())  # noqa: S314  our own file


def bars(svg: ET.Element) -> list[float]:
    """Return the lengths of the bars, panel by panel from the left, each from the top."""
    found = [path for path in svg.iter(f"{SVG}path") if path.get("aria-roledescription") == "bar"]
    return [float(re.match(r"M[^h]*h([-\d.]+)", path.get("d", ""))[1]) for path in found]


def test_every_layer_has_a_bar_for_mult_adds_parameters_and_memory(lenet, tmp_path):
    svg = drawn(lenet, tmp_path)
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"mult-adds", "parameters", "activations held while it runs (MiB)"} <= set(texts)
    assert {layer.name for layer in lenet.layers} <= set(texts)
    layers = lenet.layers
    costs = [
        *([layer.mult_adds for layer in layers], [layer.parameters for layer in layers]),
        [layer.alive_bytes for layer in layers],
    ]
    found = bars(svg)
    assert len(found) == 3 * len(layers)
    for panel, expected in enumerate(costs):
        lengths = found[panel * len(layers) : (panel + 1) * len(layers)]
        scale = max(lengths) / max(expected)
        assert lengths == pytest.approx([scale * cost for cost in expected], abs=0.01)


def test_layers_are_in_the_order_in_which_they_run(lenet, tmp_path):
    names = [layer.name for layer in lenet.layers]
    texts = [text.text for text in drawn(lenet, tmp_path).iter(f"{SVG}text")]
    assert [text for text in texts if text in names] == names


def test_blocks_are_drawn_where_asked_for_and_where_there_are_too_many_layers(lenet, tmp_path, monkeypatch):
    assert len(bars(drawn(lenet, tmp_path, by="block"))) == 3 * 3
    monkeypatch.setattr(profile_plot, "MOST_LAYERS", 5)
    assert len(bars(drawn(lenet, tmp_path))) == 3 * 3


STARTS = {"png": b"\x89PNG", "svg": b"<svg", "html": b"<!DOCTYPE html>"}


@pytest.mark.parametrize("form", STARTS)
def test_the_name_of_the_file_says_its_form(form, lenet, tmp_path):
    path = tmp_path / f"plot.{form}"
    write_plot("lenet()", lenet, path)
    assert path.read_bytes().lstrip().startswith(STARTS[form])


def test_a_page_brings_everything_it_needs(lenet, tmp_path):
    path = tmp_path / "plot.html"
    write_plot("lenet()", lenet, path)
    assert not re.search(r"""(src|href)=["']https?://""", path.read_text())


@pytest.mark.parametrize("name", ["plot.jpg", "plot", "plot.pdf"])
def test_another_form_is_refused_with_those_there_are(name, tmp_path):
    with pytest.raises(EdgeCnnError, match="plot.svg or plot.png or plot.html"):
        check_plot(tmp_path / name)


@pytest.mark.parametrize("missing", ["altair", "vl_convert"])
def test_without_the_extra_it_says_what_to_install(missing, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(EdgeCnnError, match=rf'plots need {missing}; .*pip install "edgecnn\[report\]"'):
        check_plot(tmp_path / "plot.svg")


def test_a_folder_that_cannot_be_written_is_an_error(lenet, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeCnnError):
        write_plot("lenet()", lenet, tmp_path / "file" / "plot.svg")
