"""Each check of the declaration family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

HERE = "mutants_declaration"
RUNS = {
    "something_is_offered": ["OffersNothing"],
    "info_is_complete": ["NoVersion", "NoName", "InfoRaises", "InfoIsATable", "BindRaises"],
    "info_is_typed": [
        "SlotsInAList", "NoComma", "OffersWords", "NoCitation", "SeededByWord", "DimAsText",
    ],
    "slots_are_named": ["TwoOfAName"],
    "slot_kinds_are_known": ["StrangeKind"],
    "slot_shapes_are_possible": ["ShapeOfAnother", "ChannelsFirst"],
    "offer_kinds_are_known": ["StrangeOffer"],
    "offers_name_their_slots": ["OffersLetters", "OffersOfNothing"],
    "dims_are_positive": ["NoLength"],
    "offers_are_unambiguous": ["TwoLengths"],
    "every_slot_is_offered": ["IdleSlot"],
    "offered_methods_are_written": ["NoMethod"],
    "every_kind_of_a_slot_is_encoded": ["TakesArray", "TakesArrayDifferently"],
    "info_is_stable": ["Counting"],
    "info_is_true_before_loading": ["KnownWhenLoaded"],
    "similarity_is_known": ["Euclidean"],
    "parameters_are_counted": ["LessThanNothing"],
    "batch_size_is_positive": ["NoBatch"],
    "open_slots_fit_their_streams": ["OpensForOthers"],
    "bind_forgets_earlier_streams": ["OpensMore"],
}  # fmt: skip
_EDGES = {"zeros_work": "a kind that it can't take is tried at its edges as well"}
ALSO = {
    "Counting": {"info_is_true_before_loading": "it never says the same twice"},
    "TakesArray": _EDGES,
    "TakesArrayDifferently": _EDGES,
}
MUTANTS = [
    Mutant(check, f"{HERE}:{name}", also=ALSO.get(name, {}))
    for check, names in RUNS.items()
    for name in names
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


def test_open_slots_are_no_fault(tmp_path):
    found = outcomes_of("representations", f"{HERE}:Open", tmp_path, processes=False)
    assert failed(found) == {}
    assert found["bind_forgets_earlier_streams"].status == "passed"


@pytest.mark.parametrize(
    ("name", "check", "seen", "change"),
    [
        ("NoComma", "info_is_typed", "str 'Image'", "Slot(..., kinds=('Image',)), with the comma"),
        (
            "OffersLetters",
            "offers_name_their_slots",
            "Offer('global', {'a', 'e', 'g', 'i', 'm'})",
            "name slots that info.slots has: frozenset({'image'}), with the braces",
        ),
        (
            "TakesArray",
            "every_kind_of_a_slot_is_encoded",
            "it raised AttributeError: 'Array' object has no attribute 'pixels'",
            "mend it, or take 'Array' out of the slot's kinds",
        ),
    ],
)
def test_messages_say_what_to_type(name, check, seen, change, tmp_path):
    found = outcomes_of("representations", f"{HERE}:{name}", tmp_path, processes=False)[check]
    assert (found.seen, found.change) == (seen, change)


def test_the_other_checks_wait_for_a_usable_declaration(tmp_path):
    found = outcomes_of("representations", f"{HERE}:TwoOfAName", tmp_path, processes=False)
    assert found["output_is_finite"].status == "blocked"
    assert found["output_is_finite"].reason == "'text' 2 times: see slots_are_named"
