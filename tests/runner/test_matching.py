from __future__ import annotations

from dataclasses import replace

import pytest
from mmbench_faulty.representations import Faulty, Steady
from runner_bench import representation, task

from mmbench.api import NotApplicable, PluginError, UsageError
from mmbench.runner.catalog import Catalog
from mmbench.runner.matching import groups_of, match, single_slot
from mmbench.runner.suite import FitOn


def keys(catalog, choice=None, task_choice=None, seed=0, extra=()):
    found = match(catalog, choice or representation("steady"), task_choice or task(), seed, extra)
    return found.identity, found.recipe, found.key


def test_a_pair_that_fits(catalog) -> None:
    found = match(catalog, representation("steady"), task("pairs"), 3)

    assert found.bindings["pairs"] == {"left": "left", "right": "right"}
    assert [request.name for request in found.requests] == ["left", "right"]
    assert found.seed is None
    assert found.recipe is None


def test_the_same_pair_has_the_same_keys_everywhere(catalog, registry, settings) -> None:
    again = Catalog(registry, settings.data_root, settings.cache)

    assert keys(catalog) == keys(again)


def test_identity_follows_options_and_nothing_of_the_task(catalog) -> None:
    base = keys(catalog)[0]

    assert keys(catalog, representation("steady", scale=1.0))[0] == base  # the default, spelt out
    assert keys(catalog, task_choice=task("pairs", items=5))[0] == base
    others = [
        representation("steady", scale=2.0),
        representation("steady", size=5),
        representation("steady", only="left"),
        representation("fused"),
        representation("seeded"),
    ]
    found = {
        keys(catalog, choice, task("crops"))[0] if choice.options.get("only") else
        keys(catalog, choice)[0]
        for choice in others
    }  # fmt: skip
    assert len({*found, base}) == len(others) + 1


def test_identity_follows_version_and_fingerprint(catalog, monkeypatch) -> None:
    base = keys(catalog)
    with monkeypatch.context() as patch:
        patch.setattr(Steady, "fingerprint", lambda self: "other weights")
        assert keys(catalog)[0] != base[0]
    newer = property(lambda self, old=Steady.info.fget: replace(old(self), version="2"))
    monkeypatch.setattr(Steady, "info", newer)
    changed = keys(catalog)
    assert changed[0] != base[0]
    assert changed[2] != base[2]


def test_identity_follows_the_seed_only_where_it_matters(catalog) -> None:
    assert keys(catalog, seed=0) == keys(catalog, seed=1)
    seeded = representation("seeded")
    assert keys(catalog, seeded, seed=0)[0] != keys(catalog, seeded, seed=1)[0]
    drawn = task("drawn")
    zero, one = (keys(catalog, task_choice=drawn, seed=seed) for seed in (0, 1))
    assert zero[0] == one[0]
    assert zero[2] != one[2]


def test_labels_make_other_records_of_the_same_vectors(catalog) -> None:
    base = keys(catalog)
    renamed = keys(catalog, representation("steady", "mine"))
    retasked = keys(catalog, task_choice=task("pairs", "mine"))

    assert renamed[0] == retasked[0] == base[0]
    assert len({base[2], renamed[2], retasked[2]}) == 3


def test_a_cell_follows_task_options_data_and_settings(catalog, monkeypatch) -> None:
    base = keys(catalog)
    others = {
        keys(catalog, task_choice=task("pairs", items=5))[2],
        keys(catalog, task_choice=task("pairs", query="right", gallery="left"))[2],
        keys(catalog, extra=("fp32", 5, 100))[2],
        keys(catalog, extra=("bf16", None, 100))[2],
    }
    assert len({*others, base[2]}) == 5


def test_a_cell_follows_the_task_version(catalog, registry, settings, monkeypatch) -> None:
    from mmbench_faulty.tasks import PairsRetrieval

    base = keys(catalog)
    monkeypatch.setattr(PairsRetrieval, "version", "2")
    fresh = Catalog(registry, settings.data_root, settings.cache)
    changed = keys(fresh)

    assert changed[0] == base[0]
    assert changed[2] != base[2]


def test_a_recipe_follows_all_that_makes_a_fit(catalog, registry, settings) -> None:
    learnt = representation("learnt")
    base = keys(catalog, learnt)
    limited = Catalog(registry, settings.data_root, settings.cache, limit=4)
    others = {
        keys(catalog, representation("learnt", noise=1.0))[1],
        keys(catalog, learnt, task("pairs", items=5))[1],
        keys(limited, learnt)[1],
        keys(catalog, learnt, replace(task("pairs"), fit_on=FitOn("faulty-pairs", "test")))[1],
        keys(
            catalog, learnt,
            replace(task("pairs"), fit_on=FitOn("faulty-pairs", "test", target="label")),
        )[1],
    }  # fmt: skip

    assert base[1] is not None
    assert len({*others, base[1]}) == 6
    assert keys(catalog, learnt, task("pairs", broken=["test-000"]))[1] == base[1]


def test_equal_requests_of_two_tasks_are_one(catalog) -> None:
    first = match(catalog, representation("steady"), task("pairs"), 0)
    second = match(catalog, representation("steady"), task("faulty-task"), 0)
    left = next(request for request in first.requests if request.name == "left")
    right = next(request for request in first.requests if request.name == "right")

    assert first.encode_key(left, "fp32") == second.encode_key(second.requests[0], "fp32")
    assert first.encode_key(left, "fp32") != first.encode_key(right, "fp32")
    assert first.encode_key(left, "fp32") != first.encode_key(left, "bf16")


def test_spaces_follow_what_makes_a_vector(catalog) -> None:
    found = match(catalog, representation("steady"), task("pairs"), 0)
    spaces = {
        found.space("global", ["left"], None, "fp32"),
        found.space("dense", ["left"], None, "fp32"),
        found.space("global", ["right"], None, "fp32"),
        found.space("global", ["left", "right"], None, "fp32"),
        found.space("global", ["left"], "artifact", "fp32"),
        found.space("global", ["left"], None, "fp16"),
    }

    assert len(spaces) == 6
    assert found.space("global", ["right", "left"], None, "fp32") in spaces


def test_rows_go_in_groups_of_what_they_have(catalog) -> None:
    found = match(catalog, representation("steady"), task("sparse"), 0)
    groups = groups_of(found, found.requests[0], catalog)

    assert {group.slots: group.rows.tolist() for group in groups} == {
        ("left",): [0, 4, 8],
        ("right",): [1, 5, 9],
        ("left", "right"): [2, 3, 6, 7, 10, 11],
    }


def test_rows_that_lack_a_required_stream_are_in_no_group(catalog) -> None:
    found = match(catalog, representation("steady"), task("sparse", partial="require"), 0)
    (group,) = groups_of(found, found.requests[0], catalog)

    assert group.rows.tolist() == [2, 3, 6, 7, 10, 11]


def test_one_slot_of_a_group_has_the_key_of_its_own(catalog) -> None:
    found = match(catalog, representation("steady"), task("sparse"), 0)
    both = next(g for g in groups_of(found, found.requests[0], catalog) if len(g.slots) == 2)
    pairs = match(catalog, representation("steady"), task("pairs"), 0)

    alone = single_slot(found, found.requests[0], both, "left", catalog)
    (left,) = groups_of(pairs, pairs.requests[0], catalog)

    assert alone.slots == ("left",)
    assert alone.digests.tolist() == left.digests[both.rows].tolist()


def test_precomputed_vectors_go_by_id(catalog) -> None:
    found = match(catalog, representation("looked-up"), task("sparse"), 0)
    (group,) = groups_of(found, found.requests[0], catalog)

    assert group.slots == ("left", "right")
    assert len({digest.tobytes() for digest in group.digests}) == 12


@pytest.mark.parametrize(
    ("choice", "task_choice", "what"),
    [
        (representation("steady", only="left"), task("pairs"), "takes no right"),
        (representation("learnt"), task("sparse"), "must be trained, and sparse names no"),
        (representation("steady"), task("absent"), "found nothing"),
    ],
)
def test_what_does_not_fit_is_a_reason(catalog, choice, task_choice, what) -> None:
    with pytest.raises(NotApplicable, match=what):
        match(catalog, choice, task_choice, 0)


def test_an_offer_that_is_not_made_is_a_reason(catalog, monkeypatch) -> None:
    from mmbench_faulty import tasks

    from mmbench.api import Request

    asked = [Request("v", "items", ("left", "right"), "dense")]
    monkeypatch.setattr(tasks.FaultyTask, "requests", lambda self, offers: asked)
    with pytest.raises(NotApplicable, match=r"offers no dense embedding of left \+ right"):
        match(catalog, representation("steady"), task("faulty-task"), 0)


def test_a_training_collection_must_feed_every_slot(catalog, monkeypatch) -> None:
    from mmbench_faulty.tasks import PairsRetrieval

    from mmbench.api import FitSpec

    only_left = FitSpec(train="train", streams=("left",))
    monkeypatch.setattr(PairsRetrieval, "fit_spec", lambda self: only_left)
    with pytest.raises(NotApplicable, match="learns from right"):
        match(catalog, representation("learnt"), task("pairs"), 0)


@pytest.mark.parametrize("fault", ["constructor", "info", "bind", "fingerprint"])
def test_a_representation_that_raises_is_named(catalog, fault) -> None:
    with pytest.raises(PluginError, match=f"representation f.*KeyError.*{fault}"):
        match(catalog, representation("faulty", fault=fault), task(), 0)


def test_even_one_that_ends_the_process(catalog, monkeypatch) -> None:
    def leave(self):
        raise SystemExit(3)

    monkeypatch.setattr(Faulty, "fingerprint", leave)
    with pytest.raises(PluginError, match=r"fingerprint\(\) raised SystemExit: 3"):
        match(catalog, representation("faulty"), task(), 0)


@pytest.mark.parametrize(
    ("fault", "what"), [("requests", "requests.*KeyError"), ("request", "collection 'nowhere'")]
)
def test_a_task_that_asks_nonsense_is_named(catalog, fault, what) -> None:
    with pytest.raises(PluginError, match=what):
        match(catalog, representation("steady"), task("faulty-task", fault=fault), 0)


@pytest.mark.parametrize(
    ("bind", "what"),
    [
        ({"lfet": "left"}, "slot 'lfet' that it lacks"),
        ({"left": "right"}, "does not fit slot 'left'"),
    ],
)
def test_a_binding_that_cannot_be_is_misuse(catalog, bind, what) -> None:
    with pytest.raises(UsageError, match=what):
        match(catalog, replace(representation("steady"), bind=bind), task(), 0)
