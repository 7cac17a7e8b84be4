"""Sphinx's settings: the pages of the repository, and the reference from its docstrings (`make docs`)."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "edgecnn"
copyright = "the edgecnn authors"  # noqa: A001  the name that Sphinx reads
version = release = importlib.import_module("edgecnn.version").__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/README"
include_patterns = ["*.md", "docs/*.md", "docs/*/*.md", "benchmarks/*.md"]
exclude_patterns = [
    ".*",
    "build",
    "demo",
    "dist",
    "edgecnn",
    "export",
    "quantize",
    "devices",
    "runs",
    "tests",
]

myst_enable_extensions = ["dollarmath"]
myst_dmath_allow_space = False
myst_heading_anchors = 3
# Pages begin as GitHub shows them, and the changelog's headings jump.
suppress_warnings = ["myst.header"]

default_role = "code"  # docstrings write code as Markdown does
add_module_names = False
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
maximum_signature_line_length = 88
napoleon_use_ivar = True

html_theme = "furo"
html_title = "edgecnn"
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"

# Fences of the pages that no lexer knows, as `tests/docs/pages.py` has them.
_PLAIN = ("arrow", "layout", "model", "recipe", "refused", "trtexec")
_REFERENCE = re.compile(r"^<!-- reference: (?P<module>\S+)(?P<names>(?: \S+)*) -->$", re.M)
_LINK = re.compile(r"\]\((?P<page>[^)#:]+\.md)\)")
_NOTE = "*`make docs` builds the reference here, from the docstrings.*"  # where nothing has built it
_FRONT = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=docs/README.html">'


def references(text: str) -> list[tuple[str, list[str]]]:
    """Return the modules that a page documents, each with the names: those given, or all that are public.

    Functions stand before classes; registries and constants are left to the pages' prose.
    """
    found = []
    for each in _REFERENCE.finditer(text):
        home = importlib.import_module(each["module"])
        names = each["names"].split() or sorted(home.__all__)
        functions = [name for name in names if inspect.isroutine(getattr(home, name))]
        classes = [name for name in names if inspect.isclass(getattr(home, name))]
        found.append((each["module"], [*functions, *classes]))
    return found


def _read(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the reference where a page asks for it, and the links of an index into the menu."""
    source[0] = _REFERENCE.sub(
        lambda found: _directives(*references(found[0])[0]), source[0].replace(_NOTE, "")
    )
    if docname.startswith("docs/") and docname.endswith("/README"):
        source[0] += "\n" + "\n".join(_menus(source[0]))


def _directives(module: str, names: list[str]) -> str:
    home = importlib.import_module(module)
    lines = [f".. auto{_kind(getattr(home, name))}:: {module}.{name}" for name in names]
    return "```{eval-rst}\n" + "\n\n".join(lines) + "\n```"


def _kind(value: Any) -> str:
    if inspect.isclass(value):
        return "exception" if issubclass(value, Exception) else "class"
    return "function"


def _menus(text: str) -> list[str]:
    """Return a hidden table of contents for each part of the index."""
    found = []
    for part in re.split(r"^#+ ", text, flags=re.M)[1:]:
        pages = dict.fromkeys(link["page"] for link in _LINK.finditer(part))
        if pages:
            title = part.splitlines()[0]
            listed = "\n".join(page.removesuffix(".md") for page in pages)
            found.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n")
    return found


def _math(self: Any, node: nodes.Node) -> None:
    self.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def _front(app: Sphinx, failure: Exception | None) -> None:
    if failure is None and app.builder.name == "html":
        (Path(app.outdir) / "index.html").write_text(_FRONT, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register what is above; formulas become MathML, which browsers show without a script."""
    for name in _PLAIN:
        app.add_lexer(name, TextLexer)
    app.add_html_math_renderer("mathml", (_math, None), (_math, None))
    app.connect("source-read", _read)
    app.connect("build-finished", _front)
