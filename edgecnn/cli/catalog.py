"""`edgecnn list` and `edgecnn describe`: the registries."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

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


KINDS: dict[str, Callable[[], Mapping[str, Any]]] = {
    "models": _models,
    "passes": _passes,
    "targets": _targets,
    "devices": _devices,
    "datasets": _datasets,
}


@click.command("list")
@click.argument("kind", required=False)
@json_option
def list_command(kind: str | None, as_json: bool) -> None:
    """List models, passes, targets, devices or datasets; without a KIND, all of them."""
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    items = list(_items([kind] if kind else [name for name in KINDS if name != "devices"]))

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
    """Say everything known about a model, pass, target or data set."""
    found = [(kind, registry()[name]) for kind, registry in KINDS.items() if name in registry()]
    if not found:
        names = [known for registry in KINDS.values() for known in registry()]
        raise UnknownNameError("name", name, names, hint="`edgecnn list` shows all")
    kind, item = found[0]
    details = {"kind": kind, **_details(item)}

    def table() -> None:
        from edgecnn.report.tables import print_table

        print_table(
            ("", ""), [(key, _text(value)) for key, value in details.items() if value not in (None, [], {})]
        )

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


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_text(each)}" for key, each in value.items() if each is not None)
    if isinstance(value, (list, tuple)):
        return (
            ", ".join(map(_text, value))
            if all(isinstance(each, (str, int)) for each in value)
            else "\n".join(map(_text, value))
        )
    return str(value)
