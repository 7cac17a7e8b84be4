"""The micro-networks of a GPU: as many as were meant, and none that a TensorRT refuses."""

import math
from collections import Counter

import onnx_ir as ir
import pytest

from edgecnn import devices
from edgecnn.devices.gpu_terms import GpuTiles, kernel_terms
from edgecnn.export.tensorrt import ERROR, lint
from edgecnn.graph.precision import precision_of
from edgecnn.pipeline.fitting_ways import WAYS
from edgecnn.pipeline.micro_gpu import KINDS
from edgecnn.pipeline.micro_networks import STACK, micro_networks

TENSORRT = WAYS["tensorrt"]
ONCE = {name: (1, make) for name, (_, make) in KINDS.items() if name not in (STACK, "heavy", "dense")}


@pytest.fixture(scope="module")
def files():
    """One network of each kind that is not large, in each precision."""
    return {
        (micro.name, precision): TENSORRT.compiled(micro, precision)
        for micro in micro_networks(1, 1.0, ONCE)
        for precision in TENSORRT.precisions
    }


def test_there_are_some_150_files_and_enough_stacks_for_a_band_of_nine_tenths():
    count = sum(count for count, _ in KINDS.values())
    assert 140 <= count * len(TENSORRT.precisions) <= 160
    assert KINDS[STACK][0] >= 19  # the least and the greatest of 19 hold 18 of 20 more


def test_each_file_has_its_precision_and_no_tensorrt_of_a_board_refuses_it(files):
    boards = [board for board in map(devices.find, devices.TARGETS) if board.runtime == "tensorrt"]
    versions = sorted({release.version for board in boards for release in board.runtimes})
    for (name, precision), data in files.items():
        model = TENSORRT.read(data)
        assert precision_of(model) == precision, name
        assert model.opset_imports[""] == 13
        assert [each for each in lint(model, versions) if each.severity == ERROR] == [], name
        assert isinstance(model, ir.Model)


def test_the_graph_of_a_file_is_that_which_was_written(files):
    for name in ("conv3-0", "pointwise-0"):
        half, full = (TENSORRT.graph(files[name, precision]) for precision in ("fp16", "fp32"))
        inner = [kernel for kernel in half.kernels if kernel.kind != "Cast"]
        assert [kernel.kind for kernel in inner] == [kernel.kind for kernel in full.kernels]
        assert half.weight_bytes == pytest.approx(full.weight_bytes / 2, rel=0.01)


def test_what_only_some_networks_have_is_in_three_of_them(files):
    graphs = [TENSORRT.graph(files[name, "fp32"]) for name, precision in files if precision == "fp32"]
    families = Counter(
        family for graph in graphs for family in {term.family for term in kernel_terms(graph, GpuTiles())}
    )
    rare = ("LRN", "Resize", "Slice", "Pad", "Softmax", "transposed convolution")
    assert [families[name] for name in rare] == [3] * len(rare)


def test_another_seed_gives_other_sizes_within_the_bounds():
    sizes = [
        [math.prod(micro.shape) for micro in micro_networks(seed, 1.0, {"conv3": KINDS["conv3"]})]
        for seed in (0, 1)
    ]
    assert sizes[0] != sizes[1]
    assert max(map(max, sizes)) < 768 * 160**2
