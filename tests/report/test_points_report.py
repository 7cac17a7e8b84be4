import csv
import io
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.report import scatter
from edgecnn.report.chart_labels import Bubble, Frame, labels
from edgecnn.report.cost_axes import axes
from edgecnn.report.points_report import FORMS, form_of, to_report
from edgecnn.report.published_points import published_points
from edgecnn.sweeps.point import Latency, Point

from .chromium import PROGRAM, chromium

EVIL = "</script><img src=x onerror=alert(1)>|`"


def make(name, accuracy, mult_adds, **given):
    values = {
        "spec": "mobilenet(width=0.5)", "recipe": "fold", "precision": "fp32", "data": "digits",
        "metric": "top-1", "interval": (accuracy - 0.01, accuracy + 0.01), "n": 355,
        "parameters": 10 * mult_adds, "memory_bytes": 4096, "file_bytes": 40 * mult_adds,
        "latencies": (Latency(
            device="host", kind="measured", median_s=mult_adds * 1e-9, p90_s=None, source="LiteRT"
        ),),
        "commands": (f"edgecnn train {name}",),
        "layers": (("conv", "Conv 3x3", "1x8x4x4", mult_adds, 9, 36, 512),),
    }  # fmt: skip
    return Point(name=name, accuracy=accuracy, mult_adds=mult_adds, **{**values, **given})


@pytest.fixture(scope="module")
def points():
    small, big = make("mobilenet-w0.25-r16", 0.8, 1_000_000), make("mobilenet-w1-r16", 0.95, 9_000_000)
    return [big, small, replace(small, recipe="int8", precision="int8", accuracy=0.79, file_bytes=10**7)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_made(form, points):
    start = {
        "html": b"<!DOCTYPE html>",
        "svg": b"<svg",
        "png": b"\x89PNG",
        "csv": b"data,",
        "markdown": b"## ",
    }
    assert to_report(points, form, published=True).startswith(start[form])


def test_a_picture_has_a_bubble_for_each_point_whose_area_goes_with_its_parameters(points):
    svg = ET.fromstring(to_report(points, "svg"))  # noqa: S314  our own
    found = [each for each in svg.iter("{http://www.w3.org/2000/svg}circle") if each.get("data-point")]
    assert {each.get("data-point"): each.get("r") for each in found} == {"0": "18.0", "1": "8.7", "2": "8.7"}
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "top-1 on digits, measured, against mult-adds (computed)"


def classes(svg):
    found = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}circle")  # noqa: S314  our own
    return {each.get("data-point"): each.get("class").split() for each in found if each.get("data-point")}


def test_an_outline_says_the_recipe_and_what_is_predicted_among_what_is_measured(points):
    big, small, int8 = points
    (measured,) = small.latencies
    mixed = [big, replace(small, latencies=(replace(measured, kind="predicted"),)), int8]
    axis = next(each for each in axes(mixed) if each.name == "latency")
    assert axis.title == "latency on host (measured; dashed: predicted)"
    assert classes(scatter.draw(mixed, axis, scatter.WIDE, label="x")) == {
        "0": ["point", "c0"],
        "1": ["point", "c1", "predicted"],
        "2": ["point", "c1", "hollow"],
    }


def test_latencies_of_two_devices_are_two_costs_and_two_columns(points):
    def on(point, kind):
        return replace(point.latencies[0], device="pi4", kind=kind, median_s=0.5, address="")

    both = [replace(point, latencies=(*point.latencies, on(point, "predicted"))) for point in points]
    assert [axis.title for axis in axes(both)][1:3] == [
        "latency on host (measured)",
        "latency on pi4 (predicted)",
    ]
    row = next(csv.DictReader(io.StringIO(to_report(both, "csv").decode())))
    assert (row["latency_s on pi4"], row["latency_kind on pi4"]) == ("0.5", "predicted")
    assert (row["latency_s on host"], row["latency_kind on host"]) == ("0.009000000000000001", "measured")
    head = to_report(both, "markdown").decode().splitlines()[2]
    assert "| latency on host | latency on pi4 | on the front of |" in head


def test_no_name_covers_a_bubble_or_another_name(points):
    frame = scatter.WIDE
    bubbles = [Bubble(x=300.0 + at, y=200.0, radius=10.0, point=point) for at, point in enumerate(points)]
    parts = [ET.fromstring(part) for part in labels(bubbles, points, frame)]  # noqa: S314  our own
    assert len(parts) == 3
    assert len({(part.get("x"), part.get("y"), part.get("text-anchor")) for part in parts}) == 3
    assert labels(bubbles, points, Frame(width=90, height=90)) == []


def test_the_numbers_of_the_csv_are_those_of_the_points(points):
    rows = list(csv.DictReader(io.StringIO(to_report(points, "csv").decode())))
    assert [float(row["accuracy_measured"]) for row in rows] == [0.95, 0.8, 0.79]
    assert [int(row["mult_adds_computed"]) for row in rows] == [9_000_000, 1_000_000, 1_000_000]
    assert [row["front"] for row in rows] == [
        "mult-adds; latency on host; size; memory",
        "mult-adds; latency on host; size",
        "size",
    ]


def test_points_of_two_data_sets_are_kept_apart_and_it_says_so(points):
    both = [*points, make("other", 0.5, 10, data="shapes")]
    page, table = (to_report(both, form).decode() for form in ("html", "markdown"))
    for text in (page, table):
        assert "different data sets are not comparable, and are kept apart" in text
    assert page.count("<section><h2>") == table.count("\n## ") == 2
    with pytest.raises(EdgeCnnError, match="one picture shows one data set, not digits, shapes"):
        to_report(both, "svg")


def test_foreign_text_is_only_text(points):
    evil = [replace(points[0], name=EVIL, data=EVIL, notes=(EVIL,), commands=(EVIL,))]
    page = to_report(evil, "html").decode()
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert ET.fromstring(to_report(evil, "svg")) is not None  # noqa: S314  our own
    assert "\\|\\`" in to_report(evil, "markdown").decode()


@pytest.mark.parametrize(("name", "form"), [("pdf", None), (None, "pdf")], ids=["by its name", "by --format"])
def test_a_form_that_there_is_not_is_refused(name, form, tmp_path):
    with pytest.raises(EdgeCnnError, match="pdf"):
        form_of(name and tmp_path / f"r.{name}", form)


def test_published_points_are_those_of_the_papers_tables():
    found = {point.name: point for point in published_points()}
    assert (found["1.0 MobileNet-224"].accuracy, found["1.0 MobileNet-224"].mult_adds) == (0.706, 569e6)
    assert {point.data for point in found.values()} == {"ImageNet"}
    assert all(point.source for point in found.values())


# ---- in a browser


@pytest.fixture(scope="module")
def opened(points, tmp_path_factory):
    if PROGRAM is None:
        pytest.skip("no Chromium is installed")
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_bytes(to_report(points, "html"))
    with chromium(folder / "profile") as page:
        yield page.open((folder / "report.html").as_uri())


def test_the_page_says_nothing_to_the_console_and_asks_for_nothing(opened):
    loud = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
    said = [each for each in opened.events if each["method"] in loud]
    sent = [each for each in opened.events if each["method"] == "Network.requestWillBeSent"]
    asked = [each["params"]["request"]["url"] for each in sent]
    assert said == []
    assert [url for url in asked if not url.endswith("/report.html")] == []


def test_the_table_has_the_numbers_of_the_points(opened, points):
    values = opened.run(
        "Array.from(document.querySelectorAll('table.points tbody tr'))"
        ".map(row => Array.from(row.children).slice(2, 8).map(cell => Number(cell.dataset.value)))"
    )
    expected = [
        [p.accuracy, p.mult_adds, p.parameters, p.file_bytes, p.memory_bytes, p.latencies[0].median_s]
        for p in points
    ]
    assert sorted(values) == sorted(expected)


def test_a_heading_sorts_up_and_down_and_says_so(opened):
    click = "document.querySelectorAll('table.points thead button')[2].click()"
    state = "document.querySelectorAll('table.points thead th')[2].getAttribute('aria-sort')"
    rows = "Array.from(document.querySelectorAll('table.points tbody tr'))"
    accuracies = f"{rows}.map(row => row.children[2].textContent)"
    opened.run(click)
    assert (opened.run(state), opened.run(accuracies)) == ("ascending", ["79.00%", "80.00%", "95.00%"])
    opened.run(click)
    assert (opened.run(state), opened.run(accuracies)) == ("descending", ["95.00%", "80.00%", "79.00%"])


def test_a_pointer_over_a_bubble_shows_its_figures(opened):
    place = json.loads(opened.run(
        "const b = document.querySelector('.wide circle[data-point=\"0\"]').getBoundingClientRect();"
        "JSON.stringify([b.x + b.width / 2, b.y + b.height / 2])"
    ))  # fmt: skip
    opened.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
    tip = opened.run(
        "document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent"
    )
    assert tip.splitlines()[0] == "mobilenet-w1-r16 float"
    assert re.search(r"^accuracy 95.00%$", tip, re.M)


def test_a_name_shows_costs_by_layer_and_the_command(opened):
    opened.run("document.querySelector('tr[data-point=\"1\"] th button').click()")
    text = opened.run("document.getElementById('detail').innerText")
    assert "edgecnn train mobilenet-w0.25-r16" in text
    assert "1,000,000" in text
    assert opened.run("document.activeElement.id") == "detail"
    opened.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    assert opened.run("document.activeElement.closest('tr').dataset.point") == "1"
    assert opened.run("document.getElementById('detail').hidden") is True


def test_a_narrow_page_is_no_wider_than_its_window(opened):
    opened.call("Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=True)
    assert opened.run("document.documentElement.scrollWidth") == 400
