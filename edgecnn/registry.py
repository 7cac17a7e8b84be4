"""Registries: adding an architecture, pass, dataset or report is adding one file to its package."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from edgecnn.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Names to items of one kind; the modules of `package` are imported at the first look-up.

    An unknown name raises `UnknownNameError` with the nearest names; registering a name twice is a
    programming error and raises `ValueError`.
    """

    def __init__(self, kind: str, package: str, *, hint: str = "") -> None:
        self.kind, self.package, self._hint = kind, package, hint
        self._items: dict[str, T] = {}
        self._discovered = False

    def register(self, name: str, item: T) -> T:
        """Add `item` under `name` and return it."""
        if name in self._items:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._items[name] = item
        return item

    def __getitem__(self, name: str) -> T:
        self._discover()
        try:
            return self._items[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._items, hint=self._hint) from None

    def __contains__(self, name: object) -> bool:
        # Mapping's own test waits for a KeyError, which a look-up here never raises.
        self._discover()
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._items))

    def __len__(self) -> int:
        self._discover()
        return len(self._items)

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__, f"{self.package}."):
            importlib.import_module(module.name)
