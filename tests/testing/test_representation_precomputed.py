"""Each check of the precomputed family has a mutant that fails it and no other."""

from __future__ import annotations

import numpy as np
import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

MUTANTS = [
    Mutant("known_ids_are_found", "sound_precomputed:SoundPrecomputed", options={"prefix": "my"}),
    Mutant("lookup_says_what_it_knows", "mutants_precomputed:MaskOfNumbers"),
    Mutant("lookup_says_what_it_knows", "mutants_precomputed:ZerosForTheUnknown"),
    Mutant("unknown_ids_are_not_invented", "mutants_precomputed:InventsTheUnknown"),
    Mutant("only_unknown_ids_give_no_rows", "mutants_precomputed:RaisesForTheUnknown"),
    Mutant("lookup_follows_the_order_of_ids", "mutants_precomputed:OrderOfTheFile"),
    Mutant("lookups_agree", "mutants_precomputed:FreshNoise"),
    Mutant("unknown_ids_names_the_collection", "mutants_precomputed:SaysNothing"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


def test_a_sound_one_fails_nothing(tmp_path):
    path = "sound_precomputed:SoundPrecomputed"
    outcomes = outcomes_of("representations", path, tmp_path)
    assert failed(outcomes) == {}
    assert {x.status for x in outcomes.values() if x.family == "precomputed"} == {"passed"}


def test_what_is_computed_is_not_judged(tmp_path):
    outcomes = outcomes_of("representations", "sound_representation:Sound", tmp_path)
    assert {x.status for x in outcomes.values() if x.family == "precomputed"} == {"skipped"}


@pytest.mark.parametrize("relative", [False, True])
def test_the_built_in_arrays_pass_with_files_of_the_kits_ids(relative, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "ids.txt").write_text("".join(f"kit-{row}\n" for row in range(6)))
    rng = np.random.default_rng(0)
    np.save(folder / "image.npy", rng.normal(size=(6, 8)).astype(np.float32))
    np.save(folder / "image.dense.npy", rng.normal(size=(6, 3, 3, 8)).astype(np.float32))
    outcomes = outcomes_of(
        "representations",
        "mmbench.builtin.representations.arrays:Arrays",
        tmp_path / "work",
        options={"folder": "vectors" if relative else str(folder)},
        spec={"name": "arrays"},
    )
    assert failed(outcomes) == {}
    assert {x.status for x in outcomes.values() if x.family == "precomputed"} == {"passed"}
    assert outcomes["processes_agree"].status == "passed"
    assert {x.status for x in outcomes.values()} == {"passed", "skipped"}


def test_the_message_says_which_ids_the_files_must_hold(tmp_path):
    message = message_of(
        "known_ids_are_found",
        "representations",
        "sound_precomputed:SoundPrecomputed",
        tmp_path,
        options={"prefix": "my"},
    )
    assert "to know the ids 'kit-0' to 'kit-5' of the collection 'kit'" in message
    assert "point its options at files made for the check" in message
