"""The report as one page that brings everything it needs: charts, a table that can be sorted, costs by layer.

The charts are drawn here, as SVG, once wide and once narrow; the script sorts, points and shows, and fetches
nothing: the page's own policy forbids every request. What comes from outside, names and notes, is escaped.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from edgecnn import units
from edgecnn.report import scatter
from edgecnn.report.cost_axes import Axis, axes
from edgecnn.report.points_views import by_data, cells, columns, on_front
from edgecnn.report.published_points import PublishedPoint
from edgecnn.sweeps.point import Point, costs, front, places

_THEME = ("var(--ink)", "var(--soft)", "var(--grid)", "var(--paper)")
_FRAMES = (("wide", scatter.WIDE), ("narrow", scatter.NARROW))
_HEADS = (
    ("network", ""), ("recipe", ""), ("accuracy", "measured"), ("mult-adds", "computed"),
    ("parameters", "computed"), ("size", "measured"), ("activations", "computed"),
)  # fmt: skip


def to_html(points: Sequence[Point], published: Sequence[PublishedPoint]) -> str:
    """Return the page."""
    script, sheet = (
        files("edgecnn.report").joinpath(name).read_text("utf-8") for name in ("page.js", "page.css")
    )
    sheet += scatter.style(_THEME, scatter.LIGHT)
    dark = "".join(f".c{at}{{fill:{each};stroke:{each}}}" for at, each in enumerate(scatter.DARK))
    keys = "".join(
        f".key .c{at}{{border-color:{each};background:{each}}}" for at, each in enumerate(scatter.LIGHT)
    )
    night = dark.replace(".c", ".scatter .c") + "".join(
        f".key .c{at}{{border-color:{each};background:{each}}}" for at, each in enumerate(scatter.DARK)
    )
    sheet += (
        keys
        + ".key i.ring{background:none}"
        + f"@media (prefers-color-scheme:dark){{{night}.key i.ring{{background:none}}}}"
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    numbers = {id(point): at for at, point in enumerate(points)}
    sections = [
        _section(own, [numbers[id(point)] for point in own], published) for own in by_data(points).values()
    ]
    return "\n".join([
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Accuracy against cost: {escape(', '.join(dict.fromkeys(p.data for p in points)))}</title>",
        f"<style>{sheet}</style></head><body><main>",
        "<h1>Accuracy against cost</h1>",
        '<p class="soft">Accuracies and sizes are measured; mult-adds, parameters and activations computed;'
        " a latency says whether it is measured or predicted, and where. 1 mult-add = 1 multiplication +"
        " 1 addition, of convolutions and fully connected layers.</p>",
        _apart(points),
        *sections,
        '<section id="detail" tabindex="-1" aria-labelledby="chosen" hidden></section>',
        '<div id="tip" role="tooltip" hidden></div></main>',
        f'<script type="application/json" id="data">{_json(points)}</script>',
        f"<script>{script}</script></body></html>",
    ])  # fmt: skip


def _apart(points: Sequence[Point]) -> str:
    if len(by_data(points)) < 2:
        return ""
    return "<p><strong>Accuracies on different data sets are not comparable, and are kept apart.</strong></p>"


def _section(own: Sequence[Point], ids: Sequence[int], published: Sequence[PublishedPoint]) -> str:
    first = own[0]
    heading = f"<h2>{escape(first.data)}</h2><p>{escape(first.metric)} on {first.n:,} held-out pictures.</p>"
    shown = [axis for axis in axes(own) if any(axis.cost(point) is not None for point in own)]
    charts = "".join(_figure(own, axis, ids, published if axis.name == "mult_adds" else ()) for axis in shown)
    return f'<section>{heading}<div class="charts">{charts}</div>{_table(own, ids)}</section>'


def _figure(own: Sequence[Point], axis: Axis, ids: Sequence[int], published: Sequence[PublishedPoint]) -> str:
    title = f"{own[0].metric} (%) against {axis.title}"
    layers = [("measured", ())] + ([("published", published)] if published else [])
    parts = [f"<figure><figcaption><h3>{escape(title)}</h3></figcaption>"]
    for layer, papers in layers:
        hidden = " hidden" if layer == "published" else ""
        parts.append(f'<div data-layer="{layer}"{hidden}>' if published else "<div>")
        label = _label(own, axis, title)
        for name, frame in _FRAMES if axis.name == "mult_adds" else (("small", scatter.NARROW),):
            svg = scatter.draw(own, axis, frame, label=label, published=papers, ids=ids)
            parts.append(f'<div class="{name}">{svg}</div>')
        parts.append("</div>")
    if axis.name == "mult_adds":
        parts.append(_key(own))
    if published:
        data = ", ".join(dict.fromkeys(each.data for each in published))
        parts.append(
            '<label><input type="checkbox" class="layer"> Show what papers published (diamonds; top-1 on'
            f" {escape(data)}, another data set than {escape(own[0].data)}: not comparable)</label>"
        )
    return "".join([*parts, "</figure>"])


def _label(own: Sequence[Point], axis: Axis, title: str) -> str:
    """Return what a chart says, for those who do not see it."""
    best = [f"{p.title}: {p.accuracy:.1%} at {axis.text(axis.cost(p) or 0)}" for p in front(own, axis.cost)]
    return f"{title}. On the Pareto front: {'; '.join(best)}. The table below has every point."


def _key(own: Sequence[Point]) -> str:
    items = [f'<li><i class="c{at}"></i>{escape(name)}</li>' for name, at in scatter.colours(own).items()]
    for name, at in zip(("hollow", "with a dot"), scatter.recipes(own)[1:], strict=False):
        items.append(f'<li><i class="c5 ring"></i>{name}: {escape(at)}</li>')
    items.append("<li>area: parameters; dashed: Pareto front</li>")
    return f'<ul class="key">{"".join(items)}</ul>'


def _table(own: Sequence[Point], ids: Sequence[int]) -> str:
    latencies = [(f"latency on {name}", "of one picture") for name in places(own)]
    heads = "".join(_head(*head) for head in (*_HEADS, *latencies, ("on the front of", "")))
    rows = "".join(_row(own, point, number) for point, number in zip(own, ids, strict=True))
    name = f"Every network on {escape(own[0].data)}"
    return (
        f'<h3 style="margin-top:24px">{name}</h3><p class="soft">A name shows its cost by layer and the'
        " commands that make it; a heading sorts.</p>"
        f'<div class="scroll" role="region" aria-label="{name}" tabindex="0"><table class="points">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _head(name: str, kind: str) -> str:
    small = f"<small>{kind}</small>" if kind else ""
    return f'<th scope="col"><button type="button">{escape(name)}</button>{small}</th>'


def _row(own: Sequence[Point], point: Point, number: int) -> str:
    times = [cost.of(point) for cost in costs(own) if cost.device is not None]
    values = (
        point.name, point.label, point.accuracy, point.mult_adds, point.parameters, point.file_bytes,
        point.memory_bytes, *times, ", ".join(on_front(own, point)),
    )  # fmt: skip
    texts = (*cells(point, places(own)), str(values[-1]))
    parts = [f'<tr data-point="{number}">']
    for at, (value, text) in enumerate(zip(values, texts, strict=True)):
        given = f'data-value="{"" if value is None else escape(str(value))}"'
        if at == 0:
            parts.append(f'<th scope="row" {given}><button type="button">{escape(text)}</button></th>')
        else:
            kind = ' class="text"' if isinstance(value, str) else ""
            parts.append(f"<td{kind} {given}>{escape(text)}</td>")
    return "".join([*parts, "</tr>"])


def _json(points: Sequence[Point]) -> str:
    told = [_plain(point, places(by_data(points)[point.data, point.metric])) for point in points]
    text = json.dumps(told, ensure_ascii=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _plain(point: Point, devices: Sequence[str]) -> dict[str, Any]:
    names = [name.partition(",")[0] for name in columns(devices)]
    figures = list(zip(names, cells(point, devices), strict=True))[2:]
    interval = [] if point.interval is None else ["95 % interval {:.1%} to {:.1%}".format(*point.interval)]
    facts = [f"Trained: {point.training}"] if point.training else []
    for each in point.latencies:
        facts.append(f"Latency on {each.device}, {each.kind}: {units.duration(each.median_s)}; {each.source}")
        facts += [f"Doubtful: {warning}" for warning in each.warnings]
    return {
        "title": point.title,
        "tip": "\n".join([point.title, *(f"{name} {text}" for name, text in figures), *interval]),
        "facts": [*facts, *point.missing, *point.notes],
        "commands": list(point.commands),
        "layers": [list(layer) for layer in point.layers],
    }
