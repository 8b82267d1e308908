"""mmbench's conformance kit, run on this plugin: one test a check."""

from __future__ import annotations

import pytest

from mmbench.api import Stream
from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("mosi-utterance", "mmmo-sentiment")
def test_light_datasets(check: Check) -> None:
    check()


@parametrize_with_checks("mosi-utterance-missing")
def test_tasks(check: Check) -> None:
    check()


@parametrize_with_checks(
    "pooled",
    "pooled-linear",
    streams=[
        Stream("text", "text", "Sequence", (None, 6)),
        Stream("audio", "audio", "Sequence", (20, 5)),
        Stream("vision", "vision", "Array", (7,)),
    ],
)
def test_representations(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("cmu-mosei", "cmu-mosi", "youtube-sentiment")
def test_datasets(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("cmu-mosi", options={"variant": "mmsa-unaligned"})
def test_mmsa(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("cmu-mosi", options={"variant": "csd"})
def test_csd(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("cmu-mosi-missing", "mmmo-sentiment-missing", "cmu-mosi-robustness")
def test_other_tasks(check: Check) -> None:
    check()
