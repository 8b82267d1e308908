"""The page on records: its code reads records as they are written, and makes a metric again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from record_samples import make_record, make_task

from mmbench.api import Evaluation, ItemTable, MetricInfo, TaskInfo
from mmbench.results.record import SCHEMA
from mmbench.results.store import RecordStore
from mmbench.results.summary import evaluate_metrics

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
CODE = dict(re.findall(r'^```python title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE))
NAME = "image→text R@1"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A record of one task in the folder that the page reads."""
    metric = MetricInfo(NAME, ("image→text hit@1",))
    task = make_task(primary=NAME, metrics=(metric,), equal=())
    hits = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    tables = {
        "items": ItemTable([f"i{row}" for row in range(5)], {"image→text hit@1": hits}),
        "others": ItemTable(["x"], {"seen": np.array([2.0])}),
    }
    info = TaskInfo(task.name, task.version, task.protocol, NAME, task.metrics)
    metrics = evaluate_metrics(info, Evaluation(tables), resamples=20)
    record = make_record("cca", tables, task=task, metrics=metrics)
    monkeypatch.chdir(tmp_path)
    return RecordStore(tmp_path / "results" / "quickstart").write(record, tables)


def test_the_pages_code_reads_a_record_and_makes_its_metric_again(written):
    space = {}
    for code in CODE.values():
        exec(code, space)
    (row,) = space["scores"].to_dict("records")
    assert row["representation.label"] == "cca"
    assert row[f"metrics.{NAME}.value"] == written.metrics[NAME].value == 0.6
    assert space["again"] == pytest.approx(0.6)
    assert list(space["items"]) == [written.items_file]


def test_it_reads_in_three_lines():
    lines = CODE["read.py"].partition("\n\nfolder = ")[2].splitlines()
    assert len(lines) == 4  # the folder, and three lines


def test_files_are_named_as_the_page_says(written):
    (found,) = Path("results/quickstart/records").glob("*.json")
    assert found.name == f"cca--retrieval--snone--{written.key[:10]}.json"
    assert "<representation>--<task>--s<seed>--<key>.json" in PAGE
    assert written.items_file.startswith(found.stem)


def test_the_schema_is_the_one_that_is_written():
    assert f"| `schema` | `{SCHEMA}` |" in PAGE
