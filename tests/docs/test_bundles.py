"""docs/arm.md and docs/jetson.md are true: files, options and versions are those of the bundles."""

import re
import shlex
import subprocess
import sys

import pytest
from PIL import Image

from edgecnn import devices
from edgecnn.export.tensorrt import trtexec_lines

from .pages import ROOT, blocks, commands, quoted, table, text_of, the_block

ARM, JETSON = "docs/arm.md", "docs/jetson.md"
BUNDLES = {ARM: "net.pi4", JETSON: "net.jetson"}
ON_THE_JETSON = [
    shown.command
    for block in blocks(JETSON)
    if block.needs == "a board"
    for shown in commands(block)
    if shown.command.startswith("python3 ")
]


@pytest.mark.parametrize(
    "page", [pytest.param(each, marks=pytest.mark.xdist_group(each)) for each in BUNDLES]
)
def test_the_files_of_the_bundle_are_those_of_the_table(pages, page):
    bundle = pages(page) / BUNDLES[page]
    files = [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]
    assert sorted(name for row in table(page, "| file |") for name in quoted(row[0])) == sorted(files)


@pytest.mark.xdist_group(JETSON)
@pytest.mark.parametrize("line", ON_THE_JETSON)
def test_a_command_for_the_jetson_has_the_scripts_own_options(pages, line):
    folder = pages(JETSON)
    Image.new("RGB", (40, 30), (200, 30, 90)).save(folder / "picture.jpg")
    _, script, *words = shlex.split(line)
    done = subprocess.run(
        [sys.executable, "-B", script, *words],
        cwd=folder / BUNDLES[JETSON],
        capture_output=True,
        text=True,
        check=False,
    )
    # Without a GPU they end with a sentence; wrong usage would be 2.
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr


def test_there_are_commands_for_the_jetson():
    assert len(ON_THE_JETSON) >= 6


def test_the_lines_of_trtexec_are_those_of_the_bundle():
    versions = [release.version for release in devices.find("jetson").runtimes]
    written = []
    for each in trtexec_lines("model.fp16.onnx", "fp16", versions):
        written += [f"# TensorRT {each.tensorrt} ({each.jetpack})", each.build, each.time]
    assert the_block(JETSON, "trtexec").splitlines() == written


def test_the_releases_are_those_of_the_profile():
    releases = [[release.version, release.platform] for release in devices.find("jetson").runtimes]
    assert table(JETSON, "| TensorRT |") == releases


def test_the_jetsons_are_those_of_the_profiles():
    expected = {}
    for name in devices.find("jetson").members:
        profile = devices.find(name)
        releases = ", ".join(release.version for release in profile.runtimes)
        precisions = ", ".join(profile.precisions)
        expected[f"`{name}`"] = [precisions, releases, "yes" * ("dla" in profile.accelerators)]
    assert {row[0]: row[1:] for row in table(JETSON, "| target |")} == expected


def test_the_stand_ins_are_those_that_the_tests_have():
    found = {path.stem for path in (ROOT / "tests" / "standins" / "tensorrt_api").glob("*.json")}
    named = re.search(r"versions\s+\(([^)]+)\)", text_of(JETSON))[1]
    assert {version.strip() for version in named.split(",")} == found
    assert len(found) == 9
