"""mmbench's conformance kit on the generative rivals, with tiny streams: one test a check."""

from __future__ import annotations

from mmbench.api import Stream
from mmbench.testing import Check, parametrize_with_checks

_STREAMS = (
    Stream("image", "image", "Image", (8, 8, 3)),
    Stream("trajectory", "trajectory", "Sequence", (6, 3)),
    Stream("features", "features", "Array", (12,)),
)
_SHORT = {"epochs": 3, "batch": 16, "dim": 8}
_SIZES = {"sizes": {"image": 8, "trajectory": 4}}


@parametrize_with_checks("mvae", options={**_SHORT, "gmc_weight": 0.5}, streams=_STREAMS)
def test_conformance_of_mvae(check: Check) -> None:
    check()


@parametrize_with_checks("mmvae", options=_SHORT, streams=_STREAMS)
def test_conformance_of_mmvae(check: Check) -> None:
    check()


@parametrize_with_checks("nexus", options={**_SHORT, **_SIZES, "hidden": 16}, streams=_STREAMS)
def test_conformance_of_nexus(check: Check) -> None:
    check()


@parametrize_with_checks("muse", options={**_SHORT, **_SIZES, "hidden": 16}, streams=_STREAMS)
def test_conformance_of_muse(check: Check) -> None:
    check()


@parametrize_with_checks("mfm", options={**_SHORT, **_SIZES, "hidden": 16}, streams=_STREAMS)
def test_conformance_of_mfm(check: Check) -> None:
    check()
