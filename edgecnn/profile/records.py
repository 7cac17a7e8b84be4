"""The records of a profile."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LayerProfile:
    """One node of the graph.

    Attributes:
        name: of the node.
        kind: what it is, such as `Conv 3x3`, `Conv 1x1`, `Conv depthwise 3x3` or `Relu`.
        mult_adds: multiplications each with its addition, bias free; None where unknown.
        parameters: trainable scalars; a shared initializer counts at its first use.
        weight_bytes: of every initializer that it reads first.
        activation_bytes: of its output.
        shape: of its output, (n, c, h, w) or (n, features).
        receptive_field: least and greatest extent of the input, in pixels of the longer side, that an
            output position sees; None once there are no positions.
    """

    name: str
    kind: str
    mult_adds: int | None
    parameters: int
    weight_bytes: int
    activation_bytes: int
    shape: tuple[int, ...]
    receptive_field: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The costs of a graph, layer by layer and in total.

    Attributes:
        layers: in execution order.
        unknown_ops: operators whose mult-adds are not known; the total leaves them out.
        peak_activation_bytes: the most that is alive at once, in the order of the layers.
        receptive_field: of the last map before the positions are pooled or flattened.
    """

    layers: tuple[LayerProfile, ...]
    unknown_ops: tuple[str, ...]
    peak_activation_bytes: int
    receptive_field: tuple[int, int] | None

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
    def totals(self) -> dict[str, Any]:
        """The totals as plain data."""
        names = ("mult_adds", "parameters", "weight_bytes", "peak_activation_bytes", "receptive_field")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        layers = [asdict(layer) for layer in self.layers]
        return {"totals": self.totals, "layers": layers, "unknown_ops": list(self.unknown_ops)}
