from __future__ import annotations

import shutil

import numpy as np
import pytest
from runner_bench import representation, task

from mmbench.api import StoreError, UsageError
from mmbench.finished import finished_cells


def test_a_finished_cell_has_what_it_was_scored_on(bench, settings) -> None:
    several = [representation("steady"), representation("seeded")]
    outcome, _ = bench.do(several, [task("crops", broken=("test-002",)), task("pairs")])
    where = {"cache": settings.cache, "data_root": settings.data_root}

    cells = finished_cells(settings.results, **where)
    assert [cell.name for cell in cells] == [
        "seeded on crops, seed 0", "seeded on pairs, seed 0", "steady on crops", "steady on pairs",
    ]  # fmt: skip
    assert {cell.record.key for cell in cells} == set(outcome.records)
    (cell,) = finished_cells(settings.results, representation="steady", task="crops", **where)
    made, inputs, collections = cell.task(), cell.inputs(), cell.collections()
    assert (made.info.name, made.broken) == ("crops", ("test-002",))
    assert len(collections["items"]) == 12
    assert len(inputs.tables["items"]) == len(inputs.arrays["vectors"]) == 11
    scored = made.score(inputs).tables["items"]
    assert np.mean(scored["norm"]) == pytest.approx(cell.record.metrics["norm"].value)

    with pytest.raises(UsageError, match=r"no finished cell matches\n  there are seeded on crops"):
        finished_cells(settings.results, task="elsewhere", **where)
    shutil.rmtree(settings.cache)
    with pytest.raises(StoreError, match="can't be read"):
        cell.inputs()


def test_a_folder_without_finished_cells(tmp_path) -> None:
    with pytest.raises(UsageError, match="name a suite's results folder"):
        finished_cells(tmp_path)
