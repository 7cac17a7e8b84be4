"""`trtexec_lines`: each generation gets flags that its trtexec has."""

import pytest

from edgecnn.devices import TARGETS, find
from edgecnn.errors import UnknownNameError
from edgecnn.export.tensorrt import GENERATIONS, generation, trtexec_lines

# By flag: the first version that has it and the first that has not, of NVIDIA's migration guides.
HAVE = {
    "--workspace=": ((8, 0), (10, 0)),
    "--memPoolSize=": ((8, 4), (99, 0)),
    "--buildOnly": ((8, 0), (10, 0)),
    "--skipInference": ((8, 6), (99, 0)),
    "--fp16": ((8, 0), (11, 0)),
    "--int8": ((8, 0), (11, 0)),
    "--stronglyTyped": ((9, 0), (99, 0)),
    "--explicitBatch": ((8, 0), (10, 0)),
}


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("version", GENERATIONS)
def test_a_line_has_only_flags_of_its_version(version, precision):
    (lines,) = trtexec_lines("model.onnx", precision, [version])
    for flag, (first, until) in HAVE.items():
        if flag in lines.build:
            assert first <= generation(version).version < until
    assert lines.build.startswith(f"trtexec --onnx=model.onnx --saveEngine=model.{precision}.engine")


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("8.2.1", "--fp16 --workspace=256 --buildOnly"),
        ("8.5.2", "--fp16 --memPoolSize=workspace:256 --buildOnly"),
        ("8.6.1", "--fp16 --memPoolSize=workspace:256 --skipInference"),
        ("10.3.0", "--stronglyTyped --memPoolSize=workspace:256 --skipInference"),
        ("11.4.0", "--memPoolSize=workspace:256 --skipInference"),
    ],
)
def test_the_line_that_builds_an_fp16_engine(version, line):
    (lines,) = trtexec_lines("model.fp16.onnx", "fp16", [version])
    assert lines.build == f"trtexec --onnx=model.fp16.onnx --saveEngine=model.fp16.engine {line}"


def test_version_11_is_timed_as_the_older_ones_are():
    old, new = trtexec_lines("model.onnx", "fp32", ["10.3.0", "11.4.0"])
    assert old.time == "trtexec --loadEngine=model.fp32.engine"
    assert new.time == f"{old.time} --noCudaGraph --noSpinWait --includeDataTransfers"


def test_the_versions_of_a_target_give_a_line_each_oldest_first():
    versions = [release.version for release in find("jetson").runtimes]
    assert [lines.tensorrt for lines in trtexec_lines("model.onnx", "fp32", versions)] == [
        "8.2",
        "8.5",
        "10.3",
        "10.13",
    ]


def test_the_workspace_is_as_asked_for():
    assert "--workspace=64 " in trtexec_lines("m.onnx", "fp32", ["8.2.1"], workspace_mib=64)[0].build


def test_an_unknown_precision_is_answered_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown precision 'fp15'; did you mean fp16"):
        trtexec_lines("model.onnx", "fp15")


@pytest.mark.parametrize("name", [name for name in TARGETS if find(name).runtime == "tensorrt"])
def test_a_profile_agrees_with_the_generations_that_it_names(name):
    profile = find(name)
    oldest, *_ = generations = [generation(release.version) for release in profile.runtimes]
    assert profile.opset == min(each.opset for each in generations)
    assert not set(profile.missing_operators) & set(generation("8.5").operators) - {"HardSwish"}
    assert all(operator not in oldest.operators for operator in profile.missing_operators)
