"""The C++ files: read back, compiled, and run with stand-ins for TFLite Micro's headers."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecnn.errors import VerificationError
from edgecnn.export.micro import ARRAY, Firmware, firmware_files, read_array
from edgecnn.export.micro.firmware import _number
from edgecnn.export.tflite import write
from edgecnn.preprocessing import raw_preprocessing
from edgecnn.profile.footprint import Footprint

STANDINS = Path(__file__).parents[2] / "standins" / "tflite_micro"
COMPILER = shutil.which("g++") or shutil.which("c++")
STRICT = ("-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-const-variable")
NEEDED = Footprint(
    arena_bytes=1000, arena_kind="measured", scratch_bytes=24, model_bytes=4000, model_kind="measured"
)


@pytest.fixture(scope="module")
def firmware(model):
    draw = np.random.default_rng(2)
    sample = (draw.integers(-128, 128, (1, 8, 8, 3), np.int8), np.array([[-128, -1, 0, 1, 120]], np.int8))
    return Firmware(
        title="net(width=1.0)", target="cortex-m7", model=model, footprint=NEEDED,
        preprocessing=raw_preprocessing(3, 8, 8), labels=("a", 'b"\\?', "ä"), sample=sample, step=1.0,
    )  # fmt: skip


@pytest.fixture
def compiled(tmp_path):
    """Write the files of a firmware with others beside them, compile these and give the program's path."""
    if COMPILER is None:
        pytest.skip("there is no C++ compiler here")

    def build(firmware, *more, sources=("model.cc", "sample.cc", "main.cc"), flags=(), **texts):
        for name, data in {**firmware_files(firmware), **{k: v.encode() for k, v in texts.items()}}.items():
            (tmp_path / name).write_bytes(data)
        words = [COMPILER, *STRICT, f"-I{STANDINS}", f"-I{tmp_path}", *flags, "-o", "program", *sources]
        subprocess.run([*words, *more], cwd=tmp_path, check=True, capture_output=True, text=True)
        return tmp_path / "program"

    return build


def run(program):
    return subprocess.run([program], capture_output=True, text=True, check=False)


def test_the_array_is_the_file_byte_by_byte(firmware):
    assert read_array(firmware_files(firmware)[ARRAY].decode()) == firmware.model


def test_a_changed_byte_of_the_array_is_seen(firmware):
    text = firmware_files(firmware)[ARRAY].decode()
    assert read_array(text.replace("0x54, 0x46", "0x54, 0x47", 1)) != firmware.model


def test_a_file_without_an_array_is_refused():
    with pytest.raises(VerificationError, match="model.cc holds no array kModel"):
        read_array("int main() {}")


def test_equal_networks_give_equal_bytes(firmware):
    assert firmware_files(firmware) == firmware_files(replace(firmware))


@pytest.mark.parametrize("text", ["a\nb", "a\\", "ü", "\x1b[2J"])
def test_a_title_stays_in_its_comment(firmware, text):
    head = firmware_files(replace(firmware, title=text))["model.h"].decode().splitlines()
    assert head[0].startswith("// a") or head[0].startswith("// ?")
    assert head[0].isascii()
    assert "\\" not in head[0]
    assert head[1] == "#ifndef EDGECNN_MODEL_H_"


def test_the_constants_are_those_of_the_file_and_its_contract(firmware, compiled):
    check = """
#include <cstdio>
#include "model.h"
int main() {
  using namespace edgecnn;
  for (std::size_t i = 0; i < kModelBytes; ++i) std::printf("%02x", kModel[i]);
  const bool aligned = reinterpret_cast<std::uintptr_t>(kModel) % 16 == 0;
  std::printf("\\n%d %zu %u %d%d%d%d %d\\n", aligned, kArenaBytes, kOperators, int(kInputShape[0]),
              int(kInputShape[1]), int(kInputShape[2]), int(kInputShape[3]), int(sizeof(Output)));
  std::printf("%a %d %a %d\\n", kInputScale, int(kInputZeroPoint), kOutputScale, int(kOutputZeroPoint));
  std::printf("%s|%s|%s\\n", kLabels[0], kLabels[1], kLabels[2]);
}
"""
    program = compiled(firmware, sources=("model.cc", "check.cc"), **{"check.cc": check})
    array, sizes, grids, labels = run(program).stdout.splitlines()
    assert bytes.fromhex(array) == firmware.model
    assert sizes == f"1 {1000 + 24} 4 1883 1"
    from edgecnn.graph.tflite_file import read_tflite

    graph = read_tflite(firmware.model)
    ends = [graph.tensors[index] for index in (graph.inputs[0], graph.outputs[0])]
    found = grids.split()
    assert [float.fromhex(text) for text in found[::2]] == [end.scales[0] for end in ends]
    assert [int(text) for text in found[1::2]] == [end.zero_points[0] for end in ends]
    assert labels == 'a|b"\\?|ä'


def test_a_header_of_another_network_does_not_compile(firmware, compiled):
    header = firmware_files(firmware)["model.h"].decode()
    other = header.replace(f"kModelBytes = {len(firmware.model)}", f"kModelBytes = {len(firmware.model) + 1}")
    with pytest.raises(subprocess.CalledProcessError):
        compiled(firmware, "-c", sources=("model.cc",), **{"model.h": other})


@pytest.mark.parametrize(
    ("off_by", "code", "said"),
    [
        (0, 0, "0 thousandths of a step: as expected"),
        (1, 0, "1000 thousandths"),
        (2, 1, "2000 thousandths of a step: WRONG"),
    ],
)
def test_the_example_runs_the_sample_and_says_how_far_it_is(firmware, compiled, off_by, code, said):
    ran = run(compiled(firmware, flags=(f"-DOFF_BY={off_by}",)))
    assert (ran.returncode, said in ran.stdout) == (code, True), ran.stdout
    assert ran.stdout.startswith("arena: 1008 of 1024 bytes used\n")


def test_float_ends_are_floats(firmware, compiled, graph):
    given, made = np.full((1, 8, 8, 3), 0.1, np.float32), np.array([[1, -2.5, 0, 1e-30, 3e8]], np.float32)
    floats = replace(firmware, model=write(graph), sample=(given, made), step=0.25, labels=None)
    # QUANTIZE and DEQUANTIZE are not among the stand-in's operators.
    text = firmware_files(floats)["model.h"].decode()
    assert "resolver.AddQuantize() == kOk" in text
    assert "using Input = float;" in text
    assert "kInputScale" not in text
    check = """
#include <cstdio>
#include "sample.h"
int main() { for (float value : edgecnn::kSampleOutput) std::printf("%a ", value); }
"""
    program = compiled(floats, sources=("model.cc", "sample.cc", "check.cc"), **{"check.cc": check})
    assert [np.float32(float.fromhex(text)) for text in run(program).stdout.split()] == made.ravel().tolist()


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (1.0, "1.0f"),
        (0.1, "0.100000001f"),
        (2.9999999999, "3.0f"),  # the nearest float32 is a whole number
        (-0.0, "-0.0f"),
        (1e20, "1.0000000200408773e+20f"),
        (1e-45, "1.40129846e-45f"),
    ],
)
def test_a_number_is_a_literal_of_the_same_float32(value, literal):
    assert _number(value) == literal
    assert np.float32(literal[:-1]) == np.float32(value)
    assert set(".e") & set(literal)  # "3f" is no number in C++
