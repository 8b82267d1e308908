"""Connectors before anything runs: their keys and names, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runner_bench import representation, task

from mmbench.api import DataMissing, PluginError, UsageError
from mmbench.runner.matching import match
from mmbench.runner.naming import info_of

JOINED = "joined(steady, learnt)"


def joined(label: str = "", **options):
    return representation("joined", label, **options)


def test_a_base_that_is_seeded_makes_it_seeded(bench) -> None:
    plan = bench.plan([joined(second="seeded")], [task("pairs")], (0, 1))

    assert [cell.seed for cell in plan.cells] == [0, 1]
    fits = {job.key for job in plan.jobs.values() if job.kind == "fit"}
    assert len(fits) == 2


def test_keys_follow_what_makes_a_connector(catalog) -> None:
    def keys(seed=0, **options):
        found = match(catalog, joined(**options), task("pairs"), seed)
        return found.identity, found.recipe

    base = keys()
    assert keys(first="steady", first_options={}) != base  # options as they were given
    assert keys(seed=1) == base
    for changed in (
        {"first_options": {"scale": 2.0}},
        {"second": "steady"},
        {"second_fit_on": {"dataset": "faulty-pairs", "train": "test"}},
        {"seeded": True},
    ):
        assert keys(**changed)[0] != base[0], changed
    assert keys(seeded=True, seed=1)[0] != keys(seeded=True)[0]
    corpora = {
        keys(corpus=corpus, data=data)[1]
        for corpus, data in (
            ("faulty-pairs/train/left", {}),
            ("faulty-pairs/train/left", {"items": 5}),
            ("faulty-pairs/test/left", {}),
            ("", {}),
        )
    }
    assert len(corpora) == 4


def test_labels_are_the_suites_where_it_gives_one(bench) -> None:
    choices = [joined(), joined("mine", seeded=True), joined(JOINED, second="steady")]
    plan = bench.plan([choices[0], choices[1]], [task("pairs")])
    assert [cell.representation.label for cell in plan.cells] == [JOINED, "mine"]

    taken = bench.plan([choices[0], choices[2]], [task("pairs")])
    assert [cell.representation.label for cell in taken.cells] == ["joined", JOINED]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"first": "steadi"}, "base first is 'steadi', which is not installed\n.*did you mean st"),
        ({"first_options": {"scales": 1}}, "has no option 'scales'"),
        ({"second_fit_on": {"dataset": "faulty-pairs"}}, "lacks the key 'fit_on.train'"),
        ({"second_fit_on": {"dataset": "faulty-pairs", "train": "no"}}, "no collection 'no' to"),
        ({"corpus": "faulty-pair/train/left"}, "no dataset called 'faulty-pair'"),
        ({"corpus": "faulty-pairs/tran/left"}, "no such collection\n.*did you mean train"),
        ({"corpus": "faulty-pairs/train/lift"}, "no such stream\n.*did you mean left"),
        ({"corpus": "faulty-pairs/train/right"}, "does not fit the slot 'left' of steady"),
        (
            {"second": "steady", "second_fit_on": {"dataset": "faulty-pairs", "train": "train"}},
            "steady, which is not trained, and has a fit_on",
        ),
        ({"data": {"itens": 3}}, "has no option 'itens'"),
    ],
)  # fmt: skip
def test_misuse_is_refused_before_anything_starts(bench, options, what) -> None:
    with pytest.raises(UsageError, match=f"(?s){what}"):
        bench.plan([joined(**options)], [task("pairs")])


def test_an_optional_connector_is_skipped_where_a_base_is_not_installed(bench) -> None:
    choice = replace(joined(first="clip"), optional=True)
    (cell,) = bench.plan([choice], [task("pairs")]).cells

    assert cell.state == "skipped"
    assert "base first is 'clip', which is not installed" in cell.reason


def test_bases_that_lead_back_are_named(bench) -> None:
    with pytest.raises(UsageError, match=r"its bases lead back to itself: ring.* -> ring"):
        bench.plan([representation("ring")], [task("pairs")])


def test_what_it_says_of_itself_needs_no_data(registry) -> None:
    info = info_of("joined", {"second": "steady"}, registry)
    assert info.name == "joined(steady, steady)"
    assert [slot.name for slot in info.slots] == ["left", "right"]
    with pytest.raises(UsageError, match="has connectors as bases 16 deep"):
        info_of("ring", {}, registry)
    with pytest.raises(PluginError, match=r"describe\(\) raised KeyError"):
        info_of("joined", {"fault": "describe"}, registry)


def test_a_corpus_that_is_not_there_is_a_reason_to_skip(bench) -> None:
    (cell,) = bench.plan([joined(corpus="faulty-absent/train/left")], [task("pairs")]).cells

    assert cell.state == "skipped"
    assert "the corpus faulty-absent/train/left is not there: looked for" in cell.reason
    assert "get it from https://example.org/absent" in cell.reason


def test_a_base_that_lacks_what_is_routed_to_it_breaks_the_cell(bench) -> None:
    (cell,) = bench.plan([joined(first_options={"only": "right"})], [task("pairs")]).cells

    assert cell.state == "broken"
    assert "describe() offers global of left, which no base of it offers" in cell.reason


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("describe", "describe() raised KeyError: 'broken describe on purpose'"),
        ("needs", "needs() raised KeyError"),
        ("fingerprint", "fingerprint() raised KeyError"),
        ("twice", "needs() asks for 'first' twice"),
        ("stranger", "base='third'"),
        ("offers", "describe() offers dense of left, which no base of it offers"),
        ("routes", "describe() offers global of right"),
        ("info", "describe() returned 'joined("),
    ],
)
def test_a_broken_declaration_breaks_the_cell(bench, fault, what) -> None:
    (cell,) = bench.plan([joined(fault=fault)], [task("pairs")]).cells

    assert cell.state == "broken"
    assert what in cell.reason


def test_all_that_is_not_there_is_named_at_once(bench, monkeypatch) -> None:
    """Weights of both bases and of the connector: whoever fetches them fetches them once."""
    from mmbench_faulty.connectors import Joined
    from mmbench_faulty.representations import Steady

    def lacking(made):
        name = type(made).__name__
        raise DataMissing(f"{name}'s weights are not here", where=name, fix="get them\nput them")

    monkeypatch.setattr(Joined, "fingerprint", lacking)
    monkeypatch.setattr(Steady, "fingerprint", lacking)
    choice = joined("mine", second="steady", second_options={"scale": 2.0})
    (cell,) = bench.plan([choice], [task("pairs")]).cells

    assert cell.state == "skipped"
    assert cell.reason.splitlines() == [
        "representation mine: what it needs is not all here",
        "  Steady: Steady's weights are not here; get them; put them",
        "  Joined: Joined's weights are not here; get them; put them",
    ]
    monkeypatch.undo()
    monkeypatch.setattr(Joined, "fingerprint", lacking)
    (cell,) = bench.plan([choice], [task("pairs")]).cells
    assert cell.reason.startswith("Joined: Joined's weights are not here\n  get them")
