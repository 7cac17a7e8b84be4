"""ARCHITECTURE.md is true: what it repeats of the code is what the code says."""

import json

import pytest

from edgecnn import sample
from edgecnn.export import artifacts, compilers, parity

from .pages import ROOT, quoted, table, text_of, the_block

PAGE = "ARCHITECTURE.md"


def test_the_arrow_names_every_module_once():
    rooms = {
        path.stem for path in (ROOT / "edgecnn").iterdir() if not path.name.startswith(("__", "py.typed"))
    }
    rooms |= {"export", "quantize", "devices"}
    assert sorted(the_block(PAGE, "arrow").split()) == sorted(rooms)


@pytest.mark.xdist_group("docs/arm.md")
def test_the_manifests_keys_are_those_of_a_bundle(pages):
    manifest = json.loads((pages("docs/arm.md") / "net.pi4" / "manifest.json").read_text())
    rows = table(PAGE, "`manifest.json`:\n")
    assert sorted(key for row in rows for key in quoted(row[0])) == sorted(manifest)
    cells = {row[0]: row[1] for row in rows}
    for key, entry in (("model", manifest["model"]), ("artifacts", manifest["artifacts"][0])):
        assert set(entry) == set(quoted(cells[f"`{key}`"])), key
    assert set(manifest["preprocessing"]) == set(quoted(cells["`preprocessing`"]))


def test_the_tolerances_are_those_of_the_code():
    board = artifacts._BOARD
    expected = [
        [parity.LOSSLESS],
        [parity.LOSSLESS],
        [parity.LOSSLESS],
        [compilers._FP16],
        [parity.LOSSLESS, board["fp32"]],
        [compilers._FP16, board["fp16"]],
    ]
    rows = table(PAGE, "| hop |")
    assert [[float(number) for number in row[2].split(" + ")] for row in rows] == expected
    text = text_of(PAGE)
    assert f"less than {parity._LEAST_RESPONSE:.0e}".replace("e-0", "e-") in text
    assert sample.COUNT == 4
    assert "four pictures" in text
