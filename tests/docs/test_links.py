"""Links of the documentation lead somewhere, and its commands exist. No network."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import click
import pytest

from mmbench.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^ *(```+|~~~+).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\n]*(?:\n[^\]\n]*)?\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(<?([^)\s>]+)>?\)")
CONSOLE = re.compile(r"^```(?:console|bash|sh|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
REFERENCE = re.compile(r"^\[[^\]]+\]: *<?(\S+?)>?$", re.MULTILINE)


def _pages():
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found += [ROOT / "CHANGELOG.md", *sorted((ROOT / "plugins").glob("**/README.md"))]
    found += sorted((ROOT / "benchmarks").glob("**/README.md"))
    return [page for page in found if page.is_file()]


PAGES = _pages()


def _prose(page):
    """A page's text without code blocks and code spans."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]+`", "", text)


def _links(page):
    text = _prose(page)
    return [link for form in (LINK, IMAGE, REFERENCE) for link in form.findall(text)]


def _anchors(page):
    """What GitHub makes of the headings, and explicit anchors."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    seen, anchors = {}, set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"^#+ +(.+?) *#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        anchors.add(f"{slug}-{count}" if count else slug)
    return anchors


def _broken(page, link):
    """Why a link leads nowhere; empty if it does lead somewhere."""
    if re.match(r"[a-z][a-z0-9+.-]*:", link):
        ours = "localhost" in link or link.startswith("file:")
        return f"{link} is of this machine only" if ours else ""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_relative_to(ROOT):
        return f"{link} leaves the repository"
    if not target.exists():
        return f"{link}: there is no {target.relative_to(ROOT)}"
    if anchor and target.suffix == ".md" and anchor not in _anchors(target):
        return f"{link}: {target.relative_to(ROOT)} has no heading of that name"
    return ""


def test_the_pages_are_found():
    assert ROOT / "README.md" in PAGES
    assert ROOT / "docs" / "cli.md" in PAGES
    assert sum(len(_links(page)) for page in PAGES) > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    assert [why for link in _links(page) if (why := _broken(page, link))] == []


def test_broken_links_would_be_noticed(tmp_path):
    page = ROOT / "README.md"
    assert "there is no docs/none.md" in _broken(page, "docs/none.md")
    assert "no heading" in _broken(page, "#no-such-heading")
    assert "no heading" in _broken(page, "docs/cli.md#no-such-heading")
    assert "leaves the repository" in _broken(page, "../elsewhere.md")
    assert _broken(page, "docs/cli.md#mmbench-run") == ""
    assert _broken(page, "#two-commands") == ""
    written = tmp_path / "page.md"
    written.write_text("[a](b.md) ![c](d.png)\n`[no](e.md)`\n```\n[no](f.md)\n```\n[g]: h.md\n")
    assert _links(written) == ["b.md", "d.png", "h.md"]


def _commands(page):
    """Lines of console blocks that call mmbench, one command each."""
    text = page.read_text(encoding="utf-8")
    found = []
    for block in re.findall(
        r"^```(?:console|bash|sh|shell)\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    ):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\||;", line.partition(" #")[0].removeprefix("$ ")):
                words = shlex.split(part)
                if words and words[0] == "mmbench":
                    found.append(tuple(words[1:]))
    return found


CALLS = sorted({(page, words) for page in PAGES for words in _commands(page)})


def _parse(words):
    """Parse as the command line would, and call nothing.

    Raises:
        click.UsageError: An unknown command or option, or a value that it does not take.
    """
    command, context = cli, click.Context(cli, info_name="mmbench")
    words = list(words)
    while isinstance(command, click.Group):
        if not words or words[0] in {"--help", "-h", "--version"}:
            return
        name, command, words = command.resolve_command(context, words)
        context = click.Context(command, parent=context, info_name=name)
    if "--help" not in words:
        placeholders = [word for word in words if word not in {"[OPTIONS]", "..."}]
        command.make_context(context.info_name, placeholders, parent=context.parent)


@pytest.mark.parametrize(
    ("page", "words"), CALLS, ids=[f"{p.name}: {' '.join(w)}"[:80] for p, w in CALLS]
)
def test_every_command_of_the_documentation_exists(page, words, monkeypatch):
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "")
    if page.name == "cli.md" and {"[OPTIONS]", "COMMAND"} & set(words):
        return  # a usage line, not a call
    of_plugin = page.name == "plugins.md" or page.is_relative_to(ROOT / "plugins")
    if of_plugin and words[0] not in COMMANDS:
        return  # of the plugin that the page is about
    if list(words[:2]) == ["data", "build"] and words[2] != "--help":
        _parse(["data", "build", "--help"])
        return  # of the plugin that builds it
    _parse(words)


def test_wrong_commands_would_be_noticed():
    assert ("run", "quickstart") in _commands(ROOT / "README.md")
    for words in (("runn",), ("run", "--sedes", "1"), ("data", "fly"), ("list", "models")):
        with pytest.raises(click.UsageError):
            _parse(words)


def test_the_command_line_page_is_up_to_date(monkeypatch):
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "")
    monkeypatch.syspath_prepend(os.fspath(ROOT / "docs"))
    import make_cli

    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == make_cli.text(), "stale: run `python docs/make_cli.py`"
