"""The reference has every public name, and each says what goes in, what comes out, and what is refused."""

import dataclasses
import importlib.util
import inspect
import re
import subprocess
import sys

import pytest

import edgecnn

from .pages import NAMES, ROOT, text_of

_SPEC = importlib.util.spec_from_file_location("docs_conf", ROOT / "docs" / "conf.py")
_CONF = importlib.util.module_from_spec(_SPEC)


def _public():
    _SPEC.loader.exec_module(_CONF)
    pages = [text_of(name) for name in NAMES if name.startswith("docs/api/")]
    for module, names in (each for text in pages for each in _CONF.references(text)):
        home = importlib.import_module(module)
        yield from ((f"{module}.{name}", getattr(home, name)) for name in names)


PUBLIC = dict(_public())
FUNCTIONS = [name for name, value in PUBLIC.items() if inspect.isroutine(value)]
COMMANDS = [name for name in FUNCTIONS if name.count(".") == 1]  # edgecnn.NAME
RECORDS = [name for name, value in PUBLIC.items() if dataclasses.is_dataclass(value)]


def text_about(name: str) -> str:
    return inspect.getdoc(PUBLIC[name]) or ""


def described(name: str, part: str) -> set[str]:
    """Return what a part of a docstring, such as `Args:`, has a line of."""
    found = re.search(rf"^{part}:\n((?: +.*\n?|\n)*)", text_about(name), re.M)
    return set(re.findall(r"^ {4}(\w+):", found[1], re.M)) if found else set()


def test_the_reference_has_all_of_edgecnn():
    names = {name for name in edgecnn.__all__ if not name.startswith("__")}
    assert names <= {name.removeprefix("edgecnn.") for name in PUBLIC}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_a_docstring_of_its_own(name):
    written = PUBLIC[name].__doc__ or ""
    assert written.strip()
    assert not written.startswith(f"{PUBLIC[name].__name__}(")  # what a dataclass without one gets


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_describes_every_argument_and_what_it_gives(name):
    assert described(name, "Args") == set(inspect.signature(PUBLIC[name]).parameters)
    assert "Returns:" in text_about(name) or text_about(name).startswith("Return ")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_function_of_edgecnn_says_what_it_refuses(name):
    assert "Raises:\n" in text_about(name)


@pytest.mark.parametrize("name", RECORDS)
def test_a_public_record_describes_every_field(name):
    fields = {field.name for field in dataclasses.fields(PUBLIC[name]) if not field.name.startswith("_")}
    assert fields == described(name, "Attributes")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    words = [
        "-q",
        "-W",
        "--keep-going",
        "-c",
        "docs",
        "-d",
        str(folder / "doctrees"),
        ".",
        str(folder / "html"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {page.relative_to(folder / "html").as_posix(): page.read_text(encoding="utf-8")
            for page in (folder / "html").rglob("*.html")}  # fmt: skip


@pytest.mark.xdist_group("html")
def test_the_documentation_builds_without_a_warning_and_has_every_function(built):
    assert {f"{name.removesuffix('.md')}.html" for name in NAMES} <= set(built)
    assert [name for name in COMMANDS if f'id="{name}"' not in built["docs/api/edgecnn.html"]] == []


@pytest.mark.xdist_group("html")
def test_the_pages_fetch_nothing(built):
    fetched = r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*"
    assert {name: found for name, page in built.items() if (found := re.findall(fetched, page))} == {}
