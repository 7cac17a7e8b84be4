"""What every document names is there: paths, links, commands."""

import re

import pytest

from edgecnn.cli.main import COMMANDS

from .pages import NAMES, ROOT, quoted, text_of, without_blocks

FOLDERS = "edgecnn|export|quantize|devices|tests|docs|benchmarks"
LINK = re.compile(r"\]\((?P<file>[^)#]*)(?:#(?P<part>[^)]*))?\)")


def matches(name: str) -> bool:
    return any(ROOT.glob(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_path_that_a_document_names_exists(name):
    spans = " ".join(quoted(without_blocks(name)))
    paths = re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./*-]*", spans)
    assert [path for path in paths if not matches(path.rstrip("/"))] == []


def anchors(text: str) -> set[str]:
    """Return what the headings of a text are called in links."""
    heads = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_document_and_its_part(name):
    wrong = []
    for link in LINK.finditer(without_blocks(name)):
        if link["file"].startswith("https://"):
            continue
        target = (ROOT / name).parent / link["file"] if link["file"] else ROOT / name
        if not target.is_file() or (
            link["part"] and link["part"] not in anchors(target.read_text(encoding="utf-8"))
        ):
            wrong.append(link[0])
    assert wrong == []


def test_the_index_leads_to_every_page():
    linked = {"docs/README.md"}
    for index in ("docs/README.md", "docs/api/README.md"):
        folder = index.removesuffix("README.md")
        linked |= {f"{folder}{link['file']}" for link in LINK.finditer(text_of(index))}
    assert {name for name in NAMES if name.startswith("docs/")} <= linked


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_a_document_names_is_one(name):
    words = re.findall(r"`(?:\$ )?edgecnn ([a-z]+)", text_of(name))
    words += re.findall(r"^\$ edgecnn ([a-z]+)", text_of(name), re.M)
    assert set(words) <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^\$ )make ([a-z]+)", text_of(name), re.M)) <= targets


@pytest.mark.parametrize("name", NAMES)
def test_a_document_names_no_path_of_a_machine(name):
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|opt|work|usr|Users)/", text_of(name)) == []


def test_the_hooks_fetch_nothing_and_call_what_the_development_extra_installs():
    from pre_commit.clientlib import load_config

    config = load_config(str(ROOT / ".pre-commit-config.yaml"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == [".venv/bin/ruff format", ".venv/bin/ruff check"]
    assert {hook["language"] for hook in hooks} <= {"system", "unsupported"}  # as newer versions call it
