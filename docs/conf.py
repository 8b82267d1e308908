"""How Sphinx builds the author's guide: `sphinx-build -W --keep-going -n docs docs/_build`."""

from __future__ import annotations

import re
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

import mmbench.api

if TYPE_CHECKING:
    from docutils.nodes import Element, TextElement
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "mmbench"
author = "The mmbench authors"
project_copyright = "the mmbench authors; Apache-2.0"
release = installed("mmbench")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "examples/**"]
# Pages stay plain Markdown, which a forge shows too: none of MyST's extensions to the syntax.
myst_heading_anchors = 4

nitpicky = True
# No network, so no inventories: names of other packages are shown and not linked.
nitpick_ignore_regex = [
    (r"py:.*", r"(collections|logging|pathlib|numpy|np|numpy\.typing|click|pluggy|torch)\..*"),
    (r"py:.*", r"NDArray|Path|PluginManager.*|MarkDecorator"),
    # Names in hints that are not public, and need not be known to be used.
    (r"py:.*", r"_Subject|Group|Registry|Rows|Similarity|StreamClouds"),
]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"mmbench {release}"
html_copy_source = False
copybutton_prompt_text = "$ "


def comment_of_alias(
    _app: Sphinx, what: str, name: str, _value: Any, _options: Any, lines: list[str]
) -> None:
    """Document a type alias by the comment above it, not by the docstring of ``dict``.

    The contracts' names come from their modules when they are first used, so autodoc finds the
    value without its comment.
    """
    short = name.removeprefix("mmbench.api.")
    home = mmbench.api._HOME.get(short)  # noqa: SLF001 - it knows, and no plugin needs to
    if what in {"data", "type"} and home is not None:
        comments = ModuleAnalyzer.for_module(f"mmbench.api.{home}").find_attr_docs()
        lines[:] = comments.get(("", short), lines)


def public_name(
    app: Sphinx, env: BuildEnvironment, node: Element, content: TextElement
) -> Element | None:
    """Lead a name of the contracts to its public place, whichever module a hint names."""
    short = node.get("reftarget", "").rpartition(".")[2]
    if node.get("refdomain") != "py":
        return None
    if short in mmbench.api.__all__:
        place = f"mmbench.api.{short}"
    elif hasattr(mmbench.api.Task, short):  # a method that a protocol inherits
        place = f"mmbench.api.Task.{short}"
    else:
        return None
    found: Element | None = env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, "obj", place, node, content
    )
    return found


def plain_defaults(
    _app: Sphinx,
    _what: str,
    _name: str,
    _value: Any,
    _options: Any,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """Show defaults that are no Python, such as a dataclass's ``<factory>``, as ``...``."""
    return signature and re.sub(r"(= ?)<[^>]*>", r"\1...", signature), returns


def setup(app: Sphinx) -> None:
    """Register them."""
    app.connect("autodoc-process-signature", plain_defaults)
    app.connect("autodoc-process-docstring", comment_of_alias)
    app.connect("missing-reference", public_name)
