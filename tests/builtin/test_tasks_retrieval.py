"""Retrieval and zero-shot tasks on the numbers world: they open, and ask for the same always."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import ItemTable, Request, ScoreInputs
from mmbench.registry import load_registry
from mmbench.runner.catalog import Catalog
from mmbench.runner.drafting import draft_record
from mmbench.runner.matching import match
from mmbench.runner.settings import RunSettings
from mmbench.runner.suite import RepresentationChoice, TaskChoice

RETRIEVAL = {
    "numbers-retrieval-image-text": ("image", "text"),
    "numbers-retrieval-audio-image": ("audio", "image"),
}
ZERO_SHOT = {"numbers-zeroshot-image": "image", "numbers-zeroshot-audio": "audio"}
TASKS = [*RETRIEVAL, *ZERO_SHOT]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    point = EntryPoint("builtin", "mmbench.builtin.plugin", "mmbench")
    folder = tmp_path_factory.mktemp("numbers")
    return Catalog(load_registry([point]), folder / "data", folder / "cache")


def matched(catalog, name, options=None):
    return match(
        catalog, RepresentationChoice("random", "random"), TaskChoice(name, name, options or {}), 0
    )


@pytest.mark.parametrize("name", TASKS)
def test_it_opens_four_hundred_unseen_numbers(catalog, name):
    opened = catalog.task(TaskChoice(name, name))
    evaluated = opened.collections["pairs" if name in RETRIEVAL else "items"]
    assert len(set(evaluated.columns["number"])) == len(evaluated) == 400
    assert opened.datasets["train"] == "numbers"
    learnt = {
        number
        for split in ("train", "valid")
        for number in opened.collections[split].columns["number"]
    }
    assert not learnt & set(evaluated.columns["number"])


@pytest.mark.parametrize(("name", "streams"), RETRIEVAL.items())
def test_retrieval_asks_for_both_streams(catalog, name, streams):
    assert matched(catalog, name).requests == tuple(
        Request(stream, "pairs", (stream,)) for stream in streams
    )


@pytest.mark.parametrize(("name", "stream"), ZERO_SHOT.items())
def test_zero_shot_asks_for_items_and_prompts(catalog, name, stream):
    found = matched(catalog, name)
    assert found.requests == (
        Request("items", "items", (stream,)),
        Request("prompts", "prompts", ("text",)),
    )
    prompts = found.opened.collections["prompts"]
    assert prompts.auxiliary
    assert len(prompts) == 400 * 5
    spoken = {}
    for row, number in enumerate(prompts.columns["class"]):
        spoken.setdefault(prompts.load(row, "text").text, set()).add(number)
    assert max(map(len, spoken.values())) == 1  # no two numbers are said alike


@pytest.mark.parametrize("name", TASKS)
def test_opened_anew_it_is_the_same_cell(catalog, name):
    again = Catalog(catalog.registry, catalog.data_root, catalog.hashes._path.parent)
    first, second = matched(catalog, name), matched(again, name)
    assert first.key == second.key
    assert first.opened.fingerprints == second.opened.fingerprints
    assert first.requests == second.requests


@pytest.mark.parametrize(
    ("name", "provenance"),
    [
        ("numbers-zeroshot-image", "real"),  # handwriting; the prompts are auxiliary
        ("numbers-zeroshot-audio", "generated"),
        ("numbers-retrieval-image-text", "generated"),  # the words are evaluated too
        ("numbers-retrieval-audio-image", "generated"),
    ],
)
def test_records_say_what_is_real(catalog, name, provenance):
    settings = RunSettings(Path("results"), Path("cache"), Path("data"))
    draft = draft_record(
        matched(catalog, name),
        RepresentationChoice("random", "random"),
        TaskChoice(name, name),
        "suite",
        settings,
    )
    assert draft.provenance == provenance
    assert (draft.items_total, draft.items_used) == (400, 400)
    if name == "numbers-zeroshot-image":
        assert draft.generated_streams == ("prompts/text",)


@pytest.mark.parametrize("level", ["perfect", "random"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in TASKS),
        ("numbers-retrieval-image-text", {"relevance": "class"}),
        ("numbers-retrieval-image-text", {"relevance": "class", "own_pair": False}),
        ("numbers-zeroshot-image", {"per_template": "none", "absent_classes": "nan"}),
    ],
)
def test_reference_arrays_score_on_the_real_tables(catalog, name, options, level):
    opened = catalog.task(TaskChoice(name, name, options))
    # A bundle's tables have been through JSON.
    tables = {
        key: ItemTable(list(each.ids), json.loads(json.dumps(dict(each.columns))))
        for key, each in opened.collections.items()
    }
    arrays = opened.task.reference_arrays(level, ScoreInputs({}, tables), np.random.default_rng(0))
    evaluation = opened.task.score(ScoreInputs(arrays, tables))
    primary = opened.task.info.metric(opened.task.info.primary)
    score = float(np.mean(evaluation.tables["items"][primary.columns[0]]))
    levels = opened.task.reference_levels(ScoreInputs({}, tables))
    chance = levels["chance"][primary.name]
    if level == "perfect":
        assert score == 1.0
    else:
        assert abs(score - chance) <= 4.5 * np.sqrt(chance * (1 - chance) / 400)
