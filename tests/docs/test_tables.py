"""The guide's made tables are those of the code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def make_tables(monkeypatch):
    monkeypatch.syspath_prepend(os.fspath(DOCS))
    import make_tables

    return make_tables


@pytest.mark.parametrize(
    "name",
    [
        "cmcr-ablation.md",
        "paired-digits.md",
        "pendulum.md",
        "protocols.md",
        "records.md",
        "sentiment.md",
    ],
)
def test_a_page_is_up_to_date(make_tables, name):
    assert name in make_tables.PAGES
    text = (DOCS / name).read_text(encoding="utf-8")
    assert make_tables.BLOCK.findall(text)
    assert text == make_tables.filled(text), "stale: run `python docs/make_tables.py`"


def test_no_page_with_made_tables_is_forgotten(make_tables):
    found = {page.name for page in DOCS.glob("*.md") if "<!-- made:" in page.read_text("utf-8")}
    assert found == set(make_tables.PAGES)


def test_a_stale_table_would_be_noticed(make_tables):
    text = (DOCS / "protocols.md").read_text(encoding="utf-8")
    stale = text.replace("| `topk`", "").replace("`instance` `class`", "`instance`", 1)
    assert stale != text
    assert make_tables.filled(stale) != stale


def test_docstrings_become_one_line_an_option(make_tables):
    doc = """Say it.

    Args:
        first: One ``thing``,
            and :attr:`another`.
        second: Two.

    Raises:
        third: Not an option.
    """
    assert make_tables.described(doc) == {"first": "One `thing`, and `another`.", "second": "Two."}
    assert make_tables.described(None) == {}
