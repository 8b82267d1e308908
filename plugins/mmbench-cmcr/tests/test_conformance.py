"""mmbench's conformance kit, run on the connectors with invented bases: one test a check."""

from __future__ import annotations

from mmbench.testing import Check, parametrize_with_checks

_SPACES = {"first": "random", "second": "random", "shared_corpus": ("numbers/train/text",)}
_MEMORIES = {"first_memory": ("numbers/train/image",), "second_memory": ("numbers/train/audio",)}
_SHORT = {"epochs": 4, "batch": 24}


@parametrize_with_checks("c-mcr", options={**_SPACES, **_MEMORIES, **_SHORT})
def test_conformance(check: Check) -> None:
    check()


@parametrize_with_checks("ex-mcr", options={**_SPACES, **_MEMORIES, **_SHORT})
def test_conformance_of_exmcr(check: Check) -> None:
    if check.spec.family == "connector":
        check()


@parametrize_with_checks("bridge", options=_SPACES)
def test_conformance_of_the_bridge(check: Check) -> None:
    check()


@parametrize_with_checks(
    "bridge", options={**_SPACES, "temperatures": (0.02, 0.2), "validation": "numbers/valid"}
)
def test_conformance_of_the_bridge_that_chooses(check: Check) -> None:
    if check.spec.family == "connector":
        check()


_TWO = {"first": "random", "second": "random"}


@parametrize_with_checks("paired", options={**_TWO, "pairs": ("numbers/train",), **_SHORT})
def test_conformance_of_the_upper_bound(check: Check) -> None:
    if check.spec.family == "connector":
        check()


@parametrize_with_checks("unconnected", options=_TWO)
def test_conformance_of_the_unconnected(check: Check) -> None:
    if check.spec.family == "connector":
        check()


@parametrize_with_checks("contrastive-image-text", options={"epochs": 2, "dim": 8, "width": 2})
def test_conformance_of_the_contrastive_space(check: Check) -> None:
    check()
