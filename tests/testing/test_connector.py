"""Each check of the connector family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

MUTANTS = [
    Mutant("bases_are_references", "mutants_connector:NamesForBases"),
    Mutant("routes_lead_to_bases", "mutants_connector:RouteToNowhere"),
    Mutant("corpora_are_requests", "mutants_connector:NamesTwice"),
    Mutant("corpora_are_requests", "mutants_connector:AsksAnotherBase"),
    Mutant("describe_gives_an_info", "mutants_connector:ForgetsASlot"),
    Mutant("offers_come_from_bases", "mutants_connector:OffersDense"),
    Mutant("offers_come_from_bases", "mutants_connector:OffersBoth"),
    Mutant("connector_fingerprint_is_stable", "mutants_connector:NewFingerprints"),
    Mutant("corpora_may_be_mapped", "mutants_connector:SinglePrecisionOnly"),
    Mutant("corpora_may_be_mapped", "mutants_connector:NoMaps"),
    Mutant("seeds_share_no_state", "mutants_connector:SharesItsState"),
    Mutant("connector_gives_a_state", "mutants_connector:FitRaises"),
    Mutant("connector_gives_a_state", "mutants_connector:NoState"),
    Mutant("connector_state_is_plain_data", "mutants_connector:ObjectsInState"),
    Mutant("connector_state_gives_the_same", "mutants_connector:RoundsItsState"),
    Mutant("connector_fit_repeats_itself", "mutants_connector:FreshNoise"),
    Mutant("connector_learns_from_its_corpora", "mutants_connector:LearnsNothing"),
    Mutant("connector_fit_starts_afresh", "mutants_connector:GoesOn"),
    Mutant("unfitted_is_refused", "mutants_connector:ProjectsUnfitted"),
    Mutant("unfitted_is_refused", "mutants_connector:RaisesUnfitted"),
    Mutant("every_route_projects", "mutants_connector:LiesAboutItsDim"),
    Mutant("projections_are_finite", "mutants_connector:NaN"),
    Mutant("projections_repeat", "mutants_connector:Noisy"),
    Mutant("projection_goes_row_by_row", "mutants_connector:CentresTheBatch"),
    Mutant("projection_keeps_leading_axes", "mutants_connector:FlatOnly"),
    Mutant("projections_differ", "mutants_connector:OneForAll"),
    Mutant("vectors_are_left_alone", "mutants_connector:CentresInPlace"),
    Mutant("vectors_are_left_alone", "mutants_connector:ScalesInPlace"),
    Mutant("connector_leaves_random_state_alone", "mutants_connector:SeedsNumpy"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "connectors", tmp_path)


def test_a_sound_one_fails_nothing(tmp_path):
    outcomes = outcomes_of("connectors", "sound_connector:SoundConnector", tmp_path)
    assert failed(outcomes) == {}
    assert {x.status for x in outcomes.values() if x.family == "connector"} == {"passed"}


def test_one_that_needs_no_corpora_has_none_to_learn_from(tmp_path):
    outcomes = outcomes_of("connectors", "mutants_connector:NeedsNothing", tmp_path)
    assert failed(outcomes) == {}
    for check in ("connector_learns_from_its_corpora", "corpora_may_be_mapped"):
        assert outcomes[check].reason == "it needs no corpora"


def test_the_message_says_which_base_offers_nothing(tmp_path):
    message = message_of(
        "offers_come_from_bases", "connectors", "mutants_connector:OffersDense", tmp_path
    )
    assert "the base of 'image' offers no dense embedding of it" in message
    assert "ask bases[self.routes[slot]].offer(kind, frozenset({slot}))" in message


def test_the_message_says_how_to_keep_axes(tmp_path):
    message = message_of(
        "projection_keeps_leading_axes", "connectors", "mutants_connector:FlatOnly", tmp_path
    )
    assert "to make [1, 2, 3, 12] of a dense map [1, 2, 3, 32], cell by cell" in message
    assert "seen: it raised ValueError: too many values to unpack" in message
