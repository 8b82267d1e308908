"""Tasks that interact: planned, done once, kept, scored again, and alone in their failure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import Mock

import loop_plugin
import numpy as np
import pytest
from runner_bench import Bench, representation, task

from mmbench.api import Connector, NotApplicable, PluginError, PrecomputedRepresentation
from mmbench.registry import load_registry
from mmbench.results.store import RecordStore
from mmbench.runner.artifacts import ArtifactStore
from mmbench.runner.bundle import BundleStore
from mmbench.runner.interacting import plain_arrays
from mmbench.runner.interaction_rules import refuse_what_cannot_interact
from mmbench.runner.rescoring import rescore
from mmbench.runner.vectors import VectorStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


SIGHT, LEARNT = representation("sight"), representation("learnt-sight")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """The built-in plugin and the walking one, here and in workers."""
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "loop")
    monkeypatch.setenv(loop_plugin.LOG, str(tmp_path / "log"))
    loop_plugin.install(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return load_registry()


@pytest.fixture
def log(tmp_path) -> Iterator[Path]:
    path = tmp_path / "log"
    path.touch()
    return path


def walk(**options):
    return task("walk", **options)


def only(outcome):
    (record,) = outcome.records.values()
    return record


def test_it_is_planned_after_the_training_and_encodes_nothing(bench, log):
    plan = bench.plan([SIGHT, LEARNT], [walk()])

    kinds = [(job.kind, job.label) for job in plan.jobs.values()]
    assert kinds == [
        ("interact", "sight"), ("score", "sight"),
        ("fit", "learnt-sight"), ("interact", "learnt-sight"), ("score", "learnt-sight"),
    ]  # fmt: skip
    assert plan.counters() == {"fits": 1, "encodes": 0, "reused": 0, "scores": 2}


def test_its_arrays_are_scored_and_kept(bench, log):
    outcome, _ = bench.do([LEARNT], [walk()], (3,))
    record = only(outcome)

    assert log.read_text().split("\n")[:2] == ["fit", "walk 3 8"]
    # Each step goes half of 0.58 of the way.
    goals = np.array(loop_plugin.places("goals", 6, 0).columns["goal"])
    way = (goals - np.random.default_rng(3).normal(size=6)) * (1 - 0.5 * 0.58) ** 4
    assert record.metrics["distance"].value == pytest.approx(np.abs(way).mean(), rel=1e-6)
    assert (record.items_total, record.items_used) == (6, 6)
    assert record.cost.seconds["interact"] > 0
    assert record.cost.items_encoded == 0
    assert record.seed == 3
    kept = ArtifactStore(bench.settings.cache).load(record.parameters["interaction"])
    assert sorted(kept.arrays) == ["steps", "way"]
    assert not list((bench.settings.cache / "checkpoints").iterdir())


def test_what_was_kept_is_scored_again_without_interacting(bench, log):
    outcome, _ = bench.do([SIGHT], [walk()])
    record = only(outcome)
    walked = log.read_text()

    rescore(record.key, bench.registry, bench.settings)
    again = RecordStore(bench.settings.results).read(record.key)
    assert again.metrics == record.metrics
    # A new label wants a new record; what it is scored on is there.
    plan = bench.plan([replace(SIGHT, label="eyes")], [walk()])
    assert [job.kind for job in plan.jobs.values()] == ["score"]
    outcome, _ = bench.do([replace(SIGHT, label="eyes")], [walk()])
    assert only(outcome).metrics == record.metrics
    assert log.read_text() == walked


@pytest.mark.parametrize(
    ("other", "walk_options", "seeds"),
    [({"factor": 0.9}, {}, (0,)), ({}, {"steps": 5}, (0,)), ({}, {}, (1,))],
)
def test_another_encoder_option_or_seed_interacts_anew(bench, log, other, walk_options, seeds):
    bench.do([SIGHT], [walk()])
    plan = bench.plan([representation("sight", **other)], [walk(**walk_options)], seeds)
    assert [job.kind for job in plan.jobs.values()] == ["interact", "score"]


def test_a_state_that_was_lost_is_trained_anew_and_fits_what_was_kept(bench, log):
    record = only(bench.do([LEARNT], [walk()])[0])
    for path in (bench.settings.cache / "artifacts" / "recipes").glob("*.json"):
        if record.representation.state in path.read_text():
            path.unlink()

    plan = bench.plan([replace(LEARNT, label="again")], [walk()])
    assert [job.kind for job in plan.jobs.values()] == ["fit", "interact", "score"]
    bench.do([replace(LEARNT, label="again")], [walk()])
    assert log.read_text().split("\n")[:-1] == ["fit", "walk 0 8", "fit"]  # its arrays were there


def test_a_damaged_interaction_is_made_anew(bench, log):
    record = only(bench.do([SIGHT], [walk()])[0])
    content = record.parameters["interaction"]
    (bench.settings.cache / "artifacts" / "states" / f"{content}.npz").write_bytes(b"")
    plan = bench.plan([replace(SIGHT, label="again")], [walk()])
    assert [job.kind for job in plan.jobs.values()] == ["interact", "score"]
    assert plan.damage


def test_a_bundle_holds_its_arrays(bench, log):
    record = only(bench.do([SIGHT], [walk()])[0])
    bundle = BundleStore(bench.settings.cache).read(record.key)
    inputs = bundle.inputs(VectorStore(bench.settings.cache))
    assert inputs.arrays["steps"] == 4
    assert bundle.vectors == {}
    assert len(inputs.tables["goals"]) == 6


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raise", r"interact\(\) raised KeyError: 'lost'"),
        ("nan", r"interact\(\) returned NaN or infinity in 'way'"),
        ("subset", r"interact\(\) encodes heard, and its requests are of heard \+ seen, seen"),
        ("empty", r"interact\(\) encodes a batch of 0 of seen payloads"),
    ],
)
def test_what_goes_wrong_names_the_task(bench, log, fault, message):
    with pytest.raises(PluginError, match=message) as caught:
        bench.do([SIGHT], [walk(fault=fault)])
    assert caught.value.where == "task walk"


@pytest.mark.parametrize(
    ("blind", "message"),
    [
        ("nan", "returned NaN or infinite values"),
        ("refuse", "is too far"),
        ("batch", "gave different vectors for one item alone and in a batch of 6"),
    ],
)
def test_vectors_are_checked_as_all_are(bench, log, blind, message):
    with pytest.raises(Exception, match=message):
        bench.do([representation("sight", blind=blind)], [walk()])


def test_what_was_stopped_goes_on_from_its_checkpoint(bench, log):
    with pytest.raises(PluginError, match="stopped"):
        bench.do([SIGHT], [walk(fault="once")])
    outcome, _ = bench.do([SIGHT], [walk(fault="once")])

    assert "resumed" in log.read_text()
    plain, _ = bench.do([SIGHT], [walk()])
    assert only(outcome).metrics["distance"].value == only(plain).metrics["distance"].value
    assert not list((bench.settings.cache / "checkpoints").iterdir())


def test_only_global_embeddings_are_live(bench, log):
    plan = bench.plan([SIGHT], [walk(fault="dense")])
    assert plan.count("broken") == 1
    assert "asks for a dense embedding" in plan.cells[0].reason


def test_vectors_of_known_items_are_in_no_loop():
    precomputed, connector = Mock(spec=PrecomputedRepresentation), Mock(spec=Connector)
    with pytest.raises(NotApplicable, match="vectors of known items"):
        refuse_what_cannot_interact(loop_plugin.Walk(), precomputed, "arrays")
    with pytest.raises(NotApplicable, match="is a connector"):
        refuse_what_cannot_interact(loop_plugin.Walk(), connector, "joined")


@pytest.mark.parametrize("made", [None, {}, [1.0], {"a": ["text"]}, {"a": [None]}, {1: [1.0]}])
def test_only_plain_arrays_are_taken(made):
    with pytest.raises(PluginError, match=r"interact\(\) returned"):
        plain_arrays(made, "here")


@pytest.mark.slow
def test_a_death_fails_its_cell_alone(registry, settings, log):
    outcome = Bench(registry, settings).execute(
        [SIGHT], [walk(label="dying", fault="die"), walk(label="sound")]
    )
    status = {each.task.label: each for each in outcome.records.values()}
    assert status["sound"].status == "ok"
    assert status["dying"].status == "failed"
    assert "while it did interact" in status["dying"].error.message
