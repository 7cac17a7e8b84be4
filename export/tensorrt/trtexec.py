"""`trtexec_lines`: the command lines that build and time an engine with NVIDIA's own tool.

None of them has been run on a board; the flags are those of the versions' documentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn.errors import UnknownNameError
from edgecnn.export.tensorrt.generations import GENERATIONS, Generation, generation

DEFAULT_WORKSPACE_MIB = 256
_PRECISION_FLAGS: dict[str, tuple[str, ...]] = {"fp32": (), "fp16": ("--fp16",), "int8": ("--int8",)}
# Flag by the versions that have it, [from, until): the first row that fits is taken.
_WORKSPACE = (((8, 4), (99, 0), "--memPoolSize=workspace:{mib}"), ((8, 0), (8, 4), "--workspace={mib}"))
_BUILD_ONLY = (((8, 6), (99, 0), "--skipInference"), ((8, 0), (8, 6), "--buildOnly"))
_STRONGLY_TYPED = (((10, 0), (11, 0), "--stronglyTyped"),)
# Version 11 times CUDA graphs, spin-waits and leaves the copies out; with these it measures what 10 does.
_COMPARABLE = (((11, 0), (99, 0), "--noCudaGraph --noSpinWait --includeDataTransfers"),)
_WEAKLY_TYPED_UNTIL = (10, 0)

Row = tuple[tuple[int, int], tuple[int, int], str]


@dataclass(frozen=True, kw_only=True)
class TrtexecLines:
    """For one TensorRT generation: the line that builds the engine and the line that times it."""

    tensorrt: str
    jetpack: str
    build: str
    time: str


def trtexec_lines(
    onnx: str,
    precision: str,
    versions: Sequence[str] = tuple(GENERATIONS),
    workspace_mib: int | None = None,
    rest: str = "fp32",
) -> list[TrtexecLines]:
    """Return trtexec's lines for an ONNX file in each TensorRT version, oldest first.

    Args:
        onnx: the file, already of that precision (`model.fp16.onnx`).
        precision: `fp32`, `fp16` or `int8`.
        versions: TensorRT versions, such as those of a target's profile.
        workspace_mib: scratch memory of the build.
        rest: `fp16` where that is what int8 leaves in float.
    """
    if precision not in _PRECISION_FLAGS:
        raise UnknownNameError("precision", precision, _PRECISION_FLAGS)
    generations = sorted({generation(version) for version in versions}, key=lambda each: each.version)
    mib = workspace_mib or DEFAULT_WORKSPACE_MIB
    allowed = _PRECISION_FLAGS[precision] + (_PRECISION_FLAGS[rest] if precision == "int8" else ())
    return [_lines(each, onnx, precision, allowed, mib) for each in generations]


def trtexec_text(graphs: Sequence[tuple[str, str, str]], versions: Sequence[str]) -> str:
    """Return the lines for graphs (file, precision, rest) as a text with the TensorRT above each."""
    lines = [
        "# For those who prefer trtexec: build, then time. run.py takes engines of build_engine.py only.",
        "# None of these lines has been run on a board yet.",
    ]
    for onnx, precision, rest in graphs:
        for each in trtexec_lines(onnx, precision, versions, rest=rest):
            head = f"\n# TensorRT {each.tensorrt} ({each.jetpack}), {precision}"
            lines += [head, each.build, each.time]
    return "\n".join(lines) + "\n"


def _lines(each: Generation, onnx: str, precision: str, allowed: Sequence[str], mib: int) -> TrtexecLines:
    engine = f"model.{precision}.engine"
    weakly_typed = each.version < _WEAKLY_TYPED_UNTIL
    build = [
        "trtexec",
        f"--onnx={onnx}",
        f"--saveEngine={engine}",
        *(allowed if weakly_typed else ()),
        *_flag(_STRONGLY_TYPED, each),
        *(("--noTF32",) if precision == "fp32" else ()),
        *(flag.format(mib=mib) for flag in _flag(_WORKSPACE, each)),
        *_flag(_BUILD_ONLY, each),
    ]
    time = ["trtexec", f"--loadEngine={engine}", *_flag(_COMPARABLE, each)]
    return TrtexecLines(
        tensorrt=each.tensorrt, jetpack=each.jetpack, build=" ".join(build), time=" ".join(time)
    )


def _flag(rows: Sequence[Row], each: Generation) -> list[str]:
    return [text for first, until, text in rows if first <= each.version < until][:1]
