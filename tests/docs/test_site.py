"""The built site: no warning, every public name in the reference, every page reachable.

`tox -e docs` builds it and names it in MMBENCH_SITE; elsewhere it is built here, where Sphinx is.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import zlib
from importlib import import_module
from pathlib import Path

import pytest

from mmbench import api
from mmbench.api import hookspecs

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.glob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    if built := os.environ.get("MMBENCH_SITE"):
        return Path(built)
    pytest.importorskip("sphinx", reason="built by `tox -e docs`: needs the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", DOCS, folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def reference(site):
    """Name to place of everything that the reference documents."""
    _, _, _, _, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    lines = zlib.decompress(packed).decode().splitlines()
    entries = [re.fullmatch(r"(.+?) (py:\w+) -?\d+ (\S+) .*", line) for line in lines]
    return {entry[1]: entry[3] for entry in entries if entry}


def _public(module):
    found = import_module(module)
    return [f"{module}.{name}" for name in found.__all__]


@pytest.mark.parametrize("module", ["mmbench.api", "mmbench.testing"])
def test_every_public_name_is_in_the_reference(reference, module):
    assert [name for name in _public(module) if name not in reference] == []


def test_every_public_method_of_a_contract_is_in_the_reference(reference):
    missing = [
        f"mmbench.api.{name}.{method}"
        for name in api.__all__
        if isinstance(cls := getattr(api, name), type) and not issubclass(cls, Exception)
        for method, member in vars(cls).items()
        if not method.startswith("_")
        and method not in getattr(cls, "__dataclass_fields__", ())
        and (inspect.isfunction(member) or isinstance(member, property))
        and f"mmbench.api.{name}.{method}" not in reference
    ]
    assert missing == []


def test_every_hook_and_protocol_is_in_the_reference(reference, monkeypatch):
    monkeypatch.syspath_prepend(os.fspath(DOCS))
    import make_tables

    wanted = [f"mmbench.api.hookspecs.{n}" for n in vars(hookspecs) if n.startswith("mmbench_")]
    for name in make_tables.PROTOCOLS:
        cls = make_tables.protocol(name)
        wanted.append(f"{cls.__module__}.{cls.__qualname__}")
    assert len(wanted) >= 11
    assert [name for name in wanted if name not in reference] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_built_and_in_the_menu(site, page):
    menu = (site / "index.html").read_text(encoding="utf-8")
    assert (site / f"{page}.html").is_file()
    if page != "index":
        assert f'href="{page}.html"' in menu


def test_links_between_pages_are_links_of_the_site(site):
    for page in PAGES:
        html = (site / f"{page}.html").read_text(encoding="utf-8")
        article = html.partition("<article")[2].partition("</article>")[0]
        inner = [link for link in re.findall(r'href="([^"]+)"', article) if ":" not in link]
        for link in inner:
            path, _, anchor = link.partition("#")
            target = site / page if not path else site / path
            target = site / f"{page}.html" if not path else target
            assert target.is_file(), f"{page}: {link}"
            if anchor and target.suffix == ".html":
                assert f'id="{anchor}"' in target.read_text(encoding="utf-8"), f"{page}: {link}"


def test_a_page_loads_nothing_from_elsewhere(site):
    for page in PAGES:
        html = (site / f"{page}.html").read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"([^\"]+)\"", html)
        assert [each for each in loaded if each.startswith(("http", "//"))] == [], page
