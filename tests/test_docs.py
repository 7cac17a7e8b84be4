"""The documents are true: their examples run, and what they repeat of the code is what the code says."""

import contextlib
import inspect
import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import edgecnn
from edgecnn import calls, device, devices, sample
from edgecnn.calls import Call, parse_call, parse_recipe
from edgecnn.cli.main import COMMANDS, cli
from edgecnn.devices import TARGETS, read_profile
from edgecnn.errors import EdgeCnnError
from edgecnn.export import compilers, parity
from edgecnn.export.recorder import record
from edgecnn.export.tensorrt import trtexec_lines
from edgecnn.models import ARCHITECTURES, complete
from edgecnn.quantize import PASSES, compress
from edgecnn.quantize.recipe import check_recipe
from edgecnn.runtime.onnx_runner import OnnxRunner
from edgecnn.spec import ModelSpec

ROOT = Path(__file__).parents[1]
NAMES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
DOCUMENTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (
    *(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md")),
)}  # fmt: skip
ARCHITECTURE, CONTRIBUTING = DOCUMENTS["ARCHITECTURE.md"], DOCUMENTS["CONTRIBUTING.md"]
GRAMMAR, ARM, JETSON = (DOCUMENTS[f"docs/{name}.md"] for name in ("grammar", "arm", "jetson"))
FENCE = re.compile(r"^```(?P<info>[^\n]+)\n(?P<body>.*?)^```$", re.M | re.S)
FOLDERS = "edgecnn|export|quantize|devices|tests|docs|benchmarks"


def block(text: str, info: str) -> str:
    """Return the one block of a document that is fenced with these words."""
    (body,) = (found["body"] for found in FENCE.finditer(text) if found["info"] == info)
    return body


def table(text: str, title: str) -> list[list[str]]:
    """Return the cells of the first table after a piece of text, without the head."""
    rows = re.search(r"(?:^\|.*\n)+", text[text.index(title) :], re.M)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def matches(name: str) -> bool:
    return any(ROOT.glob(name))


# ---- every document


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name):
    spans = " ".join(quoted(FENCE.sub("", DOCUMENTS[name])))
    paths = re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./*-]*", spans)
    assert [path for path in paths if not matches(path.rstrip("/"))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_document(name):
    links = re.findall(r"\]\(([^)]+)\)", DOCUMENTS[name])
    inside = [link for link in links if not link.startswith("https://")]
    assert [link for link in inside if not ((ROOT / name).parent / link).is_file()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_a_document_names_is_one(name):
    words = re.findall(r"`(?:\$ )?edgecnn ([a-z]+)", DOCUMENTS[name])
    words += re.findall(r"^\$ edgecnn ([a-z]+)", DOCUMENTS[name], re.M)
    assert set(words) <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^\$ )make ([a-z]+)", DOCUMENTS[name], re.M)) <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_names_no_path_of_a_machine(name):
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|opt|work|usr|Users)/", DOCUMENTS[name]) == []


def test_the_hooks_fetch_nothing_and_call_what_the_development_extra_installs():
    from pre_commit.clientlib import load_config

    config = load_config(str(ROOT / ".pre-commit-config.yaml"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == [".venv/bin/ruff format", ".venv/bin/ruff check"]
    assert {hook["language"] for hook in hooks} <= {"system", "unsupported"}  # as newer versions call it


# ---- the grammar


def test_the_grammar_is_that_of_the_module():
    written = inspect.getdoc(calls).split("\n\n")[1]
    assert block(GRAMMAR, "ebnf").strip() == dedent(written).strip()


@pytest.mark.parametrize("text", block(GRAMMAR, "model").splitlines())
def test_a_model_of_the_grammar_is_one(text):
    spec = ModelSpec.parse(text)
    assert ModelSpec.parse(str(complete(spec))) == complete(spec)


@pytest.mark.parametrize("text", block(GRAMMAR, "recipe").splitlines())
def test_a_recipe_of_the_grammar_is_one(text):
    check_recipe(parse_recipe(text))


@pytest.mark.parametrize("text", block(GRAMMAR, "refused").splitlines())
def test_what_the_grammar_says_is_refused_is(text):
    with pytest.raises(EdgeCnnError):
        (parse_recipe if "|" in text else parse_call)(text)


def test_an_unknown_key_is_answered_as_the_grammar_says():
    call, answer = re.search(r"`([^`]+)` is answered with \"([^\"]+)\"", GRAMMAR).groups()
    with pytest.raises(EdgeCnnError, match=re.escape(answer)):
        complete(ModelSpec.parse(call))


# ---- the architecture


def test_the_arrow_names_every_module_once():
    rooms = {
        path.stem for path in (ROOT / "edgecnn").iterdir() if not path.name.startswith(("__", "py.typed"))
    }
    rooms |= {"export", "quantize", "devices"}
    named = block(ARCHITECTURE, "arrow").split()
    assert sorted(named) == sorted(rooms)


@pytest.mark.xdist_group("docs")
def test_the_manifests_keys_are_those_of_a_bundle(arm_bundle):
    manifest = json.loads((arm_bundle / "manifest.json").read_text())
    rows = table(ARCHITECTURE, "`manifest.json`:\n")
    assert sorted(key for row in rows for key in quoted(row[0])) == sorted(manifest)
    cells = {row[0]: row[1] for row in rows}
    for key, entry in (("model", manifest["model"]), ("artifacts", manifest["artifacts"][0])):
        assert set(entry) == set(quoted(cells[f"`{key}`"])), key
    assert set(manifest["preprocessing"]) == set(quoted(cells["`preprocessing`"]))


def test_the_tolerances_are_those_of_the_code():
    board = compilers._BOARD
    expected = [
        [parity.LOSSLESS],
        [parity.LOSSLESS],
        [parity.LOSSLESS],
        [compilers._FP16],
        [parity.LOSSLESS, board["fp32"]],
        [compilers._FP16, board["fp16"]],
    ]
    rows = table(ARCHITECTURE, "| hop |")
    assert [[float(number) for number in row[2].split(" + ")] for row in rows] == expected
    assert f"less than {parity._LEAST_RESPONSE:.0e}".replace("e-0", "e-") in ARCHITECTURE
    assert sample.COUNT == 4
    assert "four pictures" in ARCHITECTURE


# ---- adding something


def execute(info: str, **given: Any) -> dict[str, Any]:
    """Run a block of CONTRIBUTING.md as a module would be."""
    scope = {"__name__": "example", **given}
    exec(compile(block(CONTRIBUTING, info), f"CONTRIBUTING.md, {info}", "exec"), scope)  # noqa: S102
    return scope


@pytest.fixture
def registries(monkeypatch):
    """What an example registers is gone afterwards."""
    for registry in (ARCHITECTURES, PASSES, TARGETS):
        monkeypatch.setattr(registry, "_items", {name: registry[name] for name in registry})


def test_the_architecture_registers_builds_records_profiles_and_exports(registries, tmp_path):
    assert "tinynet" not in ARCHITECTURES
    execute("python architecture")
    spec = complete(ModelSpec.parse("tinynet(width=0.5, classes=7)"))
    with torch.no_grad():
        assert ARCHITECTURES["tinynet"].build(spec)(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    found = edgecnn.costs(spec)
    assert found.mult_adds == 16 * 16 * 8 * 27 + 8 * 7
    assert found.parameters == 8 * 27 + 2 * 8 + 8 * 7 + 7
    made = edgecnn.deploy(spec, "pi4", res=16, out=tmp_path / "tiny")
    assert all(hop.holds for hop in made.parity)


def test_what_an_example_registered_is_gone():
    assert "tinynet" not in ARCHITECTURES
    assert "single_relu" not in PASSES


def test_the_pass_registers_and_does_what_its_equation_says(registries, rng):
    execute("python pass")
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.ReLU(), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)
    )
    (step,) = compress(record(network, (1, 3, 8, 8)), [Call("single_relu")])
    assert (step.matched, [node.op_type for node in step.after.graph]) == (
        2,
        ["Conv", "Relu", "Flatten", "Gemm"],
    )
    images = rng.standard_normal((4, 3, 8, 8), np.float32)
    np.testing.assert_array_equal(OnnxRunner(step.before)(images), OnnxRunner(step.after)(images))


def test_the_device_and_the_family_are_targets(registries, tmp_path):
    for name in ("my-board", "my-family"):
        TARGETS.register(name, read_profile(name, block(CONTRIBUTING, f"toml devices/{name}.toml")))
    assert devices.find("my-family").members == ("pi4", "my-board")
    for name in ("my-board", "my-family"):
        assert edgecnn.deploy("lenet", name, out=tmp_path / name).target == name
    with pytest.raises(EdgeCnnError, match="no half-precision arithmetic"):
        devices.find("my-board").refuse(precision="fp16")


def test_the_compiler_makes_a_bundle(registries, monkeypatch, tmp_path):
    monkeypatch.setattr(device, "RUNTIMES", (*device.RUNTIMES, "onnxruntime"))
    scope = execute("python compiler", **vars(compilers))
    monkeypatch.setitem(compilers._COMPILERS, "onnxruntime", scope["_compile_onnxruntime"])
    text = "summary = 'x'\nruntime = 'onnxruntime'\nprecisions = ['fp32']\n[sources]\nprecisions = 'x'"
    TARGETS.register("server", read_profile("server", text))
    made = edgecnn.deploy("lenet", "server", out=tmp_path / "server")
    assert [artifact["path"] for artifact in made.artifacts] == ["model.onnx"]
    assert all(check.ok for check in edgecnn.verify(made.path))


# ---- a bundle on the board


def export(text: str, folder: Path) -> Path:
    """Run the `edgecnn export` of a document in a folder; return the bundle."""
    (line,) = block(text, "console").splitlines()
    words = shlex.split(line.removeprefix("$ "))
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        cli.main(words[1:], standalone_mode=False)
    return folder / words[words.index("-o") + 1]


@pytest.fixture(scope="module")
def arm_bundle(tmp_path_factory):
    return export(ARM, tmp_path_factory.mktemp("arm"))


@pytest.fixture(scope="module")
def jetson_bundle(tmp_path_factory):
    return export(JETSON, tmp_path_factory.mktemp("jetson"))


def on_the_board(line: str, bundle: Path) -> subprocess.CompletedProcess[str]:
    Image.new("RGB", (40, 30), (200, 30, 90)).save(bundle.parent / "picture.jpg")
    program, script, *words = [word.replace("picture.jpg", "../picture.jpg") for word in shlex.split(line)]
    assert program == "python3"
    return subprocess.run(
        [sys.executable, "-B", script, *words], cwd=bundle, capture_output=True, text=True, check=False
    )


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("text", [ARM, JETSON], ids=["arm", "jetson"])
def test_the_files_of_the_bundle_are_those_of_the_table(text, arm_bundle, jetson_bundle):
    bundle = arm_bundle if text is ARM else jetson_bundle
    files = [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]
    assert sorted(name for row in table(text, "| file |") for name in quoted(row[0])) == sorted(files)


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("line", block(ARM, "board").splitlines())
def test_a_command_for_the_pi_runs(line, arm_bundle):
    done = on_the_board(line, arm_bundle)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize("line", block(JETSON, "board").splitlines())
def test_a_command_for_the_jetson_has_the_scripts_own_options(line, jetson_bundle):
    done = on_the_board(line, jetson_bundle)
    # Without a GPU they end with a sentence; wrong usage would be 2.
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr


def test_the_lines_of_trtexec_are_those_of_the_bundle():
    versions = [release.version for release in devices.find("jetson").runtimes]
    written = []
    for each in trtexec_lines("model.fp16.onnx", "fp16", versions):
        written += [f"# TensorRT {each.tensorrt} ({each.jetpack})", each.build, each.time]
    assert block(JETSON, "trtexec").splitlines() == written


def test_the_releases_are_those_of_the_profile():
    releases = [[release.version, release.platform] for release in devices.find("jetson").runtimes]
    assert table(JETSON, "| TensorRT |") == releases


def test_the_jetsons_are_those_of_the_profiles():
    expected = {}
    for name in devices.find("jetson").members:
        profile = devices.find(name)
        releases = ", ".join(release.version for release in profile.runtimes)
        expected[f"`{name}`"] = [
            ", ".join(profile.precisions),
            releases,
            "yes" * ("dla" in profile.accelerators),
        ]
    assert {row[0]: row[1:] for row in table(JETSON, "| target |")} == expected


def test_the_stand_ins_are_those_that_the_tests_have():
    found = {path.stem for path in (ROOT / "tests" / "standins" / "tensorrt_api").glob("*.json")}
    named = re.search(r"versions\s+\(([^)]+)\)", JETSON)[1]
    assert {version.strip() for version in named.split(",")} == found
    assert len(found) == 9
