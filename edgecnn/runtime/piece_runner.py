"""Run a piece of a graph, from chosen values to chosen values of any type, in ONNX Runtime on the CPU."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as ir

from edgecnn.errors import EdgeCnnError
from edgecnn.runtime.onnx_runner import errors, first_line, open_session, session_options


class PieceRunner:
    """What a graph computes between two sets of values, as a function of arrays by name.

    Args:
        model: a graph, which is not changed.
        inputs: names of the values that are given; together they must decide the outputs.
        outputs: names of the values wanted.
        threads: how many; 0 leaves it to ONNX Runtime.
    """

    def __init__(
        self, model: ir.Model, inputs: Sequence[str], outputs: Sequence[str], *, threads: int = 0
    ) -> None:
        self.name = f"the piece of {model.graph.name or 'the graph'} up to {', '.join(outputs)}"
        self._outputs = list(outputs)
        piece = ir.Model(ir.convenience.extract(model.graph, inputs, outputs), ir_version=model.ir_version)
        # ONNX Runtime reads the weights where they lie, so they have to live as long as the session.
        settings = session_options(True, threads, integers=False)
        self._session, self._weights = open_session(piece, (), settings, self.name)

    def __call__(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs by name for arrays of the shapes that the inputs have in the graph."""
        try:
            found = self._session.run(self._outputs, dict(values))
        except errors() as error:
            raise EdgeCnnError(f"ONNX Runtime cannot run {self.name}: {first_line(error)}") from error
        return dict(zip(self._outputs, found, strict=True))
