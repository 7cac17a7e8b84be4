"""Sets of things that have to be treated alike, joined one pair at a time.

Source: Tarjan 1975, "Efficiency of a Good But Not Linear Set Union Algorithm".
"""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Groups(Generic[T]):
    """Disjoint sets; whatever was never joined is alone in its own."""

    def __init__(self) -> None:
        self._parent: dict[T, T] = {}

    def join(self, left: T, right: T) -> None:
        """Put two things, and all that they were joined with, into one set."""
        self._parent[self.find(right)] = self.find(left)

    def find(self, item: T) -> T:
        """Return the one member that stands for the set of `item`."""
        root = item
        while self._parent.get(root, root) != root:
            root = self._parent[root]
        while item != root:
            self._parent[item], item = root, self._parent.get(item, root)
        return root

    def sets(self, items: Iterable[T]) -> list[list[T]]:
        """Return the items set by set, both in the order of `items`."""
        found: dict[T, list[T]] = {}
        for item in items:
            found.setdefault(self.find(item), []).append(item)
        return list(found.values())
