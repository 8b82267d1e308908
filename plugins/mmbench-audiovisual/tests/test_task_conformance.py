"""mmbench's conformance kit, run on the tasks: one test a check."""

from __future__ import annotations

from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("ave-retrieval", "flickr-soundnet-retrieval", "vggss-retrieval")
def test_retrieval(check: Check) -> None:
    check()


@parametrize_with_checks(
    "vggss-localization",
    "vggss-localization-boxes",
    "flickr-soundnet-localization",
    "flickr-soundnet-localization-boxes",
    "music-solo-localization",
    "music-solo-localization-boxes",
)
def test_localization(check: Check) -> None:
    check()


@parametrize_with_checks("ex-vggss", "ex-flickrnet")
def test_counterfactual(check: Check) -> None:
    check()


@parametrize_with_checks("esc50-zeroshot", "esc10-zeroshot")
def test_zero_shot(check: Check) -> None:
    check()
