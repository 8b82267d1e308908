"""Each check of the fingerprint family has a mutant that fails it and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

HERE = "mutants_fingerprint"
RUNS = {
    "fingerprint_is_text": ["Raising", "InBytes"],
    "fingerprint_is_stable": ["Counting", "Identity"],
    "fingerprint_outlives_loading": ["OfWhatIsLoaded"],
    "fingerprint_agrees_between_processes": ["Hashed", "OfTheProcess"],
    "fingerprint_follows_the_weights": ["OfTheHead", "OfTheLength", "Silent"],
    "fingerprint_names_what_is_read": ["BesideTheModule"],
    "environment_has_no_say": ["AsksTheEnvironment", "AsksAtEveryCall"],
    "fingerprint_stays_when_weights_move": ["OfThePlace", "OfTheDate"],
}
_NEVER = {
    "fingerprint_outlives_loading": "the instance that is loaded is another one",
    "fingerprint_agrees_between_processes": "an instance of another process is another one",
}
ALSO = {"Counting": _NEVER, "Identity": _NEVER}
WEIGHTED = {"OfTheHead", "OfTheLength", "Silent", "OfThePlace", "OfTheDate"}
MUTANTS = [
    Mutant(check, f"{HERE}:{name}", also=ALSO.get(name, {}))
    for check, names in RUNS.items()
    for name in names
]
#: What can be seen within a process; the others need further ones.
_WITHIN = {"fingerprint_follows_the_weights", "fingerprint_stays_when_weights_move"}


@pytest.fixture
def weights(tmp_path):
    """A folder with weights; its largest file counts."""
    folder = tmp_path / "models" / "weights"
    folder.mkdir(parents=True)
    values = np.random.default_rng(0).integers(256, size=4096).astype(np.uint8)
    (folder / "weights.bin").write_bytes(values.tobytes())
    (folder / "README").write_text("about it")
    (folder / "scale.txt").write_text("0.5")
    return folder


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, weights, tmp_path):
    if mutant.path.removeprefix(f"{HERE}:") in WEIGHTED:
        mutant = replace(mutant, options={"weights": str(weights / "weights.bin")})
    processes = mutant.check not in _WITHIN
    assert_fails_only(mutant, "representations", tmp_path / "kit", processes=processes)


@pytest.mark.parametrize("place", [".", "weights.bin"])
def test_weights_in_a_file_or_a_folder_are_no_fault(place, weights, tmp_path):
    options = {"weights": str(weights / place)}
    before = (weights / "weights.bin").read_bytes()
    found = outcomes_of("representations", f"{HERE}:Weighted", tmp_path / "kit", options=options)
    assert failed(found) == {}
    assert found["fingerprint_follows_the_weights"].status == "passed"
    assert found["fingerprint_stays_when_weights_move"].status == "passed"
    assert (weights / "weights.bin").read_bytes() == before


def test_without_weights_there_is_nothing_to_follow(tmp_path):
    found = outcomes_of(
        "representations", "sound_representation:Sound", tmp_path / "kit", processes=False
    )
    reason = "no option names a file or folder that is there"
    assert found["fingerprint_follows_the_weights"].reason == reason


def test_the_message_names_the_file(weights, tmp_path):
    options = {"weights": str(weights)}
    found = outcomes_of(
        "representations", f"{HERE}:OfTheHead", tmp_path / "kit", options=options, processes=False
    )
    assert found["fingerprint_follows_the_weights"].seen == (
        "the same, though a byte in the middle of weights.bin is another"
    )


def test_each_file_that_is_read_is_altered(weights, tmp_path):
    mutant = Mutant(
        "fingerprint_follows_the_weights", f"{HERE}:OfOneFile", options={"weights": str(weights)}
    )
    assert_fails_only(mutant, "representations", tmp_path / "kit")
    said = message_of(
        mutant.check, "representations", mutant.path, tmp_path / "more", options=mutant.options
    )
    assert "a byte in the middle of scale.txt is another" in said


@pytest.mark.parametrize("name", ["BesideTheModuleAndNamed", "AsksWhatIsPlain"])
def test_what_a_fingerprint_names_or_is_plain_is_no_fault(name, tmp_path):
    assert failed(outcomes_of("representations", f"{HERE}:{name}", tmp_path)) == {}


def test_the_file_and_the_variable_are_named(tmp_path):
    for check, name, what in (
        ("fingerprint_names_what_is_read", "BesideTheModule", "beside.bin, and fingerprint()"),
        ("environment_has_no_say", "AsksTheEnvironment", "the variable 'SOUND_GAIN'"),
    ):
        assert what in message_of(check, "representations", f"{HERE}:{name}", tmp_path / name)
