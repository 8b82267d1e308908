"""docs/conformance.md says what the checks say."""

from __future__ import annotations

from pathlib import Path

import make_checks
import pytest

from mmbench.testing import all_checks

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date():
    assert make_checks.text() == PAGE, "stale: run `python docs/make_checks.py`"


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_a_check_says_what_it_means_and_how_to_mend_it(check):
    assert f"**`{check.name}`** {check.summary}" in PAGE
    assert check.summary.endswith(".")
    assert len(check.explanation) > 40
