"""Relative paths in options are made absolute; names are left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbench.testing.option_paths import with_absolute_paths


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.bin").write_text("a")
    (tmp_path / "base").write_text("b")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_the_content(options):
    return Path(options["weights"]).name


def made(value, fingerprint=of_the_content):
    return with_absolute_paths({"weights": value, "other": 3}, fingerprint)["weights"]


@pytest.mark.parametrize("value", ["models/a.bin", "./base", "models", "base"])
def test_a_path_to_what_is_there_is_made_absolute(value, here):
    assert made(value) == str(here / value.removeprefix("./"))
    assert made(Path(value)) == here / value


@pytest.mark.parametrize("value", ["models/b.bin", "large", "", "/", "a\0b", "x" * 5000, 2, None])
def test_what_is_not_there_or_no_relative_path_stays(value):
    assert made(value) == value


def test_a_word_that_is_no_path_stays_though_a_file_has_that_name():
    known = {"base": "1234"}
    assert made("base", lambda options: known[options["weights"]]) == "base"
    assert made("base", lambda _: "") == "base"
