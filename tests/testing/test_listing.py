"""Each check of the listing family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, registry_with

from mmbench.testing import run_checks
from mmbench.testing.catalogue import Target

SOUND = "sound_representation:Sound"
SUMMARY = "summary_is_one_line"
MUTANTS = [
    Mutant("name_can_be_typed", SOUND, spec={"name": "Sound"}),
    Mutant("name_can_be_typed", SOUND, spec={"name": "so und"}),
    Mutant("name_can_be_typed", SOUND, spec={"name": "[bold]sound"}),
    Mutant(SUMMARY, SOUND, spec={"summary": ""}),
    Mutant(SUMMARY, SOUND, spec={"summary": "word " * 21}),
    Mutant(SUMMARY, SOUND, spec={"summary": "two\nlines"}),
    Mutant(SUMMARY, SOUND, spec={"summary": "[red]loud[/red]"}),
    Mutant(SUMMARY, SOUND, spec={"summary": "a <b>bold</b> claim"}),
    Mutant(SUMMARY, SOUND, spec={"summary": r"rings \x07"}),
    Mutant("api_version_is_declared", SOUND, plugin={"module": "plugin_without_version"}),
    Mutant("api_version_is_declared", SOUND, plugin={"module": "plugin_of_another_version"}),
    Mutant("listing_imports_nothing_heavy", SOUND, plugin={"module": "plugin_heavy"}),
    Mutant("listing_is_quick", SOUND, plugin={"module": "plugin_slow"}),
    Mutant("listing_prints_nothing", SOUND, plugin={"module": "plugin_loud"}),
    Mutant("listing_leaves_no_trace", SOUND, plugin={"module": "plugin_online"}),
    Mutant("listing_leaves_no_trace", SOUND, plugin={"module": "plugin_writing"}),
    Mutant("class_derives_from_its_contract", "mutants_listing:Duck"),
    Mutant("class_is_documented", "mutants_listing:Undocumented"),
    Mutant("options_are_documented", "mutants_listing:Undescribed"),
    Mutant("options_are_named_arguments", "mutants_listing:Anything"),
    Mutant("options_are_named_arguments", "mutants_listing:Positional"),
    Mutant("options_have_type_hints", "mutants_listing:Unhinted"),
    Mutant("options_have_type_hints", "mutants_listing:UnreadableHint"),
    Mutant("defaults_fit_their_hints", "mutants_listing:WrongDefault"),
    Mutant("options_are_plain_data", "mutants_listing:NotPlain"),
    Mutant("constructor_is_quick", "mutants_listing:Slow"),
    Mutant("constructor_leaves_options_alone", "mutants_listing:Meddling"),
    Mutant("expected_failures_are_known", "mutants_listing:Excused"),
    Mutant("expected_failures_are_known", "mutants_listing:Unexcused"),
]


def listing_of(group, path, workspace, **fields) -> dict:
    registry, name = registry_with(group, path, **fields)
    target = Target(group, name, registry)
    checks = [check for check in target.checks if check.family == "listing"]
    return {each.check: each for each in run_checks(checks, target.subject(workspace))}


@pytest.mark.parametrize("mutant", [each for each in MUTANTS if each.path != SOUND], ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


@pytest.mark.parametrize("mutant", [each for each in MUTANTS if each.path == SOUND], ids=str)
def test_a_mutant_of_its_hooks_fails_its_check_and_no_other(mutant, tmp_path):
    """Spec and hooks are seen by this family alone: the class is sound."""
    fields = {"spec": mutant.spec, "plugin": mutant.plugin}
    found = listing_of("representations", SOUND, tmp_path, **fields)
    assert list(failed(found)) == [mutant.check]


@pytest.mark.parametrize(
    ("group", "path"),
    [
        ("representations", "mutants_listing:Listed"),
        ("connectors", "mutants_listing:Joined"),
        ("tasks", "mmbench.builtin.tasks.counterfactual:NumbersCounterfactual"),
        ("datasets", "mmbench.builtin.numbers.dataset:Numbers"),
    ],
)
def test_sound_plugins_of_every_group_pass(group, path, tmp_path):
    found = listing_of(group, path, tmp_path)
    assert {each.status for each in found.values()} <= {"passed", "skipped"}
    assert found["listing_is_quick"].status == "passed"


def test_what_has_no_entry_point_is_not_listed(tmp_path):
    found = listing_of("representations", SOUND, tmp_path, plugin={"module": ""})
    skipped = {name for name, each in found.items() if "without an entry point" in each.reason}
    assert {name for name in skipped if name.startswith("listing_")} == {
        "listing_imports_nothing_heavy", "listing_is_quick",
        "listing_prints_nothing", "listing_leaves_no_trace",
    }  # fmt: skip


def test_a_constructor_that_raises_is_left_to_the_check_of_info(tmp_path):
    found = listing_of("representations", "mutants_listing:Refusing", tmp_path)
    assert found["constructor_is_quick"].reason.endswith("no licence: see info_is_complete")


def test_messages_say_what_to_type(tmp_path):
    found = listing_of("representations", "mutants_listing:Undescribed", tmp_path)
    assert found["options_are_documented"].seen == "nothing about 'power'"
    assert found["options_are_documented"].change == "add it below Args: 'power: What it does.'"
    found = listing_of("representations", SOUND, tmp_path, plugin={"module": "plugin_heavy"})
    assert found["listing_imports_nothing_heavy"].seen == "it imports torch"
