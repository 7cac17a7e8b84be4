"""`edgecnn list` and `edgecnn describe`: the registries."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from edgecnn import units
from edgecnn.cli.main import show
from edgecnn.cli.options import json_option
from edgecnn.errors import UnknownNameError


def _models() -> Mapping[str, Any]:
    from edgecnn.models import ARCHITECTURES

    return ARCHITECTURES


def _passes() -> Mapping[str, Any]:
    from edgecnn.quantize import PASSES

    return PASSES


def _targets() -> Mapping[str, Any]:
    from edgecnn.devices import TARGETS

    return TARGETS


def _devices() -> Mapping[str, Any]:
    return {name: profile for name, profile in _targets().items() if not profile.is_family}


def _datasets() -> Mapping[str, Any]:
    from edgecnn.data import DATASETS

    return DATASETS


def _formats() -> Mapping[str, Any]:
    from edgecnn.data import FORMATS

    return FORMATS


KINDS: dict[str, Callable[[], Mapping[str, Any]]] = {
    "models": _models,
    "passes": _passes,
    "targets": _targets,
    "devices": _devices,
    "datasets": _datasets,
    "formats": _formats,
}


@click.command("list")
@click.argument("kind", required=False)
@json_option
def list_command(kind: str | None, as_json: bool) -> None:
    """List models, passes, targets, devices, datasets or formats; without a KIND, all of them.

    `datasets` shows the formats, too: --data takes the name of a data set, or a path in one of them.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    kinds = {None: [name for name in KINDS if name != "devices"], "datasets": ["datasets", "formats"]}
    items = list(_items(kinds.get(kind, [str(kind)])))

    def table() -> None:
        from edgecnn.report.tables import print_table

        for each in dict.fromkeys(item["kind"] for item in items):
            rows = [(item["name"], item["summary"]) for item in items if item["kind"] == each]
            print_table(("", ""), rows, title=each)

    show(as_json, lambda: {"items": items}, table)


@click.command("describe")
@click.argument("name")
@json_option
def describe_command(name: str, as_json: bool) -> None:
    """Say everything known about a model, pass, target, data set or path format."""
    # The models come last: they need torch, which takes seconds to import.
    kinds = ("targets", "datasets", "formats", "passes", "models")
    kind = next((kind for kind in kinds if name in KINDS[kind]()), None)
    if kind is None:
        names = [known for kind in kinds for known in KINDS[kind]()]
        raise UnknownNameError("name", name, names, hint="`edgecnn list` shows all")
    details = {"kind": kind, **_details(KINDS[kind]()[name])}

    def table() -> None:
        from edgecnn.report.tables import print_table

        given = {key: value for key, value in details.items() if value not in (None, [], {}, "")}
        print_table(("", ""), [(key.replace("_", " "), _text(key, value)) for key, value in given.items()])

    show(as_json, lambda: details, table)


def _items(kinds: list[str]) -> Iterator[dict[str, str]]:
    for kind in kinds:
        for name, item in KINDS[kind]().items():
            yield {"name": name, "summary": item.summary, "kind": kind}


def _details(item: Any) -> dict[str, Any]:
    if hasattr(item, "to_json"):
        return dict(item.to_json())
    shown = {key: value for key, value in vars(item).items() if not callable(value)}
    return {key: _plain(value) for key, value in shown.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return (
        value
        if value is None or isinstance(value, (bool, int, float, str))
        else getattr(value, "__name__", str(value))
    )


def _text(key: str, value: Any) -> str:
    """Say a value as people write it; what its unit is, its key says."""
    if isinstance(value, Mapping):
        # what a whole table counts in, the key of the table says
        unit = key if key.endswith(_RATE) else ""
        said = {each: _text(unit or each, item) for each, item in value.items() if item is not None}
        return "\n".join(f"{each.replace('_', ' ')}: {text}" for each, text in said.items())
    if isinstance(value, (list, tuple)):
        if any(isinstance(each, Mapping) for each in value):
            return "\n".join(", ".join(map(str, filter(None, each.values()))) for each in value)
        return ", ".join(_text(key, each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    return next((say(value) for unit, say in _UNITS.items() if key.endswith(unit)), str(value))


_RATE = "_mult_adds_per_s"
# by the end of a key
_UNITS: Mapping[str, Callable[[Any], str]] = {
    "_bytes": units.size,
    "_bytes_per_s": lambda value: f"{units.count(value)}B/s",
    _RATE: lambda value: f"{units.count(value)}/s",
    "_hz": lambda value: f"{units.count(value)}Hz",
}
