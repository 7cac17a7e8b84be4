"""The records of a profile."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LayerProfile:
    """One node of the graph, or one operator of a `.tflite` file.

    Attributes:
        name: of the node, or of the operator's output.
        kind: what it is, such as `Conv 3x3`, `Conv 1x1`, `Conv depthwise 3x3` or `Relu`.
        mult_adds: multiplications each with its addition, bias free; None where unknown.
        parameters: trainable scalars; a shared initializer counts at its first use.
        weight_bytes: of every initializer that it reads first.
        activation_bytes: of its outputs.
        moved_bytes: of its inputs, weights and outputs, each once: what it moves at the least.
        alive_bytes: of all activations that are held while it runs.
        shape: of its output: (n, c, h, w) or (n, features); as the file has it in a `.tflite`, (n, h, w, c).
        receptive_field: least and greatest extent of the input, in pixels of the longer side, that an
            output position sees; None once there are no positions, or where it is not known.
        stride: how many pixels of the input two neighbours of its output are apart; None likewise.
    """

    name: str
    kind: str
    mult_adds: int | None
    parameters: int
    weight_bytes: int
    activation_bytes: int
    moved_bytes: int
    alive_bytes: int
    shape: tuple[int, ...]
    receptive_field: tuple[int, int] | None
    stride: float | None

    @property
    def arithmetic_intensity(self) -> float | None:
        """Mult-adds for each byte moved; None where unknown."""
        return None if self.mult_adds is None or not self.moved_bytes else self.mult_adds / self.moved_bytes


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The costs of a graph, layer by layer and in total.

    Attributes:
        layers: in execution order.
        unknown_ops: operators whose mult-adds are not known; the total leaves them out.
        receptive_field: of the last map before the positions are pooled or flattened; None where unknown.
        stride: of the same map.
        arena_bytes: of a `.tflite` file, what its activations take as a microcontroller's runtime places
            them; None for a graph.
    """

    layers: tuple[LayerProfile, ...]
    unknown_ops: tuple[str, ...]
    receptive_field: tuple[int, int] | None
    stride: float | None
    arena_bytes: int | None = None

    @property
    def mult_adds(self) -> int:
        """Sum over the layers whose mult-adds are known."""
        return sum(layer.mult_adds or 0 for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Trainable scalars."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all initializers."""
        return sum(layer.weight_bytes for layer in self.layers)

    @property
    def peak_activation_bytes(self) -> int:
        """The most that is alive at once, in the order of the layers."""
        return max(layer.alive_bytes for layer in self.layers)

    @property
    def arithmetic_intensity(self) -> float | None:
        """Mult-adds for each byte that the layers move; None where there is an unknown operator."""
        moved = sum(layer.moved_bytes for layer in self.layers)
        return None if self.unknown_ops or not moved else self.mult_adds / moved

    @property
    def totals(self) -> dict[str, Any]:
        """The totals as plain data."""
        return {name: getattr(self, name) for name in _TOTALS}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        layers = [
            {**asdict(layer), "arithmetic_intensity": layer.arithmetic_intensity} for layer in self.layers
        ]
        return {"totals": self.totals, "layers": layers, "unknown_ops": list(self.unknown_ops)}


_TOTALS = (
    "mult_adds",
    "parameters",
    "weight_bytes",
    "peak_activation_bytes",
    "arena_bytes",
    "arithmetic_intensity",
    "receptive_field",
    "stride",
)
