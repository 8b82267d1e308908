"""Records to test with."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np

from mmbench.api import Evaluation, ItemTable, MetricInfo, TaskInfo
from mmbench.results.leaderboard import build_leaderboards
from mmbench.results.record import (
    CollectionEntry,
    Cost,
    DroppedItem,
    Environment,
    MetricValue,
    Record,
    RepresentationEntry,
    StreamEntry,
    TaskEntry,
)
from mmbench.results.summary import evaluate_metrics

R1 = MetricInfo("R@1", ("hit@1",), ladder=("R", 1), description="share of queries hit at 1")
R5 = MetricInfo("R@5", ("hit@5",), ladder=("R", 5))
RANK = MetricInfo(
    "median rank", ("rank",), "median", unit="rank", higher_is_better=False, bounds=(1.0, None)
)
GAP = MetricInfo(
    "gap", unit="1", higher_is_better=None, bounds=(0.0, 2.0), no_interval="one value a space"
)
METRICS = (R1, R5, RANK, GAP)


def make_task(label: str = "retrieval", **fields: Any) -> TaskEntry:
    chosen: dict[str, Any] = {
        "name": "numbers-retrieval",
        "label": label,
        "version": "1",
        "protocol": "retrieval",
        "primary": "R@1",
        "metrics": METRICS,
        "options": {"ties": "expected"},
    }
    return TaskEntry(**{**chosen, **fields})


def make_tables(
    ranks: np.ndarray, ids: list[str] | None = None, name: str = "items"
) -> dict[str, ItemTable]:
    ranks = np.asarray(ranks, dtype=np.float64)
    names = ids if ids is not None else [f"i{row:03d}" for row in range(len(ranks))]
    columns = {
        "hit@1": (ranks <= 1).astype(np.float64),
        "hit@5": (ranks <= 5).astype(np.float64),
        "rank": ranks,
    }
    return {name: ItemTable(names, columns)}


def make_record(
    label: str = "cca", tables: dict[str, ItemTable] | None = None, **fields: Any
) -> Record:
    task = fields.pop("task", make_task())
    seed = fields.get("seed")
    fingerprint = fields.pop("fingerprint", f"fp-{label}")
    tables = make_tables(np.array([1, 2, 1, 7])) if tables is None else tables
    status = fields.get("status", "ok")
    metrics: dict[str, MetricValue] = {}
    n = len(tables["items"])
    if status == "ok" and "metrics" not in fields:
        info = TaskInfo(task.name, task.version, task.protocol, task.primary, task.metrics)
        evaluation = Evaluation(tables, {"gap": 0.5})
        metrics = evaluate_metrics(info, evaluation, resamples=200)
    data = CollectionEntry(
        name="queries",
        dataset="numbers",
        fingerprint="data-1",
        streams={"image": StreamEntry("image", "Image"), "text": StreamEntry("text", "Text")},
        items=n + 1,
        used=n,
        dropped=(DroppedItem("bad", "too short"),),
    )
    text = "|".join([label, fingerprint, task.label, str(seed), status])
    chosen: dict[str, Any] = {
        "key": sha256(text.encode()).hexdigest()[:32],
        "status": status,
        "suite": "quickstart",
        "representation": RepresentationEntry(
            name=label, label=label, version="1", fingerprint=fingerprint, options={"dim": 64}
        ),
        "task": task,
        "created": "2026-11-22T05:00:00+00:00",
        "data": (data,),
        "items_total": n,
        "items_used": n,
        "metrics": metrics,
        "references": {"chance": {"R@1": 0.01, "R@5": 0.05}, "ceiling": {"R@1": 1.0}},
        "cost": Cost(seconds={"encode": 1.25, "score": 0.5}, items_encoded=n, device="cpu"),
        "environment": Environment(python="3.11.9", mmbench="0.1.0"),
    }
    return Record(**{**chosen, **fields})


class Results:
    """Records with their tables, and the leaderboards of them."""

    def __init__(self):
        self.records, self.by_key = [], {}

    def add(self, label, ranks, ids=None, **fields):
        tables = make_tables(np.asarray(ranks), ids)
        record = make_record(label, tables, **fields)
        self.records.append(record)
        self.by_key[record.key] = tables
        return record

    def build(self, **options):
        options.setdefault("resamples", 300)
        return build_leaderboards(self.records, lambda r: self.by_key.get(r.key, {}), **options)

    def table(self, **options):
        (table,) = self.build(**options).tables
        return table


def with_items(record: Record, total: int) -> Record:
    return replace(record, items_total=total)
