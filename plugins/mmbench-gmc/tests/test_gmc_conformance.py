"""mmbench's conformance kit, on streams of every kind: one test a check."""

from __future__ import annotations

import pytest

from mmbench.api import Stream
from mmbench.testing import Check, parametrize_with_checks

_SEEN = (
    Stream("image", "image", "Image"),
    Stream("features", "features", "Array", (12,)),
)
_OTHERS = (
    Stream("audio", "audio", "Audio", rate=16_000),
    Stream("text", "text", "Text"),
    Stream("trajectory", "trajectory", "Sequence", (None, 3)),
    Stream("pointcloud", "pointcloud", "PointCloud"),
)
_SPOKEN = (
    Stream("text", "text", "Sequence", (8, 12)),
    Stream("audio", "audio", "Sequence", (8, 5)),
    Stream("vision", "vision", "Sequence", (8, 7)),
)
_SHORT = {"epochs": 8, "batch": 16, "learning_rate": 4e-3, "common": 16, "dim": 16, "head": (16,)}


@parametrize_with_checks("gmc", options=_SHORT, streams=_SEEN)
def test_conformance(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("gmc", options=_SHORT, streams=_OTHERS)
def test_conformance_on_sounds_texts_sequences_and_clouds(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("gmc-affect", options={"epochs": 2}, streams=_SPOKEN)
def test_conformance_on_sequences_alone(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("gmc-numbers", options={"steps": 12})
def test_conformance_of_the_quickstarts(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("mult", options={"epochs": 2, "layers": 1}, streams=_SPOKEN)
def test_conformance_of_mult(check: Check) -> None:
    check()
