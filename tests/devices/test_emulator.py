"""Emulated boards: outputs like the board's, no latency, and a set-up that is there whole or not at all."""

import pytest

import edgecnn
from edgecnn.devices import emulator
from edgecnn.devices.emulator_files import PROCESSORS, Package
from edgecnn.errors import EdgeCnnError, UnknownNameError

needs_emulator = pytest.mark.skipif(
    not emulator.is_created(), reason="needs: edgecnn device create emulated:pi4"
)


@needs_emulator
@pytest.mark.parametrize("board", ["pi3", "pi4", "pi5"])
def test_int8_is_byte_for_byte_this_hosts(bundles, board):
    checks = edgecnn.verify_on(bundles["int8"], f"emulated:{board}")
    assert checks[-1].what.endswith("on aarch64 beside this host")
    assert checks[-1].detail == "identical bytes"


@needs_emulator
def test_float_is_near_this_hosts(bundles):
    detail = edgecnn.verify_on(bundles["fp32"], "emulated:pi4")[-1].detail
    assert detail == "identical bytes" or float(detail.split()[-1]) <= 1e-6


@needs_emulator
def test_an_emulated_board_has_no_latency(bundles):
    said = r"emulated:pi4 computes what the board computes, and not as fast.*verified there: lenet"
    with pytest.raises(EdgeCnnError, match=said):
        edgecnn.measure([bundles["fp32"]], "emulated:pi4")


def test_a_board_that_was_not_created_says_how_to(bundles, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(EdgeCnnError, match="run: edgecnn device create emulated:pi3"):
        edgecnn.verify_on(bundles["fp32"], "emulated:pi3")


def test_an_unknown_board_is_answered_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown emulated board 'pi6'; did you mean pi"):
        emulator.create("pi6")


def test_every_emulated_board_is_a_device():
    from edgecnn.devices import TARGETS

    assert set(PROCESSORS) <= set(TARGETS)
    for board, processor in PROCESSORS.items():
        assert TARGETS[board].cpu.name.lower() == processor


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "#!/bin/sh\necho 'E: Could not resolve host' >&2\nexit 100\n",
            "cannot be fetched.*Could not resolve.*online",
        ),
        (
            '#!/bin/sh\nfor last; do file="$past"; past="$last"; done\necho other > "$file"\n',
            "cannot be fetched",
        ),
    ],
    ids=["no network", "another file"],
)
def test_what_cannot_be_fetched_leaves_nothing(tmp_path, monkeypatch, program, said):
    apt = tmp_path / "apt-helper"
    apt.write_text(program)
    apt.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(emulator, "_APT", apt)
    monkeypatch.setattr(emulator, "_check_host", lambda: None)
    monkeypatch.setattr(emulator, "QEMU", Package(path="pool/qemu_1.deb", sha256="0" * 64))
    with pytest.raises(EdgeCnnError, match=said):
        emulator.create("pi4")
    assert not emulator.is_created()
    assert list((tmp_path / "cache").rglob("*")) == []


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64")])
def test_another_kind_of_machine_is_refused(monkeypatch, tmp_path, system, machine):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(emulator.platform, "system", lambda: system)
    monkeypatch.setattr(emulator.platform, "machine", lambda: machine)
    with pytest.raises(EdgeCnnError, match=f"for x86-64 Linux, and this is {system} on {machine}"):
        emulator.create("pi4")
