"""Missing-modality and alignment tasks on the numbers world: they open, and ask the same always."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import ItemTable, Request, ScoreInputs, UsageError
from mmbench.registry import load_registry
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics
from mmbench.runner.catalog import Catalog
from mmbench.runner.drafting import draft_record
from mmbench.runner.matching import groups_of, match
from mmbench.runner.settings import RunSettings
from mmbench.runner.suite import RepresentationChoice, TaskChoice

MISSING = {
    "numbers-missing-image-audio": ("image", "audio"),
    "numbers-missing-image-text-value": ("image", "text"),
}
ALIGNMENT = {
    "numbers-alignment-image-text": ("image", "text"),
    "numbers-alignment-audio-image": ("audio", "image"),
}
TASKS = [*MISSING, *ALIGNMENT]


def catalog_of(folder, limit=None):
    point = EntryPoint("builtin", "mmbench.builtin.plugin", "mmbench")
    return Catalog(load_registry([point]), folder / "data", folder / "cache", limit)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("numbers")


@pytest.fixture(scope="module")
def catalog(folder):
    return catalog_of(folder)


def matched(catalog, name, options=None):
    choice = RepresentationChoice("random", "random")
    return match(catalog, choice, TaskChoice(name, name, options or {}), 0)


def evaluated(opened):
    return opened.collections["test" if opened.task.info.protocol == "missing" else "pairs"]


@pytest.mark.parametrize("name", TASKS)
def test_it_opens_four_hundred_unseen_numbers(catalog, name):
    opened = catalog.task(TaskChoice(name, name))
    numbers = evaluated(opened).columns["number"]
    assert len(set(numbers)) == len(numbers) == 400
    spec = opened.task.fit_spec()
    assert (spec.train, spec.valid, spec.target) == ("train", "valid", None)
    learnt = {
        n for split in ("train", "valid") for n in opened.collections[split].columns["number"]
    }
    assert not learnt & set(numbers)
    assert set(opened.datasets.values()) == {"numbers"}


@pytest.mark.parametrize(("name", "streams"), MISSING.items())
def test_every_subset_is_asked_for(catalog, name, streams):
    assert matched(catalog, name).requests == (
        Request("train complete", "train", streams),
        Request("valid complete", "valid", streams),
        Request(f"test {streams[0]}", "test", streams[:1]),
        Request(f"test {streams[1]}", "test", streams[1:]),
        Request("test complete", "test", streams),
    )


@pytest.mark.parametrize(("name", "streams"), ALIGNMENT.items())
def test_alignment_asks_for_both_streams(catalog, name, streams):
    assert matched(catalog, name).requests == tuple(
        Request(stream, "pairs", (stream,)) for stream in streams
    )


@pytest.mark.parametrize("name", TASKS)
def test_opened_anew_it_is_the_same_cell(catalog, folder, name):
    first, second = matched(catalog, name), matched(catalog_of(folder), name)
    assert first.key == second.key
    assert first.requests == second.requests


def test_strategies_are_cells_of_their_own(catalog):
    name = "numbers-missing-image-audio"
    keys = {matched(catalog, name, {"strategy": s}).key for s in ("drop", "zero", "mean")}
    assert len(keys) == 3


def test_zero_filled_items_have_keys_of_their_own(catalog):
    found = matched(catalog, "numbers-missing-image-audio", {"strategy": "zero"})
    by_name = {request.name: request for request in found.requests}
    assert by_name["test image"] == Request("test image", "test/image", ("image", "audio"))
    digests = {
        name: {row.tobytes() for (g,) in [groups_of(found, r, catalog)] for row in g.digests}
        for name, r in by_name.items()
        if name.startswith("test")
    }
    assert all(len(each) == 400 for each in digests.values())
    assert len(set.union(*digests.values())) == 1200
    image = found.opened.collections["test/audio"].load(7, "image")
    assert not image.pixels.any()
    assert found.opened.collections["test/audio"].load(7, "audio").samples.any()


def test_a_limit_keeps_items_and_their_zero_filled_forms_together(folder):
    name = "numbers-missing-image-audio"
    opened = catalog_of(folder, limit=9).task(TaskChoice(name, name, {"strategy": "zero"}))
    ids = opened.collections["test"].ids
    assert len(ids) == 9
    for key in ("test/image", "test/audio"):
        assert list(opened.collections[key].columns["parent"]) == list(ids)


def test_words_can_not_be_zero_filled(catalog):
    with pytest.raises(UsageError, match="a Text has none"):
        matched(catalog, "numbers-missing-image-text-value", {"strategy": "zero"})


@pytest.mark.parametrize("options", [{}, {"strategy": "zero"}])
def test_coverage_counts_test_items_once(catalog, options):
    name = "numbers-missing-image-audio"
    draft = draft_record(
        matched(catalog, name, options),
        RepresentationChoice("random", "random"),
        TaskChoice(name, name, options),
        "suite",
        RunSettings(Path("results"), Path("cache"), Path("data")),
    )
    assert (draft.items_total, draft.items_used) == (400, 400)
    assert draft.provenance == "generated"
    assert not any(each.endswith("/image") for each in draft.generated_streams)


@pytest.mark.parametrize("level", ["perfect", "random"])
@pytest.mark.parametrize("name", TASKS)
def test_reference_arrays_score_on_the_real_tables(catalog, name, level):
    opened = catalog.task(TaskChoice(name, name))
    # A bundle's tables have been through JSON.
    tables = {
        key: ItemTable(list(each.ids), json.loads(json.dumps(dict(each.columns))))
        for key, each in opened.collections.items()
    }
    task = opened.task
    arrays = task.reference_arrays(level, ScoreInputs({}, tables), np.random.default_rng(0))
    found = evaluate_metrics(task.info, task.score(ScoreInputs(arrays, tables)), resamples=500)
    assert check_values(task.info, found) == []
    primary = found[task.info.primary]
    levels = task.reference_levels(ScoreInputs({}, tables))
    if level == "perfect":
        assert primary.value == pytest.approx(levels["ceiling"][task.info.primary], abs=1e-3)
    else:
        assert primary.value == pytest.approx(levels["chance"][task.info.primary], rel=0.25)
