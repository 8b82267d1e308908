"""Localization and counterfactual tasks on the numbers world: they open, and CCA beats chance."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from mmbench.api import BoundCollection, ItemTable, Request, ScoreInputs
from mmbench.registry import load_registry
from mmbench.results.summary import evaluate_metrics
from mmbench.runner.catalog import Catalog
from mmbench.runner.matching import match
from mmbench.runner.suite import RepresentationChoice, TaskChoice

REQUESTS = {
    "numbers-localization": (
        Request("map", "scenes", ("image",), kind="dense"),
        Request("sound", "scenes", ("audio",)),
    ),
    "numbers-localization-boxes": (
        Request("crop", "crops", ("image",)),
        Request("sound", "scenes", ("audio",)),
    ),
    "numbers-counterfactual": (
        Request("positives:sound", "positives", ("audio",)),
        Request("positives:map", "positives", ("image",), kind="dense"),
        Request("positives:picture", "positives", ("image",)),
        Request("negatives:sound", "negatives", ("audio",)),
        Request("negatives:map", "negatives", ("image",), kind="dense"),
        Request("negatives:picture", "negatives", ("image",)),
    ),
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    point = EntryPoint("builtin", "mmbench.builtin.plugin", "mmbench")
    folder = tmp_path_factory.mktemp("numbers")
    return Catalog(load_registry([point]), folder / "data", folder / "cache")


def inputs_of(found, representation, first=40):
    """Vectors of the first scenes and of their crops, as the runner would hand them over."""
    arrays, tables = {}, {}
    for name, collection in found.opened.collections.items():
        scenes = found.opened.collections.get("scenes", collection)
        parents = set(scenes.ids[:first])
        rows = [
            row
            for row in range(len(collection))
            if (collection.columns["parent"][row] in parents if name == "crops" else row < first)
        ]
        columns = {n: [values[row] for row in rows] for n, values in collection.columns.items()}
        tables[name] = ItemTable([collection.ids[row] for row in rows], columns)
        for request in found.requests:
            if request.collection == name:
                (stream,) = request.streams
                bound = BoundCollection(collection, {stream: stream})
                dense = request.kind == "dense"
                encode = representation.encode_dense if dense else representation.encode
                arrays[request.name] = np.asarray(encode(bound.batch(rows, [stream])))
    return ScoreInputs(arrays, tables)


def matched(catalog, name, options=None):
    return match(
        catalog, RepresentationChoice("cca", "cca"), TaskChoice(name, name, options or {}), 0
    )


@pytest.mark.parametrize("name", REQUESTS)
def test_it_opens_and_asks_for_the_same_always(catalog, name):
    first, again = matched(catalog, name), matched(catalog, name)
    assert first.requests == again.requests == REQUESTS[name]
    assert first.key == again.key
    assert first.fit.spec.train == "train"
    assert len(first.opened.collections["train"]) > 500
    info = first.opened.task.info
    assert info.primary == info.metrics[0].name


def test_crops_are_derived_and_follow_limit(tmp_path):
    point = EntryPoint("builtin", "mmbench.builtin.plugin", "mmbench")
    few = Catalog(load_registry([point]), tmp_path, tmp_path / "cache", limit=2)
    opened = few.task(TaskChoice("numbers-localization-boxes", "x"))
    crops = opened.collections["crops"]
    assert set(crops.columns["parent"]) == set(opened.collections["scenes"].ids)
    assert crops.auxiliary
    assert opened.datasets["crops"] == "numbers"


@pytest.mark.parametrize("name", REQUESTS)
def test_cca_finds_more_than_every_trivial_baseline(catalog, name, single_digits):
    found = matched(catalog, name)
    task = found.opened.task
    inputs = inputs_of(found, single_digits)
    levels = task.reference_levels(inputs)
    metrics = evaluate_metrics(task.info, task.score(inputs), resamples=100)
    value = metrics[task.info.primary].value
    assert value > 0.1
    for level, known in levels.items():
        if task.info.primary in known:
            assert (value < known[task.info.primary]) == (level == "ceiling"), level


def test_a_perfect_detectors_boxes_are_better_proposals(catalog, single_digits):
    options = {"proposals": "column"}
    values = []
    for each in ({}, options):
        found = matched(catalog, "numbers-localization-boxes", each)
        inputs = inputs_of(found, single_digits)
        metrics = evaluate_metrics(
            found.opened.task.info, found.opened.task.score(inputs), resamples=100
        )
        values.append(metrics["cIoU@0.5"].value)
    assert values[1] > values[0]
    assert found.opened.task.reference_levels(inputs)["ceiling"]["cIoU@0.5"] == 1
