"""Checks that pages, help texts and messages name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmbench.testing import all_checks

ROOT = Path(__file__).resolve().parents[2]
CHECKS = {check.name for check in all_checks()}
PAGES = [
    path
    for folder in (ROOT, ROOT / "docs")
    for path in sorted(folder.glob("*.md"))
    if path.name != "CHANGELOG.md"
]
SOURCES = [
    *sorted((ROOT / "mmbench" / "cli").glob("*.py")),
    *sorted((ROOT / "mmbench" / "scaffold").rglob("*.tmpl")),
    ROOT / "docs" / "make_checks.py",
]
KIT = sorted((ROOT / "mmbench" / "testing").glob("*.py"))
#: A check's name where a user types one.
TYPED = re.compile(
    r"""--(?:only|explain)[ ]([a-z]\w+) | --expect[ ]["']?([a-z]\w+)=
    | expected_failures[ ]?=[ ]?\{+["'](\w+)["']""",
    re.VERBOSE,
)
#: Where a message of the kit sends its reader to.
SENT = re.compile(r"\bsee ([a-z0-9]+_[a-z0-9_]+)")


def typed(text):
    return {name for match in TYPED.finditer(text) for name in match.groups() if name}


def test_names_are_found_where_they_are_typed():
    text = '--only one --expect "two=why" --expect three=why --explain four --expect CHECK=REASON'
    text += ' expected_failures = {"five": "why"} expected_failures = {{"six": "why"}}'
    assert typed(text) == {"one", "two", "three", "four", "five", "six"}


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: path.name)
def test_checks_that_are_typed_exist(path):
    assert typed(path.read_text(encoding="utf-8")) - CHECKS == set()


def test_some_are_typed():
    found = [typed(path.read_text(encoding="utf-8")) for path in (*PAGES, *SOURCES)]
    assert len(set().union(*found)) >= 3


@pytest.mark.parametrize("path", KIT, ids=lambda path: path.name)
def test_a_message_sends_to_a_check_that_exists(path):
    assert set(SENT.findall(path.read_text(encoding="utf-8"))) - CHECKS == set()


def test_what_is_named_in_pages_exists_somewhere():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "mmbench").rglob("*.py"))
    known = set(re.findall(r"\w+", code))
    for page in PAGES:
        named = set(re.findall(r"`([a-z]+(?:_[a-z]+){2,})`", page.read_text(encoding="utf-8")))
        assert named - known == set(), page.name
