"""Connectors in a run: their bases encode, they learn from corpora, and project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from installing import environment, install
from runner_bench import representation, task

from mmbench.api import NotApplicable, PluginError, Request
from mmbench.results.store import RecordStore
from mmbench.runner import connecting
from mmbench.runner.artifacts import ArtifactStore
from mmbench.runner.bundle import BundleStore
from mmbench.runner.housekeeping import others, summarise
from mmbench.runner.matching import match
from mmbench.runner.vectors import VectorStore
from mmbench.runner.workshop import Workshop

JOINED = "joined(steady, learnt)"


def joined(label: str = "", **options):
    return representation("joined", label, **options)


def only(outcome):
    (record,) = outcome.records.values()
    return record


def arrays_of(bench, record):
    bundle = BundleStore(bench.settings.cache).read(record.key)
    return bundle.inputs(VectorStore(bench.settings.cache)).arrays


def state_of(bench, record):
    return ArtifactStore(bench.settings.cache).load(record.representation.state)


def counted(results):
    """Trainings done and items encoded."""
    ended = results.values()
    return sum(each.fits for each in ended), sum(each.encoded for each in ended)


def kinds(plan):
    return [job.kind for job in plan.jobs.values()]


def test_a_connector_is_planned_like_any_other(bench) -> None:
    plan = bench.plan([joined()], [task("pairs")])

    assert [(job.kind, job.label, job.request) for job in plan.jobs.values()] == [
        ("encode", "steady", "corpus faulty-pairs/train/left"),
        ("fit", "learnt", ""),
        ("encode", "learnt", "corpus faulty-pairs/train/left"),
        ("fit", JOINED, ""),
        ("encode", "steady", "left"),
        ("project", JOINED, "left"),
        ("encode", "learnt", "right"),
        ("project", JOINED, "right"),
        ("score", JOINED, ""),
    ]
    assert plan.counters() == {"fits": 2, "encodes": 72, "reused": 0, "scores": 1}


def test_it_runs_and_its_record_tells_what_it_is_made_of(bench) -> None:
    outcome, results = bench.do([joined()], [task("pairs")])
    record = only(outcome)
    entry = record.representation

    assert record.status == "ok"
    assert record.metrics["left→right R@1"].value == 1.0
    assert (entry.name, entry.label, entry.family) == ("joined", JOINED, "connector")
    assert entry.options["first"] == "steady"
    assert {path: (base.name, base.state is None) for path, base in entry.bases.items()} == {
        "first": ("steady", True),
        "second": ("learnt", False),
    }
    assert entry.bases["first"].options["scale"] == 1.0
    assert entry.state != entry.bases["second"].state
    corpus = next(each for each in record.data if each.auxiliary)
    assert (corpus.name, corpus.dataset) == ("faulty-pairs/train/left", "faulty-pairs")
    assert (corpus.items, corpus.used) == (24, 24)
    assert corpus.fingerprint
    assert record.cost.seconds.keys() >= {"fit", "fit of bases", "encode", "score"}
    assert counted(results) == (2, 72)
    spaces = {(e.about["representation"], e.items) for e in summarise(bench.settings.cache)}
    assert spaces == {("steady", 36), ("learnt", 24), ("learnt", 12), ("joined", 12)}


def test_its_vectors_are_projections_of_its_bases_vectors(bench) -> None:
    outcome, _ = bench.do([joined(second="steady"), representation("steady")], [task("pairs")])
    records = {record.representation.name: record for record in outcome.records.values()}
    mine, plain = (arrays_of(bench, records[name]) for name in ("joined", "steady"))
    means = state_of(bench, records["joined"]).arrays

    np.testing.assert_allclose(mine["left"], plain["left"] - means["first"], rtol=1e-6)
    np.testing.assert_allclose(mine["right"], plain["right"] - means["second"], rtol=1e-6)


@pytest.mark.parametrize("first", [True, False])
def test_what_a_base_does_by_itself_is_done_once(bench, first) -> None:
    choices = [representation("steady"), representation("learnt"), joined()]
    plan = bench.plan(choices if first else choices[::-1], [task("pairs")])
    jobs = list(plan.jobs.values())

    assert kinds(plan).count("fit") == 2
    assert len([job for job in jobs if job.kind == "encode" and job.request == "left"]) == 2
    alone = bench.plan(choices[:2], [task("pairs")])
    assert {key for key in alone.jobs if not key.startswith("score")} <= set(plan.jobs)


def test_what_is_in_the_store_is_not_made_again(bench) -> None:
    bench.do([representation("steady"), representation("learnt")], [task("pairs")])
    _, results = bench.do([joined()], [task("pairs")])
    assert counted(results) == (1, 48)  # the corpus, in two spaces

    assert bench.plan([joined()], [task("pairs")]).jobs == {}
    renamed = bench.plan([joined("mine")], [task("pairs")])
    assert kinds(renamed) == ["project", "project", "score"]
    assert [job.missing for job in renamed.jobs.values()] == [0, 0, 0]


def test_corpora_are_mapped_read_only_and_left_nowhere(bench) -> None:
    outcome, _ = bench.do([joined()], [task("pairs")])
    meta = state_of(bench, only(outcome)).meta

    assert meta["kinds"] == ["memmap"]
    assert meta["writeable"] is False
    left = list((bench.settings.cache / "checkpoints").rglob("*"))
    assert [path.name for path in left if path.is_file()] == ["steps"]  # what seeds share


def test_rows_of_one_corpus_are_aligned(bench) -> None:
    lossy = joined(second="looked-up", second_options={"forgotten": ["train-003"]})
    outcome, _ = bench.do([lossy], [task("pairs")])
    record = only(outcome)

    assert state_of(bench, record).meta["rows"] == {"first": 23, "second": 23}
    corpus = next(each for each in record.data if each.auxiliary)
    assert (corpus.items, corpus.used) == (24, 23)


def test_rows_of_paired_corpora_are_aligned_over_streams(bench) -> None:
    def forgets(item):
        return {"forgotten": [item]}

    lossy = joined(first="looked-up", first_options=forgets("train-003"), paired=True,
                   second="looked-up", second_options=forgets("train-005"))  # fmt: skip
    outcome, _ = bench.do([lossy], [task("pairs")])

    record = only(outcome)
    assert state_of(bench, record).meta["rows"] == {"first": 22, "second": 22}
    corpora = {each.name: each.used for each in record.data if each.auxiliary}
    assert corpora == {"faulty-pairs/train/left": 22, "faulty-pairs/train/right": 22}


def test_items_that_a_base_drops_are_dropped_with_its_reason(bench) -> None:
    outcome, _ = bench.do([joined()], [task("pairs", broken=["test-003"])])
    record = only(outcome)

    assert (record.items_total, record.items_used) == (12, 11)
    assert record.data[0].dropped[0].id == "test-003"
    assert "is corrupt" in record.data[0].dropped[0].reason


def test_seeds_share_a_folder_and_no_state(bench) -> None:
    outcome, _ = bench.do([joined(seeded=True, second="steady")], [task("pairs")], (0, 1))
    records = list(outcome.records.values())

    assert [record.seed for record in records] == [0, 1]
    assert len({record.representation.state for record in records}) == 2
    assert len({record.representation.fingerprint for record in records}) == 1
    (steps,) = (bench.settings.cache / "checkpoints").rglob("steps")
    assert steps.read_text() == "0:0\n1:0\n"


@pytest.fixture
def projected(bench, monkeypatch):
    """``projected(kind)``: the store's space of a connector's left side, and its base's vectors."""
    from mmbench_faulty.tasks import FaultyTask

    def running(kind):
        wanted = Request("vectors", "items", ("left",), kind)
        monkeypatch.setattr(FaultyTask, "requests", lambda self, offers: [wanted])
        choice, chosen = joined(first="gridded", second="steady"), task("faulty-task")
        shop = Workshop(bench.registry, bench.settings, "test", "cpu", lambda *said: None)
        results: dict = {}
        for job in bench.plan([choice], [chosen]).jobs.values():
            if job.kind != "score":
                results[job.key] = shop.do(job, {need: results[need] for need in job.needs})
        found = match(shop.catalog, choice, chosen, 0)
        group = shop.embedded.group(found, wanted)
        space = shop.embedded.space(found, wanted, group.slots)
        base = shop.embedded.space(found.base("first"), wanted, group.slots)
        mean = shop.artifacts.load(shop.trainings.content(found.subject)).arrays["first"]
        shop.catalog.hashes.close()
        vectors = [each.gather(each.find(group.digests)) for each in (space, base)]
        return space, vectors[0], vectors[1] - mean

    return running


def test_dense_maps_are_projected_cell_by_cell(projected) -> None:
    _, mine, wanted = projected("dense")

    assert mine.shape == (12, 2, 2, 6)
    np.testing.assert_allclose(mine, wanted, rtol=1e-5)


def test_a_lost_block_is_projected_again_alone(projected, monkeypatch) -> None:
    monkeypatch.setattr(connecting, "_BLOCK", 5)
    space, mine, _ = projected("global")
    shards = sorted(space.folder.glob("????????*.json"))
    kept = {path: path.stat().st_mtime_ns for path in shards}
    assert len(shards) == 3  # of 5, 5 and 2 rows
    shards[0].unlink()

    again, vectors, _ = projected("global")
    after = {path: path.stat().st_mtime_ns for path in again.folder.glob("????????*.json")}
    assert len(after) == 3
    assert all(after[path] == when for path, when in kept.items() if path != shards[0])
    np.testing.assert_array_equal(vectors, mine)


def test_one_that_needs_no_corpora_only_projects(bench) -> None:
    outcome, results = bench.do([joined(corpus="", second="steady")], [task("pairs")])

    assert only(outcome).status == "ok"
    assert counted(results) == (1, 24)
    assert not [each for each in only(outcome).data if each.auxiliary]


def test_a_connector_can_be_a_base(bench) -> None:
    inner = {"first": "steady", "second": "steady", "second_options": {"scale": 2.0}}
    outer = joined("chain", first="joined", first_options=inner)
    outcome, _ = bench.do([outer, joined("inner", **inner)], [task("pairs")])
    record = next(r for r in outcome.records.values() if r.representation.label == "chain")

    assert record.status == "ok"
    assert set(record.representation.bases) == {"first", "first/first", "first/second", "second"}
    assert record.representation.bases["first"].state
    plan = bench.plan([replace(outer, label="again")], [task("pairs")])
    assert {job.missing for job in plan.jobs.values()} == {0}
    # Its left side went through both connectors.
    mine = arrays_of(bench, record)["left"]
    once = next(r for r in outcome.records.values() if r.representation.label == "inner")
    mean = state_of(bench, record).arrays["first"]
    np.testing.assert_allclose(mine, arrays_of(bench, once)["left"] - mean, rtol=1e-6)


def test_a_base_can_be_trained_on_data_of_its_own(bench, catalog) -> None:
    named = {"dataset": "faulty-pairs", "train": "test"}
    plain, other = (
        match(catalog, joined(second_fit_on=fit_on), task("pairs"), 0) for fit_on in ({}, named)
    )
    alone = match(catalog, representation("learnt"), task("pairs"), 0)

    assert plain.subject.bases["second"].recipe == alone.recipe
    assert other.subject.bases["second"].recipe != alone.recipe
    assert plain.identity != other.identity
    # ... so that it does without the task's: this one offers none.
    outcome, _ = bench.do([joined(second_fit_on=named)], [task("crops")])
    assert only(outcome).status == "ok"
    listed = {each.name: each for each in only(outcome).data if each.auxiliary}
    assert set(listed) == {"faulty-pairs/test", "faulty-pairs/train/left"}
    assert set(listed["faulty-pairs/test"].streams) == {"left", "right"}
    with pytest.raises(NotApplicable, match="learnt must be trained, and crops names no"):
        match(catalog, joined(), task("crops"), 0)


def test_a_base_that_is_trained_anew_takes_its_connectors_along(bench) -> None:
    noisy = joined(second_options={"noise": 1.0})
    first, _ = bench.do([noisy], [task("pairs")])
    before = only(first).representation
    states = bench.settings.cache / "artifacts" / "states"
    (states / f"{before.bases['second'].state}.npz").unlink()

    again, results = bench.do([replace(noisy, label="again")], [task("pairs")])
    after = only(again).representation

    assert counted(results)[0] == 2
    assert after.bases["second"].state != before.bases["second"].state
    assert after.state != before.state


def test_the_limit_holds_for_corpora(bench) -> None:
    outcome, _ = bench.do([joined()], [task("pairs")], limit=4)

    assert state_of(bench, only(outcome)).meta["rows"] == {"first": 4, "second": 4}


def test_learning_from_judged_items_is_noted(bench) -> None:
    outcome, _ = bench.do(
        [joined(corpus="faulty-pairs/test/left", second="steady")], [task("pairs")]
    )

    assert any(
        "trained on items that are judged: 12 of 12 items of 'pairs' are in 'faulty-pairs/test'"
        in note
        for note in only(outcome).notes
    )


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("load", "load() raised KeyError"),
        ("fit", "fit_vectors() raised KeyError"),
        ("state", "state() raised KeyError"),
        ("project", "project() raised KeyError"),
        ("shape", "project() returned shape (11, 6) for a batch of 12"),
        ("nan", "project() returned NaN or infinite values for 1 of 12 items"),
    ],
)
def test_a_broken_method_is_named(bench, fault, what) -> None:
    with pytest.raises(PluginError) as caught:
        bench.do([joined(fault=fault, second="steady")], [task("pairs")])

    assert what in str(caught.value)
    assert "representation joined(steady, steady)" in str(caught.value)
    assert not list(bench.settings.cache.rglob("*-corpora*"))


@pytest.fixture(scope="module")
def broken_bases(registry, tmp_path_factory):
    """One run with workers in which bases fail."""
    from runner_bench import Bench

    from mmbench.runner.settings import RunSettings

    place = tmp_path_factory.mktemp("bases")
    settings = RunSettings(place / "results", place / "cache", place / "data", jobs=2, resamples=50)
    choices = [
        representation("faulty", fault="raise"),
        joined("on a broken one", first="faulty", first_options={"fault": "raise"}),
        joined("on a dying one", second="faulty", second_options={"fault": "kill"}),
        joined("dying", fault="kill"),
        joined("fine"),
    ]
    bench = Bench(registry, settings)
    return {
        record.representation.label: record
        for record in bench.execute(choices, [task("pairs")]).records.values()
    }


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("faulty", r"^representation faulty.*: encode\(\) raised KeyError"),
        ("on a broken one", r"^its base faulty.* failed: .*encode\(\) raised KeyError"),
        ("on a dying one", r"^its base faulty.* failed: the worker was killed by SIGKILL"),
        ("dying", r"^the worker was killed by SIGKILL .* while it did fit"),
    ],
)
def test_a_base_that_fails_is_named(broken_bases, label, what) -> None:
    import re

    error = broken_bases[label].error
    assert broken_bases[label].status == "failed"
    assert re.search(what, error.message), error.message


def test_others_are_not_touched(broken_bases) -> None:
    assert broken_bases["fine"].status == "ok"


@pytest.mark.slow
def test_a_killed_training_goes_on_where_it_was(tmp_path) -> None:
    site = tmp_path / "site"
    install(site, "mmbench-faulty")
    (tmp_path / "s.toml").write_text(
        'name = "s"\n[[representation]]\nname = "joined"\n'
        'options = { steps = 12, delay = 0.25 }\n[[task]]\nname = "pairs"\n'
    )
    command = [sys.executable, "-c", "from mmbench.cli.main import main; main()", "run", "s.toml"]
    command += ["--cache", "cache", "--json", "--resamples", "50", "--device", "cpu"]

    def start():
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment(site, MMBENCH_LOAD_PLUGINS="faulty"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    killed = start()
    limit = time.monotonic() + 60
    while not any(len(s.read_text().split()) >= 3 for s in tmp_path.glob("cache/*/*/steps")):
        assert killed.poll() is None, killed.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    out, err = start().communicate(timeout=120)

    assert json.loads(out)["ok"] == 1, err
    (steps,) = tmp_path.glob("cache/*/*/steps")
    done = [int(line.split(":")[1]) for line in steps.read_text().split()]
    assert sorted(set(done)) == list(range(12))
    assert len(done) <= 13  # the one that was cut off, once more
    assert not RecordStore(tmp_path / "results" / "s").damaged
    assert next(each for each in others(tmp_path / "cache") if each.name == "checkpoints")
