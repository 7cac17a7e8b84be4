"""`DeviceProfile`: construction is validation, and a board refuses early what it cannot run."""

from dataclasses import replace

import pytest

from edgecnn.device import Cpu, DeviceProfile, RuntimeRelease
from edgecnn.errors import EdgeCnnError

BOARD = DeviceProfile(
    name="board",
    summary="A board",
    runtime="tensorrt",
    precisions=("fp32", "fp16"),
    opset=13,
    runtimes=(RuntimeRelease(name="tensorrt", version="8.2.1", platform="JetPack 4.6.1"),),
    missing_operators=("HardSwish",),
    refusals={"int8": "its GPU has no int8"},
    sources=dict.fromkeys(("opset", "precisions", "runtimes", "missing_operators"), "a test"),
)


def test_what_the_board_can_run_is_not_refused():
    BOARD.refuse(precision="fp16", opset=13, operators=["Conv", "Relu"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"precision": "int8"}, "board cannot run int8: its GPU has no int8; give --fp16 instead of --int8"),
        ({"precision": "int4"}, "unknown precision 'int4'"),
        ({"opset": 14}, "up to opset 13 and the graph is at opset 14; export it with opset_version=13"),
        (
            {"operators": ["Conv", "HardSwish"]},
            r"no HardSwish \(tensorrt 8.2.1 of JetPack 4.6.1\); replace it",
        ),
    ],
    ids=["precision", "unknown precision", "opset", "operator"],
)
def test_what_the_board_cannot_run_is_refused_with_the_next_step(asked, message):
    with pytest.raises(EdgeCnnError, match=message):
        BOARD.refuse(**asked)


def test_a_board_with_one_precision_says_to_leave_the_flag_out():
    only_float = replace(BOARD, precisions=("fp32",), refusals={})
    with pytest.raises(EdgeCnnError, match="board cannot run fp16: it runs fp32; leave --fp16 out"):
        only_float.refuse(precision="fp16")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "My Board"}, "no device name"),
        ({"precisions": ()}, "precisions is empty"),
        ({"precisions": ("fp8",)}, "'fp8'"),
        ({"accelerators": ("npu",)}, "'npu'"),
        ({"memory_bytes": 0}, "memory_bytes=0 is not a positive number"),
        ({"memory_bandwidth_bytes_per_s": float("nan")}, "not a positive number"),
        ({"peak_mult_adds_per_s": {"fp32": -1.0}}, "fp32=-1.0 is not a positive number"),
        ({"soc": "A chip"}, "no source for soc"),
        ({"sources": {"colour": "a test"}}, "unknown board: source of 'colour'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_profile_cannot_be_made(change, message):
    with pytest.raises(EdgeCnnError, match=message):
        replace(BOARD, **change)


def test_a_processor_has_cores():
    with pytest.raises(EdgeCnnError, match="cores=0"):
        Cpu(name="A", cores=0, isa="ARMv8.0-A", dotprod=False)
