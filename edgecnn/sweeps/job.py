"""`Job`: a piece of a sweep's work, named by all that its result depends on."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MEASURING = 1.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work that one process does at a time.

    Attributes:
        key: says all that its result depends on.
        kind: `train`, `measure`, `predict` or `time`.
        title: for people.
        needs: the keys of the jobs whose results it takes, or that are not to run beside it.
        settings: as plain JSON data.
        work: how much it is, beside others of its kind.
    """

    key: str
    kind: str
    title: str
    needs: tuple[str, ...]
    settings: dict[str, Any]
    work: float = MEASURING


def key_of(kind: str, settings: dict[str, Any], leave_out: Iterable[str] = ()) -> str:
    """Return the key of a job of a kind with these settings, but for those that its result does not need."""
    kept = {key: value for key, value in settings.items() if key not in leave_out}
    return hashlib.sha256(json.dumps([kind, kept], sort_keys=True).encode()).hexdigest()[:20]
