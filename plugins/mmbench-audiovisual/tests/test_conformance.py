"""mmbench's conformance kit, run on this plugin: one test a check."""

from __future__ import annotations

from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("ave", "esc50", "flickr_soundnet", "music", "vggss")
def test_conformance(check: Check) -> None:
    check()
