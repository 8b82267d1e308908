"""Aggregation by blocks is the plain softmax, whatever the blocks."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch
from cmcr_worlds import rn, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.api import Context, DataError, StoreError
from mmbench_cmcr import aggregate_files
from mmbench_cmcr.aggregate_files import AggregateFile, aggregate_to_file
from mmbench_cmcr.aggregation import nearest_values, soft_values
from mmbench_cmcr.corpora import Rows


def plain(queries, keys, values, temperature):
    """The softmax over the whole memory, as it is written down."""
    scores = unit(queries) @ unit(keys).T / temperature
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ unit(values)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.integers(0, 1000),
    st.integers(1, 9),
    st.integers(1, 60),
    st.integers(1, 70),
    st.sampled_from([0.002, 0.01, 0.1, 5.0]),
    st.booleans(),
)
def test_blocks_make_no_difference(seed, queries, memory, block, temperature, own):
    asked, keys = rn(seed, (queries, 5)), rn(seed + 1, (memory, 5))
    values = keys if own else rn(seed + 2, (memory, 3))
    cut = memory // 3
    held = Rows("keys", (keys[:cut], keys[cut:]))
    worth = None if own else Rows("values", (values[cut:][:0], values))
    found = soft_values(torch.from_numpy(asked), held, worth, temperature=temperature, block=block)
    wanted = plain(asked, keys, values, temperature)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-9, atol=1e-12)
    nearest = nearest_values(torch.from_numpy(asked), held, worth, block=block)
    best = (unit(asked) @ unit(keys).T).argmax(axis=1)
    np.testing.assert_allclose(nearest.numpy(), unit(values)[best], rtol=1e-12, atol=1e-12)


def test_a_half_precision_memory_is_computed_in_single():
    asked, keys = rn(1, (4, 64)).astype(np.float32), rn(2, (300, 64)).astype(np.float16)
    found = soft_values(torch.from_numpy(asked), Rows("m", (keys,)), temperature=0.05, block=77)
    assert found.dtype == torch.float32
    wanted = plain(asked.astype(float), keys.astype(float), keys.astype(float), 0.05)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_rows_are_read_across_parts():
    whole = rn(3, (20, 4)).astype(np.float16)
    rows = Rows("r", (whole[:7], whole[7:7], whole[7:12], whole[12:]))
    assert len(rows) == 20
    np.testing.assert_array_equal(rows.block(5, 99), whole[5:].astype(np.float32))
    picked = np.array([0, 6, 7, 11, 12, 19])
    np.testing.assert_array_equal(rows.take(picked), whole[picked].astype(np.float32))
    assert rows.take(picked[:0]).shape == (0, 4)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros((0, 4), np.float32), "the corpus is empty"),
        (np.full((3, 4), np.nan, np.float32), "row 0 has a value that is NaN"),
        (np.array([[1, 0], [0, np.inf]], np.float32), "row 1 has a value that is NaN or infinite"),
        (np.array([[1, 0], [0, 0]], np.float32), "row 1 is zero"),
    ],
)
def test_bad_corpora_are_refused(vectors, message):
    with pytest.raises(DataError, match=message):
        Rows("clap, text", (vectors,)).check()


@pytest.fixture
def inputs(monkeypatch):
    monkeypatch.setattr(aggregate_files, "QUERY_BLOCK", 8)
    queries = Rows("texts", (rn(5, (37, 6)).astype(np.float32),))
    return queries, Rows("images", (rn(6, (50, 6)).astype(np.float16),))


def make(folder, inputs, **changed):
    seen = []
    ctx = Context(progress=lambda done, total, what: seen.append((done, total, what)))
    options = {"how": "softmax", "temperature": 0.1} | changed
    return aggregate_to_file(AggregateFile(folder, "a"), *inputs, ctx, **options), seen


def test_aggregates_lie_in_a_mapped_file_and_are_made_once(tmp_path, inputs):
    rows, seen = make(tmp_path, inputs)
    (mapped,) = rows.parts
    assert isinstance(mapped, np.memmap)
    assert (mapped.dtype, mapped.shape) == (np.float32, (37, 6))
    queries, memory = (each.parts[0].astype(float) for each in inputs)
    np.testing.assert_allclose(mapped, plain(queries, memory, memory, 0.1), rtol=1e-4, atol=1e-5)
    assert seen[0] == (0, 37, "aggregating images")
    assert seen[-1] == (37, 37, "aggregating images")
    assert make(tmp_path, inputs)[1] == [(37, 37, "aggregating images")]


def test_other_inputs_are_aggregated_anew(tmp_path, inputs):
    before = np.array(make(tmp_path, inputs)[0].parts[0])
    colder, seen = make(tmp_path, inputs, temperature=0.05)
    assert len(seen) > 1
    assert not np.array_equal(before, colder.parts[0])
    nearest, seen = make(tmp_path, inputs, how="nearest")
    np.testing.assert_allclose(np.linalg.norm(nearest.parts[0], axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("damage", ["none", "torn", "cut", "garbled"])
def test_interrupted_aggregation_goes_on(tmp_path, inputs, damage, monkeypatch, caplog):
    wanted = np.array(make(tmp_path / "..", inputs)[0].parts[0])
    calls = []

    def failing(*arguments, **named):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return soft_values(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(aggregate_files, "soft_values", failing)
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, inputs)
    file = AggregateFile(tmp_path, "a")
    assert json.loads(file.note.read_text())["rows"] == 24
    if damage == "torn":  # more than the note knows of
        with file.array.open("ab") as stream:
            stream.write(b"torn")
    elif damage == "cut":
        with file.array.open("r+b") as stream:
            stream.truncate(200)
    elif damage == "garbled":
        file.note.write_text("{")
    with caplog.at_level(logging.INFO):
        rows, seen = make(tmp_path, inputs)
    resumed = damage in ("none", "torn")
    assert seen[0][0] == (24 if resumed else 0)
    assert ("goes on with row 24 of 37" in caplog.text) == resumed
    np.testing.assert_array_equal(rows.parts[0], wanted)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, inputs):
    with pytest.raises(StoreError, match="can't write aggregates"):
        make(tmp_path / "missing", inputs)
