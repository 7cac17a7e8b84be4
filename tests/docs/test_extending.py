"""docs/extending.md: its examples leave nothing behind, and its compiler compiles."""

import pytest

import edgecnn
from edgecnn import device
from edgecnn.devices import TARGETS, read_profile
from edgecnn.export import compilers
from edgecnn.models import ARCHITECTURES
from edgecnn.quantize import PASSES

from .pages import blocks

PAGE = "docs/extending.md"


@pytest.mark.xdist_group(PAGE)
def test_what_an_example_registered_is_gone(pages):
    pages(PAGE)
    assert "tinynet" not in ARCHITECTURES
    assert "single_relu" not in PASSES
    assert "my-board" not in TARGETS


def test_the_compiler_makes_a_bundle(monkeypatch, tmp_path):
    (body,) = (each.body for each in blocks(PAGE) if each.body.startswith("# export/compilers.py"))
    scope = {}
    exec(compile(body, PAGE, "exec"), scope)  # noqa: S102
    monkeypatch.setattr(device, "RUNTIMES", (*device.RUNTIMES, "onnxruntime"))
    monkeypatch.setitem(compilers._COMPILERS, "onnxruntime", scope["compile_onnxruntime"])
    monkeypatch.setattr(TARGETS, "_items", {name: TARGETS[name] for name in TARGETS})
    text = "summary = 'x'\nruntime = 'onnxruntime'\nprecisions = ['fp32']\n[sources]\nprecisions = 'x'"
    TARGETS.register("server", read_profile("server", text))
    made = edgecnn.deploy("lenet", "server", out=tmp_path / "server")
    assert [artifact["path"] for artifact in made.artifacts] == ["model.onnx"]
    assert all(check.ok for check in edgecnn.verify(made.path))
