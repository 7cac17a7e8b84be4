"""Writing a graph as the bytes of a `.onnx` file."""

import onnx_ir as ir

from edgecnn.errors import EdgeCnnError

_PROTOBUF_LIMIT_BYTES = 2**31 - 1


def to_bytes(model: ir.Model) -> bytes:
    """Serialize the graph, always to the same bytes; metadata other than edgecnn's own is left out."""
    total_bytes = sum(
        value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value
    )
    if total_bytes > _PROTOBUF_LIMIT_BYTES:
        raise EdgeCnnError(f"the weights take {total_bytes} bytes; one .onnx file holds at most 2 GiB")
    clone = model.clone()
    for node in clone.graph.all_nodes():
        _strip(node.metadata_props)
        node.doc_string = None
        for value in node.outputs:
            _strip(value.metadata_props)
    data: bytes = ir.to_proto(clone).SerializeToString(deterministic=True)
    return data


def _strip(metadata: dict[str, str]) -> None:
    """Drop what other exporters leave there: stack traces with the paths of source files."""
    for key in [key for key in metadata if not key.startswith("edgecnn.")]:
        del metadata[key]
