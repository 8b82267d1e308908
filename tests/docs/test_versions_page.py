"""The page on versions says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmbench import api
from mmbench.api import DatasetInfo, RepresentationInfo, TaskInfo
from mmbench.results.record import SCHEMA

ROOT = Path(__file__).resolve().parents[2]
PAGE = " ".join((ROOT / "docs" / "versions.md").read_text(encoding="utf-8").split())


def test_the_numbers_are_those_of_the_code():
    assert f"`API_VERSION` is an integer; it is {api.API_VERSION}." in PAGE
    assert f"MMBENCH_API_VERSION = {api.API_VERSION}" in PAGE
    assert f"the `schema` it was written in, {SCHEMA} today" in PAGE


def test_the_warning_is_the_one_that_is_given(monkeypatch):
    monkeypatch.setitem(api._DEPRECATED, "Old", ("Task", "0.4"))
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        _ = api.Old
    said = re.search(r"`(mmbench\.api\.Old is deprecated[^`]+)`", PAGE)
    assert said[1].replace("api.New", "api.Task") == str(caught[0].message)


def test_an_author_raises_versions_that_are_there():
    for info in (RepresentationInfo, TaskInfo, DatasetInfo):
        assert f"`{info.__name__}.version`" in PAGE
        assert "version" in info.__dataclass_fields__


def test_what_may_move_is_there_and_what_is_public_is_not_among_it():
    (private,) = re.findall(r"Everything else \(([^)]+), \.\.\.\)", PAGE)
    for name in re.findall(r"`mmbench\.(\w+)`", private):
        home = ROOT / "mmbench" / name
        assert home.is_dir() or home.with_suffix(".py").is_file()
        assert name not in {"api", "protocols", "testing"}
