"""What an initializer is to the network as defined: a parameter, a BatchNorm statistic, or a constant."""

import onnx_ir as ir

PARAMETER, STATISTIC, CONSTANT = "parameter", "statistic", "constant"

_ROLE, _PATH = "edgecnn.role", "edgecnn.path"
_STATISTIC_INPUTS = {"BatchNormalization": (3, 4)}
# Settings of the operator, not weights; a scale is what calibration found, not what the network learned.
_SETTING_INPUTS = {
    "Clip": (1, 2),
    "Pad": (1, 2),
    "Resize": (1, 2, 3),
    "Dropout": (1, 2),
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
}
# A number without a dimension beside these stood in the code, such as the 3 and 6 of a hard swish.
_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where"})
_FLOATS = {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE, ir.DataType.BFLOAT16}


def tag(value: ir.Value, role: str, path: str) -> None:
    """Note on an initializer its role and the path of the tensor in the module that it comes from."""
    value.metadata_props.update({_ROLE: role, _PATH: path})


def copy_tag(source: ir.Value, target: ir.Value) -> None:
    """Give a changed initializer the role and path of the one it replaces."""
    kept = {key: source.metadata_props[key] for key in (_ROLE, _PATH) if key in source.metadata_props}
    target.metadata_props.update(kept)


def is_noted(value: ir.Value) -> bool:
    """Tell whether an initializer says itself what it is."""
    return _ROLE in value.metadata_props


def role(value: ir.Value) -> str:
    """Return the role of an initializer: as noted, else as its consumers show."""
    noted = value.metadata_props.get(_ROLE)
    if noted:
        return noted
    found = {role_of_use(value, use.node, use.idx) for use in value.uses()}
    if STATISTIC in found:
        return STATISTIC
    return CONSTANT if found == {CONSTANT} or value.dtype not in _FLOATS else PARAMETER


def role_of_use(value: ir.Value, node: ir.Node, index: int) -> str:
    """Return the role of an initializer to one of its consumers, which may differ from that to another.

    Exporters write equal initializers once: zeros may be one BatchNorm's mean and another's shift.
    """
    noted = value.metadata_props.get(_ROLE)
    if noted:
        return noted
    if value.dtype not in _FLOATS or index in _SETTING_INPUTS.get(node.op_type, ()):
        return CONSTANT
    if index in _STATISTIC_INPUTS.get(node.op_type, ()):
        return STATISTIC
    written = node.op_type in _ARITHMETIC and value.shape is not None and len(value.shape) == 0
    return CONSTANT if written else PARAMETER
