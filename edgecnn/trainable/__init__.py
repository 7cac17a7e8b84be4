"""The ONNX graph as something that trains: `to_module` makes a module of it, `to_graph` a graph again."""

from edgecnn.trainable.convert import to_graph, to_module
from edgecnn.trainable.module import Trainable

__all__ = ["Trainable", "to_graph", "to_module"]
