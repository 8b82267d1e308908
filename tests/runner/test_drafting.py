from __future__ import annotations

import json

import numpy as np
import pytest
from mmbench_faulty import tasks
from mmbench_faulty.representations import Steady
from runner_bench import representation, task

from mmbench.api import (
    DataError,
    Evaluation,
    FitSpec,
    ItemTable,
    PluginError,
    Request,
    StoreError,
    UsageError,
    View,
    ViewedCollection,
)
from mmbench.results.store import RecordStore
from mmbench.runner.limit import Subset
from mmbench.runner.rescoring import rescore


def only(outcome):
    (record,) = outcome.records.values()
    return record


def test_a_record_says_what_made_it(bench) -> None:
    mine = representation("seeded", "mine", scale=2.0)
    record = only(bench.do([mine], [task("pairs", "p")], (3,))[0])

    assert (record.status, record.seed, record.partial, record.suite) == ("ok", 3, False, "test")
    chosen = record.representation
    assert (chosen.name, chosen.label, chosen.version) == ("seeded", "mine", "1")
    assert chosen.options == {"scale": 2.0, "delay": 0.0, "size": 4, "only": ""}
    assert (chosen.distribution, chosen.distribution_version) == ("mmbench-faulty", "1.0")
    assert (record.task.name, record.task.label, record.task.protocol) == (
        "pairs",
        "p",
        "retrieval",
    )
    data = {entry.name: entry for entry in record.data}
    assert (data["pairs"].dataset, data["pairs"].items, data["pairs"].used) == (
        "faulty-pairs",
        12,
        12,
    )
    assert data["pairs"].streams["left"].kind == "Array"
    assert (record.items_total, record.items_used) == (12, 12)
    assert record.provenance == "generated"
    assert "pairs/left" in record.generated_streams
    assert record.environment.packages["mmbench-faulty"] == "1.0"
    assert record.cost.items_encoded == 24
    assert set(record.cost.seconds) == {"encode", "score"}
    assert record.references["chance"]


def test_training_is_told_and_counted(bench) -> None:
    record = only(bench.do([representation("learnt", delay=0.05)])[0])

    assert record.cost.seconds["fit"] >= 0.05
    assert {"train/left", "train/right"} <= set(record.generated_streams)


def test_dropped_items_leave_every_request(bench) -> None:
    record = only(bench.do(None, [task("pairs", broken=("test-002", "test-005"))])[0])

    assert (record.items_total, record.items_used) == (12, 10)
    entry = next(each for each in record.data if each.name == "pairs")
    assert [item.id for item in entry.dropped] == ["test-002", "test-005"]
    assert all("is corrupt" in item.reason for item in entry.dropped)


def test_children_fall_with_their_parents(bench) -> None:
    record = only(bench.do(None, [task("crops", broken=("test-002",))])[0])

    used = {entry.name: (entry.used, entry.items) for entry in record.data}
    assert used == {"children": (22, 24), "items": (11, 12)}
    assert (record.items_total, record.items_used) == (12, 11)  # children are not counted


def test_a_forgotten_parent_takes_its_children_along(bench) -> None:
    choice = representation("looked-up", forgotten=("test-001",))
    record = only(bench.do([choice], [task("crops")])[0])

    data = {entry.name: entry for entry in record.data}
    assert (data["children"].used, data["children"].dropped) == (22, ())
    (told,) = data["items"].dropped
    assert told.id == "test-001"
    assert told.reason == "looked-up has no vector for it; and its 2 children"


def test_a_broken_parent_is_told_once_with_all_its_children(bench) -> None:
    record = only(bench.do(None, [task("crops", broken=("test-002", "test-007"))])[0])

    data = {entry.name: entry for entry in record.data}
    assert (data["children"].used, data["children"].dropped) == (20, ())
    assert [item.id for item in data["items"].dropped] == ["test-002", "test-007"]
    for item in data["items"].dropped:
        assert "is corrupt; and its 2 children" in item.reason


def without_own_request(monkeypatch) -> None:
    """Items are judged by their auxiliary children alone."""

    def score(self, inputs):
        found = inputs.tables["items"]
        norm = np.ones(len(found))
        return Evaluation({"items": ItemTable(found.ids, {"norm": norm, "above": norm})})

    def requests(self, offers):
        return [Request("vectors", "children", ("left",))]

    monkeypatch.setattr(tasks.CropsTask, "requests", requests)
    monkeypatch.setattr(tasks.CropsTask, "score", score)


def test_an_item_without_any_of_its_parts_falls(bench, monkeypatch) -> None:
    without_own_request(monkeypatch)
    broken = {"broken": ("test-002",), "prompts": True}
    record = only(bench.do(None, [task("crops", **broken)])[0])

    data = {entry.name: entry for entry in record.data}
    assert (data["items"].used, data["children"].used) == (11, 22)
    assert data["children"].dropped == ()
    (told,) = data["items"].dropped
    assert "is corrupt; and its 2 children" in told.reason
    # Children that are items themselves are no parts: their parents stay.
    broken["prompts"] = False
    record = only(bench.do(None, [task("crops", "items", **broken)])[0])
    data = {entry.name: entry for entry in record.data}
    assert (data["items"].used, data["children"].used) == (12, 22)
    assert [item.id for item in data["children"].dropped] == ["test-002#0", "test-002#1"]


def test_an_item_with_some_of_its_parts_stays(bench, monkeypatch) -> None:
    without_own_request(monkeypatch)
    choice = representation("looked-up", forgotten=("test-001#1",))
    record = only(bench.do([choice], [task("crops", prompts=True)])[0])

    data = {entry.name: entry for entry in record.data}
    assert (data["items"].used, data["items"].dropped) == (12, ())
    assert [item.id for item in data["children"].dropped] == ["test-001#1"]


def test_a_limit_reaches_parents_and_children(bench) -> None:
    record = only(bench.do(None, [task("crops")], limit=3)[0])

    assert {entry.name: entry.used for entry in record.data} == {"children": 6, "items": 3}
    assert record.partial


def test_the_same_collection_twice_under_a_limit(bench, monkeypatch) -> None:
    def twice(self, datasets):
        found = datasets.open("faulty-pairs")["test"]
        return {"items": found, "gallery": found}

    monkeypatch.setattr(tasks.FaultyTask, "collections", twice)

    assert only(bench.do(None, [task("faulty-task")], limit=3)[0]).items_used == 3


def test_a_cell_without_items_fails(bench) -> None:
    broken = tuple(f"test-{row:03d}" for row in range(12))
    with pytest.raises(DataError, match=r"none of its 12 items could be used; test-000.*corrupt"):
        bench.do(None, [task("pairs", broken=broken)])
    with pytest.raises(DataError, match="pairs: has no items"):
        bench.do(None, [task("pairs", items=0)])


def test_a_dropped_prompt_fails_the_cell(bench, monkeypatch) -> None:
    def with_prompts(self, datasets):
        found = datasets.open("faulty-pairs", broken=("test-003",))["test"]
        object.__setattr__(found, "auxiliary", True)
        return {"items": found, "more": datasets.open("faulty-pairs", seed=1)["test"]}

    monkeypatch.setattr(tasks.FaultyTask, "collections", with_prompts)
    with pytest.raises(DataError, match=r"the prompt 'test-003' can't be used: .*corrupt"):
        bench.do(None, [task("faulty-task")])


def test_provenance_is_that_of_what_is_evaluated(bench, monkeypatch) -> None:
    from dataclasses import replace

    opened = tasks.FaultyTask.collections

    def recorded(self, datasets):
        found = opened(self, datasets)["items"]
        streams = dict(found.streams)
        streams["left"] = replace(streams["left"], provenance="real")
        object.__setattr__(found, "streams", streams)
        return {"items": found}

    monkeypatch.setattr(tasks.FaultyTask, "collections", recorded)
    record = only(bench.do(None, [task("faulty-task")])[0])

    assert record.provenance == "real"  # the right side is generated, and not asked for
    assert record.generated_streams == ()


def test_a_column_of_another_length_is_named(bench, monkeypatch) -> None:
    opened = tasks.FaultyTask.collections

    def short(self, datasets):
        found = opened(self, datasets)["items"]
        object.__setattr__(found, "columns", {"label": [1, 2]})
        return {"items": found}

    monkeypatch.setattr(tasks.FaultyTask, "collections", short)
    with pytest.raises(PluginError, match="column 'label' has 2 values for 12 items"):
        bench.do(None, [task("faulty-task")])


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("raise", r"task faulty-task: score\(\) raised KeyError"),
        ("above", "impossible values: above one: .* lies above 1"),
        ("lacks", "the evaluation does not fit: lacks 'above'"),
    ],
)
def test_a_task_that_scores_nonsense_is_named(bench, fault, what) -> None:
    with pytest.raises(PluginError, match=what):
        bench.do(None, [task("faulty-task", fault=fault)])


def test_an_undefined_value_is_none_with_a_reason(bench) -> None:
    record = only(bench.do(None, [task("faulty-task", fault="undefined")])[0])

    assert record.metrics["norm"].value is None
    assert record.metrics["norm"].no_interval


def test_vectors_that_cannot_be_scored_are_the_representation_s_fault(bench) -> None:
    with pytest.raises(PluginError, match=r"can't be scored on pairs: .*constant") as caught:
        bench.do([representation("faulty", "flat", fault="constant")])
    assert caught.value.where == "representation flat"


# Scoring again


def test_scoring_again_says_the_same_without_the_model(
    bench, settings, registry, monkeypatch
) -> None:
    record = only(bench.do()[0])
    before = {name: (m.value, m.low, m.high) for name, m in record.metrics.items()}

    def gone(self, *args):
        raise AssertionError("the model was asked")

    monkeypatch.setattr(Steady, "encode", gone)
    monkeypatch.setattr(Steady, "load", gone)
    assert rescore(record.key, registry, settings) == "steady on pairs"

    again = RecordStore(settings.results).read(record.key)
    assert again is not None
    assert {name: (m.value, m.low, m.high) for name, m in again.metrics.items()} == before
    assert again.references == record.references
    assert again.created > record.created
    assert again.cost.items_encoded == record.cost.items_encoded


def test_scoring_again_follows_the_task_as_it_is_now(
    bench, settings, registry, monkeypatch
) -> None:
    record = only(bench.do(None, [task("faulty-task")])[0])

    def doubled(self, inputs):
        norm = 2 * np.linalg.norm(inputs.arrays["vectors"], axis=1).astype(np.float64)
        table = ItemTable(inputs.tables["items"].ids, {"norm": norm, "above": norm * 0})
        return Evaluation({"items": table})

    monkeypatch.setattr(tasks.FaultyTask, "score", doubled)
    rescore(record.key, registry, settings)

    again = RecordStore(settings.results).read(record.key)
    assert again.metrics["norm"].value == pytest.approx(2 * record.metrics["norm"].value)


def test_scoring_again_needs_the_bundle_and_the_vectors(bench, settings, registry) -> None:
    record = only(bench.do()[0])
    for path in (settings.cache / "vectors").glob("??/*/*.json"):
        path.unlink()
    with pytest.raises(StoreError, match="12 of 12 vectors are not in the store"):
        rescore(record.key, registry, settings)
    for path in (settings.cache / "bundles").iterdir():
        path.unlink()
    with pytest.raises(StoreError, match="inputs of this cell can't be read"):
        rescore(record.key, registry, settings)


def test_scoring_again_without_the_task_is_misuse(bench, settings, registry, monkeypatch) -> None:
    record = only(bench.do()[0])
    monkeypatch.delitem(registry.tasks, "pairs")
    with pytest.raises(UsageError, match="no task called 'pairs'"):
        rescore(record.key, registry, settings)


def test_two_fits_of_one_recipe_never_mix(bench, settings) -> None:
    noisy = representation("learnt", noise=1.0)
    first = only(bench.do([noisy])[0])
    (path,) = (settings.results / "records").glob("*.json")
    states = list((settings.cache / "artifacts" / "states").iterdir())
    # the pointer is lost, as if another machine had not published yet: the second fit differs
    for recipe in (settings.cache / "artifacts" / "recipes").iterdir():
        recipe.unlink()
    path.unlink()
    second_run, results = bench.do([noisy])

    assert len(list((settings.cache / "artifacts" / "states").iterdir())) == len(states) + 1
    assert sum(result.encoded for result in results.values()) == 24
    assert only(second_run).key == first.key
    assert json.loads(path.read_text())["status"] == "ok"


def trained_on(monkeypatch, made) -> None:
    """Have the retrieval of pairs train on what this makes of its test items."""

    def collections(self, datasets):
        test = datasets.open("faulty-pairs", items=12)["test"]
        return {"pairs": test, "train": made(test)}

    monkeypatch.setattr(tasks.PairsRetrieval, "collections", collections)


def test_a_record_says_that_the_judged_items_were_learnt_from(bench, monkeypatch) -> None:
    monkeypatch.setattr(
        tasks.PairsRetrieval,
        "collections",
        lambda self, datasets: {"pairs": datasets.open("faulty-pairs")["test"]},
    )
    monkeypatch.setattr(tasks.PairsRetrieval, "fit_spec", lambda self: FitSpec(train="pairs"))
    (note,) = only(bench.do([representation("learnt")])[0]).notes
    assert note == (
        "trained on items that are judged: 12 of 12 items of 'pairs' are in 'pairs', which it "
        "learnt from"
    )


def test_a_record_says_that_views_of_the_judged_items_were_learnt_from(bench, monkeypatch) -> None:
    view = View("noise", {"level": 0.001})
    trained_on(monkeypatch, lambda test: ViewedCollection("train", test, {"left": [view]}))
    (note,) = only(bench.do([representation("learnt")])[0]).notes
    assert "12 of 12 items of 'pairs' are in 'train'" in note


def test_a_record_counts_the_judged_items_that_were_learnt_from(bench, monkeypatch) -> None:
    trained_on(monkeypatch, lambda test: Subset(test, [0, 1, 2]))
    (note,) = only(bench.do([representation("learnt")])[0]).notes
    assert "3 of 12 items" in note


def test_nothing_is_noted_of_what_learns_nothing_or_from_others(bench, monkeypatch) -> None:
    assert only(bench.do([representation("learnt")])[0]).notes == ()
    trained_on(monkeypatch, lambda test: Subset(test, [0, 1, 2]))
    assert only(bench.do([representation("steady")])[0]).notes == ()
