"""The kit itself: its checks are explained, and each can fail; how their ends are told."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from mutant_runs import Mutant

from mmbench.api import UsageError
from mmbench.testing import all_checks, parametrize_with_checks, run_checks
from mmbench.testing.catalogue import FAMILIES, checks_for
from mmbench.testing.checks import Blocked, CheckSpec, Group, NotRelevant, fail
from mmbench.testing.outcomes import run_check

HERE = Path(__file__).parent
CHECKS = {check.name: check for check in all_checks()}


# What the checks are


@cache
def mutants() -> tuple[Mutant, ...]:
    """All mutants in the tables of the families' tests."""
    modules = [
        import_module(path.stem)
        for path in sorted(HERE.glob("test_*.py"))
        if path.stem != "test_kit" and not path.stem.startswith("test_builtin")
    ]
    tables = [value for each in modules for value in vars(each).values() if isinstance(value, list)]
    return tuple(each for table in tables for each in table if isinstance(each, Mutant))


def test_names_are_unique():
    assert [
        name for name, count in Counter(c.name for c in all_checks()).items() if count > 1
    ] == []


@pytest.mark.parametrize(
    ("group", "least"),
    [("representations", 40), ("tasks", 30), ("datasets", 20), ("connectors", 5)],
)
def test_there_are_enough_of_every_group(group, least):
    assert len(checks_for(group)) >= least


def test_every_family_has_checks_and_every_check_is_for_something():
    for family in FAMILIES:
        module = import_module(f"mmbench.testing.{family}")
        assert any(check.function.__module__ == module.__name__ for check in CHECKS.values()), (
            family
        )
    assert {group for check in CHECKS.values() for group in check.groups} == set(get_args(Group))
    assert all(check.groups for check in CHECKS.values())


def test_every_check_says_what_must_hold_and_why():
    names = [name for name in CHECKS if not re.fullmatch(r"[a-z0-9_]{5,60}", name)]
    assert names == []
    assert [name for name, check in CHECKS.items() if not check.summary.endswith(".")] == []
    # How to mend it stands below the first line, for the guide's page.
    assert [name for name, check in CHECKS.items() if len(check.explanation.split()) < 5] == []


def test_every_check_has_a_mutant_that_fails_it():
    assert sorted(set(CHECKS) - {mutant.check for mutant in mutants()}) == []


def test_every_mutant_is_of_a_check_and_every_exception_has_a_reason():
    for mutant in mutants():
        assert mutant.check in CHECKS
        assert set(mutant.also) <= set(CHECKS)
        assert all(reason.strip() for reason in mutant.also.values())


# How they end


@dataclass
class Subject:
    expected_failures: dict[str, str] = field(default_factory=dict)


def it_holds(subject):
    """It holds."""


def it_breaks(subject):
    """It never breaks.

    Of what was expected, the first line is the summary.
    """
    fail(expected="1", seen="2", change="add 1")


def it_escapes(subject):
    """Nothing escapes."""
    raise KeyError("what")


def it_exits(subject):
    """Nothing exits."""
    raise SystemExit(3)


def it_is_interrupted(subject):
    """Nobody interrupts."""
    raise KeyboardInterrupt


def it_says_nothing(subject):
    """It is about something else."""
    raise NotRelevant("it has no such thing")


def it_waits(subject):
    """It comes later."""
    raise Blocked("it broke: see it_breaks")


def spec(function) -> CheckSpec:
    return CheckSpec(function.__name__, "toy", ("tasks",), function)


def ends(*functions, expected=None, own=None) -> list[str]:
    checks = [spec(function) for function in functions]
    return [each.status for each in run_checks(checks, Subject(own or {}), expected)]


def test_each_end_has_its_status():
    functions = (it_holds, it_breaks, it_escapes, it_exits, it_says_nothing, it_waits)
    assert ends(*functions) == ["passed", "failed", "failed", "failed", "skipped", "blocked"]


def test_a_failure_says_what_was_expected_what_was_seen_and_what_to_change():
    outcome = run_check(spec(it_breaks), Subject(), {})
    assert outcome.message == "expected: 1\n    seen: 2\n  change: add 1"
    assert (outcome.check, outcome.family) == ("it_breaks", "toy")


def test_what_escapes_is_told_by_the_summary_and_the_line():
    outcome = run_check(spec(it_escapes), Subject(), {})
    line = it_escapes.__code__.co_firstlineno + 2
    assert outcome.message.splitlines() == [
        "expected: Nothing escapes.",
        "    seen: it raised KeyError: 'what'",
        f"  change: mend what raises, at {__file__}:{line}",
    ]


def test_an_interrupt_is_no_failure():
    with pytest.raises(KeyboardInterrupt):
        run_check(spec(it_is_interrupted), Subject(), {})


def test_an_expected_failure_carries_its_reason_wherever_it_was_said():
    for said in ({"expected": {"it_breaks": "on purpose"}}, {"own": {"it_breaks": "on purpose"}}):
        assert ends(it_holds, it_breaks, **said) == ["passed", "expected"]
    outcome = run_check(spec(it_breaks), Subject(), {"it_breaks": "on purpose"})
    assert outcome.message == "on purpose"


def test_an_expected_failure_that_passes_has_failed():
    outcome = run_check(spec(it_holds), Subject(), {"it_holds": "it used to break"})
    assert outcome.status == "failed"
    assert outcome.expected == "to fail, because: it used to break"
    assert outcome.change == "take 'it_holds' out of expected_failures"


def test_what_is_skipped_or_blocked_is_no_unexpected_pass():
    expected = {"it_says_nothing": "x", "it_waits": "x"}
    assert ends(it_says_nothing, it_waits, it_breaks, expected=expected) == [
        "skipped", "blocked", "failed",
    ]  # fmt: skip


def test_what_is_blocked_by_nothing_that_fails_counts_as_failed():
    assert ends(it_holds, it_waits) == ["passed", "failed"]
    (outcome,) = run_checks([spec(it_waits)], Subject())
    assert outcome.message.splitlines()[1] == "    seen: it broke: see it_breaks"


def test_what_is_blocked_by_an_expected_failure_stays_blocked():
    on_purpose = {"it_breaks": "on purpose"}
    assert ends(it_breaks, it_waits, expected=on_purpose) == ["expected", "blocked"]
    elsewhere = {"it_escapes": "on purpose"}
    assert ends(it_escapes, it_waits, expected=elsewhere) == ["expected", "failed"]


def it_waits_in_vain(subject):
    """It comes after what is skipped."""
    raise Blocked("there is none: see it_says_nothing")


def test_what_is_blocked_by_what_is_skipped_is_skipped():
    assert ends(it_says_nothing, it_waits_in_vain) == ["skipped", "skipped"]
    assert ends(it_says_nothing, it_waits_in_vain, it_breaks) == ["skipped", "blocked", "failed"]


def test_progress_is_told_before_each_check():
    told = []
    run_checks([spec(it_holds), spec(it_breaks)], Subject(), progress=lambda *at: told.append(at))
    assert told == [(0, 2, "it_holds"), (1, 2, "it_breaks")]


# As tests of one's own

AUTHORS_TESTS = """
from mutant_runs import registry_with
from mmbench.testing import parametrize_with_checks

registry, other = registry_with("datasets", "mutants_dataset_declaration:OtherName")
registry, last = registry_with("datasets", "mutants_dataset_collections:LastFails", base=registry)
registry, sound = registry_with("datasets", "sound_dataset:Sound", base=registry)


@parametrize_with_checks(other, registry=registry)
def test_bad(check):
    check()


@parametrize_with_checks(
    other, registry=registry, expected_failures={"dataset_is_named_as_registered": "a pun"}
)
def test_excused(check):
    check()


@parametrize_with_checks(last, registry=registry)
def test_blocked(check):
    check()


@parametrize_with_checks(
    sound, registry=registry, expected_failures={"advice_is_given": "not yet"}
)
def test_stale(check):
    check()
"""
CHOSEN = (
    "dataset_is_named_as_registered or advice_is_given or bundled_data or payloads_are or every_"
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What pytest says of an author's tests: test to its end, and all that was printed."""
    folder = tmp_path_factory.mktemp("author")
    (folder / "test_conformance.py").write_text(AUTHORS_TESTS)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {HERE}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv", "-k", CHOSEN],
        capture_output=True, text=True, cwd=folder, check=False, timeout=120,
    )  # fmt: skip
    lines = re.findall(r"^\S+::test_(\w+)\[(\w+)-(\w+)\] (\w+)", done.stdout, re.MULTILINE)
    return {(test, check): end for test, _, check, end in lines}, done.stdout


@pytest.mark.parametrize(
    ("test", "check", "end"),
    [
        ("bad", "dataset_is_named_as_registered", "FAILED"),
        ("bad", "advice_is_given", "PASSED"),
        ("bad", "bundled_data_needs_no_folder", "SKIPPED"),
        ("excused", "dataset_is_named_as_registered", "XFAIL"),
        ("excused", "advice_is_given", "PASSED"),
        ("blocked", "every_item_loads", "FAILED"),
        ("blocked", "dataset_payloads_are_as_declared", "SKIPPED"),
        ("stale", "advice_is_given", "FAILED"),
    ],
)
def test_a_check_is_a_test_with_its_own_end(told, test, check, end):
    ends, printed = told
    assert ends.get((test, check)) == end, printed


def test_a_failing_test_says_what_the_check_says(told):
    _, printed = told
    assert "dataset othername, dataset_is_named_as_registered" in printed
    assert "expected: info.name to be 'othername', as in DatasetSpec" in printed
    assert "change: take 'advice_is_given' out of expected_failures" in printed


def test_an_unknown_name_is_misuse():
    with pytest.raises(UsageError, match="nothing is called 'nobody'"):
        parametrize_with_checks("nobody")
