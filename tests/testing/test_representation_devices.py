"""Each check of the devices family has a mutant that fails it and no other."""

from __future__ import annotations

from functools import partial

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, registry_with, without_processes
from mutant_runs import outcomes_of as outcomes_with

from mmbench.testing import Target, run_checks

#: What these checks are about is seen in one process.
outcomes_of = partial(outcomes_with, processes=False)

MUTANTS = [
    Mutant("fp16_stays_close", "mutants_devices:OverflowsInHalf"),
    Mutant("fp16_stays_close", "mutants_devices:LacksHalf"),
    Mutant("bf16_stays_close", "mutants_devices:CutsTooShort"),
    Mutant("pickled_copy_agrees", "mutants_devices:HoldsALambda"),
    Mutant("pickled_copy_agrees", "mutants_devices:ForgetsWhenPickled"),
    Mutant("deep_copy_agrees", "mutants_devices:ForgetsWhenCopied"),
    Mutant("deep_copy_agrees", "mutants_devices:CopiesItsLock"),
]
#: These only fail where there is another device.
ELSEWHERE = [
    Mutant("devices_agree", "mutants_devices:DrawsOnTheDevice"),
    Mutant("devices_agree", "mutants_devices:StaysBehind"),
]


def outcomes_on(devices, path, workspace):
    """The whole kit on a machine that has these devices."""
    registry, name = registry_with("representations", path)
    target = Target("representations", name, registry)
    subject = without_processes(target.subject(workspace))
    subject.devices = devices
    return {each.check: each for each in run_checks(target.checks, subject)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


@pytest.mark.parametrize("mutant", ELSEWHERE, ids=str)
def test_a_mutant_on_another_device_fails_its_check_and_no_other(mutant, tmp_path):
    outcomes = outcomes_on(("cpu", "cpu:1"), mutant.path, tmp_path)
    assert list(failed(outcomes)) == [mutant.check]
    assert "cpu:1" in outcomes["devices_agree"].expected


def test_another_device_that_agrees_is_sound(tmp_path):
    outcomes = outcomes_on(("cpu", "cpu:1"), "sound_representation:Sound", tmp_path)
    assert failed(outcomes) == {}
    assert outcomes["devices_agree"].status == "passed"


def test_the_devices_are_those_of_this_machine(tmp_path, monkeypatch):
    found = {"devices": ["cpu"]}
    monkeypatch.setattr(
        "mmbench.testing.representation_devices.available_devices", lambda: found["devices"]
    )
    path = "mutants_devices:StaysBehind"
    alone = outcomes_of("representations", path, tmp_path / "a")
    assert alone["devices_agree"].reason == "this machine has no device but the CPU"
    found["devices"] = ["cpu", "cuda:0"]
    assert list(failed(outcomes_of("representations", path, tmp_path / "b"))) == ["devices_agree"]


def test_half_precision_may_be_used_or_refused(tmp_path):
    rounds = outcomes_of("representations", "mutants_devices:Rounds", tmp_path / "a")
    refuses = outcomes_of("representations", "mutants_devices:RefusesHalf", tmp_path / "b")
    assert failed(rounds) == failed(refuses) == {}
    assert rounds["fp16_stays_close"].status == "passed"
    assert refuses["fp16_stays_close"].reason == (
        "it refuses fp16: computes in fp32 only, not in fp16"
    )


def test_an_overflow_is_counted(tmp_path):
    found = outcomes_of("representations", "mutants_devices:OverflowsInHalf", tmp_path)
    assert found["fp16_stays_close"].seen.endswith("values are not finite")
    assert "in float32" in found["fp16_stays_close"].change
