"""What the linter finds."""

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that TensorRT refuses, reads wrongly (error), or makes slow (warning).

    Attributes:
        severity: `ERROR` or `WARNING`.
        rule: the rule's short name.
        place: the node, value or graph it is about.
        message: what is wrong and what to do.
    """

    severity: str
    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.place}: {self.message} [{self.rule}]"
