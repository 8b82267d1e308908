"""mmbench's conformance kit on the generative rivals, with tiny streams: one test a check.

The whole kit is slow (processes are started for each model); a part of it always runs.
"""

from __future__ import annotations

import pytest

from mmbench.api import Stream
from mmbench.testing import Check, parametrize_with_checks

_STREAMS = (
    Stream("image", "image", "Image", (8, 8, 3)),
    Stream("trajectory", "trajectory", "Sequence", (6, 3)),
    Stream("features", "features", "Array", (12,)),
)
_SHORT = {"epochs": 2, "batch": 16, "dim": 8}
_LEVELS = {**_SHORT, "hidden": 16, "sizes": {"image": 8, "trajectory": 4}}
_OPTIONS = {
    "mvae": {**_SHORT, "gmc_weight": 0.5}, "mmvae": _SHORT,
    "nexus": _LEVELS, "muse": _LEVELS, "mfm": _LEVELS,
}  # fmt: skip
_QUICK = {
    "options_are_documented", "defaults_fit_their_hints", "info_is_complete",
    "parameters_are_counted", "every_offer_runs", "batch_size_does_not_matter",
    "every_slot_matters", "order_of_slots_does_not_matter", "fuse_agrees_with_encode",
    "bf16_stays_close", "state_gives_the_same_vectors", "fit_repeats_itself",
    "predictions_fit_the_target",
}  # fmt: skip


def checks(*, quick: bool) -> list[Check]:
    """Those that always run, or the others."""
    found: list[Check] = []
    for name, options in _OPTIONS.items():
        found += parametrize_with_checks(name, options=options, streams=_STREAMS).args[1]
    return [check for check in found if (check.spec.name in _QUICK) == quick]


@pytest.mark.parametrize("check", checks(quick=True), ids=str)
def test_conformance(check: Check) -> None:
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", checks(quick=False), ids=str)
def test_the_rest_of_conformance(check: Check) -> None:
    check()
