"""The TensorRT generations of the Jetsons: which JetPack brings them, and which ONNX each reads.

Sources: docs/operators.md and docs/Changelog.md of onnx-tensorrt at the releases named, for the operators and
opsets; NVIDIA's JetPack release notes for the pairing. The newest table that could be read is that of 10.15.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn.errors import UnknownNameError

LOWEST_OPSET = 9
CONSTANT_WEIGHTS_BEFORE = (8, 5)  # from then on what computes a weight may be part of the graph


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One TensorRT minor version.

    Attributes:
        tensorrt: the version, `major.minor`.
        jetpack: the JetPack that brings it, or what does.
        opset: the highest ONNX opset that its parser reads.
        operators: the ONNX operators that its parser reads.
    """

    tensorrt: str
    jetpack: str
    opset: int
    operators: frozenset[str]

    @property
    def version(self) -> tuple[int, int]:
        """Return the version as numbers, which compare."""
        major, minor = self.tensorrt.split(".")
        return int(major), int(minor)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OF_8_2 = _words("""
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil
    Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace
    DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
    GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual
    HardSigmoid Identity If InstanceNormalization IsNaN LRN LSTM LeakyRelu Less LessOrEqual Log
    LogSoftmax Loop LpNormalization LpPool MatMul Max MaxPool Mean Min Mul Neg NonMaxSuppression Not Or
    PRelu Pad Pow QuantizeLinear RNN RandomUniform RandomUniformLike Range ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
    Relu Reshape Resize ReverseSequence Round Scan Scatter ScatterElements ScatterND Selu Shape Sigmoid
    Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh
    ThresholdedRelu Tile TopK Transpose Unsqueeze Upsample Where
    """)
_FROM_8_4 = _words("Shrink Xor")
_FROM_8_5 = _words("""
    GridSample HardSwish MeanVarianceNormalization Mod NonZero OneHot RandomNormal RandomNormalLike Reciprocal
    RoiAlign Trilu
    """)
_FROM_8_6 = _words("GroupNormalization IsInf LayerNormalization")
_FROM_10_3 = _words("CastLike DeformConv Hardmax")
_FROM_10_13 = _words("BlackmanWindow Gelu HammingWindow HannWindow Mish STFT")
_FROM_10_16 = _words("Attention RMSNormalization RotaryEmbedding TensorScatter")


def _generations() -> dict[str, Generation]:
    table: tuple[tuple[str, str, int, frozenset[str]], ...] = (
        ("8.2", "JetPack 4.6.1", 13, _OF_8_2),
        ("8.4", "JetPack 5.0", 13, _FROM_8_4),
        ("8.5", "JetPack 5.1", 17, _FROM_8_5),
        ("8.6", "JetPack 6.0", 17, _FROM_8_6),
        ("10.3", "JetPack 6.1, 6.2", 20, _FROM_10_3),
        ("10.13", "JetPack 7.0, 7.1", 20, _FROM_10_13),
        ("10.16", "JetPack 7.2", 20, _FROM_10_16),
        ("11.4", "JetPack 7.2.2", 20, frozenset()),
    )
    found: dict[str, Generation] = {}
    operators: frozenset[str] = frozenset()
    for tensorrt, jetpack, opset, added in table:
        operators |= added
        found[tensorrt] = Generation(tensorrt=tensorrt, jetpack=jetpack, opset=opset, operators=operators)
    return found


GENERATIONS = _generations()


def generation(version: str) -> Generation:
    """Return the generation of a TensorRT version such as `8.2.1`."""
    minor = ".".join(version.split(".")[:2])
    if minor not in GENERATIONS:
        raise UnknownNameError("TensorRT version", version, GENERATIONS)
    return GENERATIONS[minor]


def reads_half_weights(versions: Sequence[str]) -> bool:
    """Say whether all of these read a weight that is int8 behind a Cast to float16."""
    return all(generation(version).version >= CONSTANT_WEIGHTS_BEFORE for version in versions)
