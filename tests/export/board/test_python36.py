"""The scripts for the board keep to Python 3.6: its syntax, its standard library, numpy and the runtime."""

import ast
import re
from pathlib import Path

import pytest

import edgecnn.export.board

SCRIPTS = sorted(Path(edgecnn.export.board.__file__).parent.glob("[a-z]*.py"))
ALLOWED_MODULES = {
    *("argparse", "ctypes", "glob", "hashlib", "importlib", "io", "json", "math", "operator", "random", "os"),
    *("platform", "re", "resource", "select", "shlex", "struct", "subprocess", "sys", "time", "typing"),
    *("warnings", "numpy", "PIL", *(path.stem for path in SCRIPTS)),
}
# Newer than 3.6: name of the attribute, keyword or method.
NEWER_ATTRIBUTES = {
    *("perf_counter_ns", "time_ns", "monotonic_ns", "removeprefix", "removesuffix", "cached_property"),
    *(
        "nullcontext",
        "dist",
        "prod",
        "isqrt",
        "comb",
        "perm",
        "lcm",
        "nextafter",
        "fromisoformat",
        "is_relative_to",
    ),
    *("get_running_loop", "copy_file_range", "pidfd_open", "isascii", "walk_packages", "pairwise", "batched"),
}
NEWER_KEYWORDS = {
    *("capture_output", "text", "required", "dirs_exist_ok", "missing_ok", "exist_ok_root", "strict"),
    *("exit_on_error", "usedforsecurity", "defaults", "method", "skip_file_prefixes"),
}


@pytest.fixture(params=SCRIPTS, ids=lambda path: path.name)
def source(request):
    return request.param.read_text(encoding="utf-8")


def test_the_syntax_is_that_of_python_36(source):
    ast.parse(source, feature_version=(3, 6))


def test_no_formatted_string_names_its_expression(source):
    # f"{value=}" is Python 3.8; the parser above lets it pass.
    assert not re.findall(r"\{[^{}:!=]+=(?:![rsa])?(?::[^{}]*)?\}", source)


def test_only_modules_of_python_36_are_imported(source):
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names} | {node.module for node in froms}
    assert {name.split(".")[0] for name in names} <= ALLOWED_MODULES


def test_nothing_newer_than_python_36_is_called(source):
    tree = ast.parse(source)
    attributes = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") != "np"
    }
    keywords = {
        keyword.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords
    }
    assert attributes & NEWER_ATTRIBUTES == set()
    assert keywords & NEWER_KEYWORDS == set()


def test_nothing_of_edgecnn_is_needed_on_the_board(source):
    assert not re.search(r"^\s*(import|from) edgecnn", source, re.MULTILINE)


def test_the_scripts_say_that_no_board_has_run_them(source):
    assert re.search(r"It has not (run|built an engine|read an engine) on a\s+board yet", source)
