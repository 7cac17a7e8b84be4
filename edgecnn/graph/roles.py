"""What an initializer is to the network as defined: a parameter, a BatchNorm statistic, or a constant."""

import onnx_ir as ir

PARAMETER, STATISTIC, CONSTANT = "parameter", "statistic", "constant"

_ROLE, _PATH = "edgecnn.role", "edgecnn.path"
_STATISTIC_INPUTS = {"BatchNormalization": (3, 4)}
_SHAPE_INPUTS = {"Clip": (1, 2), "Pad": (1, 2), "Resize": (1, 2, 3)}  # settings of the operator, not weights
_FLOATS = {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE, ir.DataType.BFLOAT16}


def tag(value: ir.Value, role: str, path: str) -> None:
    """Note on an initializer its role and the path of the tensor in the module that it comes from."""
    value.metadata_props.update({_ROLE: role, _PATH: path})


def copy_tag(source: ir.Value, target: ir.Value) -> None:
    """Give a changed initializer the role and path of the one it replaces."""
    kept = {key: source.metadata_props[key] for key in (_ROLE, _PATH) if key in source.metadata_props}
    target.metadata_props.update(kept)


def role(value: ir.Value) -> str:
    """Return the role of an initializer: as noted, else as its consumers show."""
    noted = value.metadata_props.get(_ROLE)
    if noted:
        return noted
    if value.dtype not in _FLOATS:
        return CONSTANT
    uses = [(use.node.op_type, use.idx) for use in value.uses()]
    if any(index in _STATISTIC_INPUTS.get(operator, ()) for operator, index in uses):
        return STATISTIC
    if uses and all(index in _SHAPE_INPUTS.get(operator, ()) for operator, index in uses):
        return CONSTANT
    return PARAMETER
