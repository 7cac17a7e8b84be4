"""Do two forms of a network compute the same? Said relative to how much the output moves between inputs.

response = max |y_i - y_j| over pairs of sample inputs        error = max |y - y'|
a hop holds when error <= relative tolerance x response
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgecnn.errors import VerificationError

# float32 rounding through 30 layers moves an output by 1e-5 of its response (measured); a mistake moves
# it by far more.
LOSSLESS = 1e-4

_LEAST_RESPONSE = 1e-3  # of the largest output: below it, rounding alone would pass for an answer


@dataclass(frozen=True, kw_only=True)
class Parity:
    """The error measured at one hop, and what was allowed.

    Attributes:
        hop: such as `pytorch → onnx`.
        max_abs_error: the largest difference of an output, in the output's unit.
        response: how far the reference's output moves from one sample input to another.
        tolerance: the largest error allowed, in the output's unit.
        agreement: at a lossy hop, the fraction of `agreement_n` pictures (of pixels, where the network
            classifies those) whose highest score stayed with the same class.
        agreement_n: how many pictures that was measured on.
    """

    hop: str
    max_abs_error: float
    response: float
    tolerance: float
    agreement: float | None = None
    agreement_n: int | None = None

    @property
    def relative_error(self) -> float:
        """The error as a fraction of the response."""
        return self.max_abs_error / self.response

    @property
    def holds(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.max_abs_error <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; a hop at which anything is allowed has no tolerance."""
        fields = {key: value for key, value in asdict(self).items() if value is not None}
        return fields | {"tolerance": self.tolerance if np.isfinite(self.tolerance) else None}


def response(outputs: np.ndarray) -> float:
    """Return how far outputs (n, ...) of a network move from one input to another.

    Raises `VerificationError` where they are not finite, or hardly move: then no comparison on these
    inputs could fail.
    """
    if not np.isfinite(outputs).all():
        raise VerificationError("the network's outputs are not finite on the sample inputs")
    moved, largest = movement(outputs), float(np.abs(outputs).max(initial=0.0))
    if moved <= _LEAST_RESPONSE * largest or moved == 0.0:
        raise VerificationError(
            f"the network hardly answers to its input: outputs as large as {largest:.3g} move by"
            f" {moved:.3g} between sample inputs, so comparing them would prove nothing; give trained"
            " weights with --weights"
        )
    return moved


def movement(values: np.ndarray) -> float:
    """Return the largest difference between two entries along the first axis."""
    return float((values.max(axis=0) - values.min(axis=0)).max(initial=0.0))


def compare(
    hop: str, reference: np.ndarray, candidate: np.ndarray, relative_tolerance: float = LOSSLESS
) -> Parity:
    """Return the parity of two outputs (n, ...) on the same inputs; it may hold or not.

    Where any error is allowed nothing is to be proved, and the reference need not answer to its input: what
    rounding has broken, a later pass may mend.
    """
    if reference.shape != candidate.shape:
        raise VerificationError(
            f"{hop}: the output has shape {candidate.shape[1:]} instead of {reference.shape[1:]}"
        )
    anything = np.isinf(relative_tolerance)
    moved = movement(reference) if anything else response(reference)
    error = float(np.abs(reference.astype(np.float64) - candidate).max())
    return Parity(
        hop=hop,
        max_abs_error=error if np.isfinite(error) else float(np.finfo(np.float64).max),
        response=moved,
        tolerance=relative_tolerance if anything else relative_tolerance * moved,
    )


def first_divergence(
    names: Iterable[str],
    reference: Mapping[str, np.ndarray],
    candidate: Mapping[str, np.ndarray],
    relative_tolerance: float = LOSSLESS,
) -> str | None:
    """Return the first of `names`, in execution order, whose values (n, ...) differ by more than allowed."""
    for name in names:
        if name not in reference or name not in candidate:
            continue
        left, right = reference[name], candidate[name]
        if left.shape != right.shape:
            return name
        allowed = relative_tolerance * max(movement(left), 1e-3 * float(np.abs(left).max(initial=0.0)))
        if not np.abs(left - right).max(initial=0.0) <= allowed:
            return name
    return None


def require(parity: Parity, diverging: str | None) -> None:
    """Raise `VerificationError` naming the first layer that diverges, unless the parity holds."""
    if parity.holds:
        return
    where = f"; the first layer that differs is {diverging!r}" if diverging else ""
    raise VerificationError(
        f"{parity.hop}: outputs differ by {parity.max_abs_error:.3g} where {parity.tolerance:.3g}"
        f" is allowed{where}"
    )


def same_answers(reference: np.ndarray, candidate: np.ndarray) -> float:
    """Return the fraction of the answers, the class of the highest score along axis 1, that are the same."""
    return float((reference.argmax(axis=1) == candidate.argmax(axis=1)).mean())
