"""mmbench's conformance kit, run on the connectors with invented bases: one test a check."""

from __future__ import annotations

import pytest

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


_SMALL = {"epochs": 2, "dim": 8, "width": 2}
#: These look at processes that start and import torch. `mmbench plugin check` makes them, too.
_IN_NEW_PROCESSES = {
    "processes_agree", "times_agree", "fingerprint_agrees_between_processes",
    "fingerprint_names_what_is_read", "environment_has_no_say", "random_state_is_left_alone",
    "surroundings_are_left_alone", "network_is_left_alone", "files_are_left_alone",
    "it_prints_nothing", "nothing_is_left_running",
}  # fmt: skip


@parametrize_with_checks("contrastive-image-text", options=_SMALL)
def test_conformance_of_the_contrastive_space(check: Check) -> None:
    if check.spec.name not in _IN_NEW_PROCESSES:
        check()


@pytest.mark.slow
@parametrize_with_checks("contrastive-image-text", options=_SMALL)
def test_conformance_of_the_contrastive_space_in_new_processes(check: Check) -> None:
    if check.spec.name in _IN_NEW_PROCESSES:
        check()
