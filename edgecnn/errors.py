"""The errors that edgecnn raises on purpose."""

import difflib
from collections.abc import Iterable


class EdgeCnnError(Exception):
    """Something that the user can mend: what, the value, what is allowed or the command that helps."""


class UnknownNameError(EdgeCnnError):
    """A name that is not among the allowed ones; says which come nearest."""

    def __init__(self, kind: str, name: object, allowed: Iterable[str], *, hint: str = "") -> None:
        self.kind, self.name = kind, str(name)
        near = nearest(self.name, allowed)
        between = " " if near.endswith("?") else "; "
        super().__init__(f"unknown {kind} {self.name!r}{near}{hint and between + hint}")


class VerificationError(EdgeCnnError):
    """An artifact that does not compute what it should; never shipped."""


def nearest(name: str, allowed: Iterable[str], most: int = 3) -> str:
    """Return `; did you mean a or b?`, or the allowed names where none is near."""
    names = sorted(allowed)
    folded = {known.lower(): known for known in names}
    close = [folded[match] for match in difflib.get_close_matches(name.lower(), folded, n=most, cutoff=0.55)]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; allowed: {', '.join(names)}" if names else "; none are allowed here"
