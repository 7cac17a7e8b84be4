"""The C++ files of a microcontroller's bundle: the network as an array, what is known of it, and a sample.

`model.h` and `model.cc` need the C++ standard library alone; `main.cc` needs TFLite Micro.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from edgecnn.errors import VerificationError
from edgecnn.export.micro import templates
from edgecnn.export.micro.operators import method
from edgecnn.graph.tflite_file import TfliteTensor, read_tflite
from edgecnn.preprocessing import Preprocessing
from edgecnn.profile.footprint import Footprint
from edgecnn.version import __version__

ARRAY = "model.cc"
_TYPES = {"int8": "std::int8_t", "float32": "float"}
_IN_A_LINE = 16
_HEX = tuple(f"0x{value:02x}" for value in range(256))
_ELEMENT = re.compile(r"0x([0-9a-f]{2})")


@dataclass(frozen=True, kw_only=True)
class Firmware:
    """What the files are written from.

    Attributes:
        title: of the network.
        target: for which it was compiled.
        model: the .tflite file.
        footprint: what it needs.
        preprocessing: how a picture becomes its input.
        labels: names of the classes, where known.
        sample: elements of one input as the file takes them, (1, h, w, c), and of the output for it.
        step: of the output's elements, which is 1 where they are int8.
    """

    title: str
    target: str
    model: bytes
    footprint: Footprint
    preprocessing: Preprocessing
    labels: Sequence[str] | None
    sample: tuple[np.ndarray, np.ndarray]
    step: float


def firmware_files(firmware: Firmware) -> dict[str, bytes]:
    """Return the C++ files by name; equal networks give equal bytes."""
    texts = {
        "model.h": _header(firmware),
        ARRAY: _source(firmware),
        "sample.h": templates.SAMPLE_HEADER.format(step=_number(firmware.step)),
        "sample.cc": _sample(*firmware.sample),
    }
    main = (files("edgecnn.export.micro") / "main.cc").read_bytes()
    return {**{name: text.encode() for name, text in texts.items()}, "main.cc": main}


def read_array(text: str) -> bytes:
    """Return the bytes of the array in a `model.cc`; raise `VerificationError` where there is none."""
    _, found, rest = text.partition("kModel[] = {")
    if not found:
        raise VerificationError(f"{ARRAY} holds no array kModel")
    return bytes.fromhex("".join(_ELEMENT.findall(rest.partition("};")[0])))


def _header(firmware: Firmware) -> str:
    graph = read_tflite(firmware.model)
    needed = firmware.footprint
    operators = sorted({operator.name for operator in graph.operators})
    calls = " &&\n         ".join(f"resolver.{method(name)}() == kOk" for name in operators)
    return templates.HEADER.format(
        title=_comment(firmware.title),
        target=firmware.target,
        version=__version__,
        bytes=len(firmware.model),
        ends="\n".join(
            _end(name, graph.tensors[index])
            for name, index in (("Input", graph.inputs[0]), ("Output", graph.outputs[0]))
        ),
        preprocessing=_preprocessing(firmware.preprocessing),
        labels=_labels(firmware.labels),
        arena=needed.ram_bytes,
        kind=needed.arena_kind,
        plain=needed.arena_bytes,
        scratch=needed.scratch_bytes,
        operators=len(operators),
        calls=calls,
    )


def _comment(text: str) -> str:
    """Return text that ends no comment and continues no line."""
    return re.sub(r"[^ -~]|\\", "?", text)


def _end(name: str, tensor: TfliteTensor) -> str:
    shape = ", ".join(map(str, tensor.shape))
    lines = [
        f"using {name} = {_TYPES[tensor.dtype]};",
        f"constexpr std::int32_t k{name}Shape[] = {{{shape}}};",
        f"constexpr std::size_t k{name}Elements = {int(np.prod(tensor.shape))};",
    ]
    if tensor.scales:
        lines.append(f"constexpr float k{name}Scale = {_number(tensor.scales[0])};")
        lines.append(f"constexpr std::int32_t k{name}ZeroPoint = {tensor.zero_points[0]};")
    return "\n".join(lines)


def _preprocessing(contract: Preprocessing) -> str:
    mean, std = (", ".join(map(_number, values)) for values in (contract.mean, contract.std))
    raw = contract.channel_order == "raw"
    value = "value" if raw else "pixel / 255"
    colours = "A value" if raw else f"A pixel in {contract.channel_order}"
    return "\n".join(
        [
            f"// {colours} is read as real = ({value} - mean) / std, by channel.",
            f"constexpr float kMean[] = {{{mean}}};",
            f"constexpr float kStd[] = {{{std}}};",
        ]
    )


def _labels(labels: Sequence[str] | None) -> str:
    if labels is None:
        return "// The names of the classes are not known."
    quoted = ", ".join(_string(label) for label in labels)
    return f"constexpr const char* kLabels[] = {{{quoted}}};"


def _string(text: str) -> str:
    """Return a C++ string literal; bytes outside of ASCII are octal, which ends after three digits."""
    return f'"{"".join(map(_character, text.encode()))}"'


def _character(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"


def _number(value: float) -> str:
    """Return a float literal that reads as the same float32."""
    single = float(np.float32(value))
    return f"{single!r}f" if single.is_integer() else f"{single:.9g}f"


def _source(firmware: Firmware) -> str:
    lines = _lines([_HEX[byte] for byte in firmware.model])
    return templates.SOURCE.format(title=_comment(firmware.title), lines=lines)


def _sample(given: np.ndarray, expected: np.ndarray) -> str:
    return templates.SAMPLE.format(given=_elements(given), expected=_elements(expected))


def _elements(array: np.ndarray) -> str:
    values = array.ravel().tolist()
    return _lines(
        [_number(value) for value in values] if array.dtype == np.float32 else list(map(str, values))
    )


def _lines(words: Sequence[str]) -> str:
    rows = (words[start : start + _IN_A_LINE] for start in range(0, len(words), _IN_A_LINE))
    return "\n".join(f"    {', '.join(row)}," for row in rows)
