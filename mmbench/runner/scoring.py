"""Scores a bundle: arrays and columns in, a finished record and per-item tables out."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mmbench.api import MmbenchError, PluginError
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import ItemTable, ScoreInputs, Task
    from mmbench.results.record import Record
    from mmbench.runner.bundle import Bundle
    from mmbench.runner.vectors import VectorStore

__all__ = ["score_bundle"]


def score_bundle(
    bundle: Bundle, task: Task, store: VectorStore
) -> tuple[Record, Mapping[str, ItemTable]]:
    """Score one cell, with one thread in the linear algebra: --jobs must not change a digit.

    Metrics that want all cores (retrieval) bring threads of their own.

    Raises:
        PluginError: The task raised, or returned impossible values.
        StoreError: A vector is gone from the store.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _score_bundle(bundle, task, store)


def _score_bundle(
    bundle: Bundle, task: Task, store: VectorStore
) -> tuple[Record, Mapping[str, ItemTable]]:
    start = time.perf_counter()
    inputs = bundle.inputs(store)
    where = f"task {bundle.draft.task.label}"
    try:
        evaluation = task.score(inputs)
        references = _references(task, inputs)
    except MmbenchError:
        raise
    except ValueError as error:
        # Metrics refuse NaN, zero and constant embeddings: the representation's doing.
        raise PluginError(
            f"its vectors can't be scored on {bundle.draft.task.label}: {error}",
            where=f"representation {bundle.draft.representation.label}",
        ) from error
    except Exception as error:
        raise PluginError(f"score() raised {type(error).__name__}: {error}", where=where) from error
    info = task.info
    metrics = evaluate_metrics(info, evaluation, resamples=bundle.resamples, seed=bundle.seed)
    problems = check_values(info, metrics)
    if problems:
        raise PluginError(
            f"impossible values: {'; '.join(problems)}",
            where=where,
            fix="this is a bug in the task",
        )
    seconds = {**bundle.draft.cost.seconds, "score": round(time.perf_counter() - start, 6)}
    parameters, draft = dict(evaluation.parameters), bundle.draft
    if bundle.interaction is not None:  # what is judged came of it: no item of a collection
        parameters["interaction"] = bundle.interaction
        judged = evaluation.tables.get(info.metric(info.primary).table, ())
        draft = replace(draft, items_total=len(judged), items_used=len(judged))
    record = replace(
        draft,
        metrics=metrics,
        references=references,
        parameters=parameters,
        notes=(*bundle.draft.notes, *evaluation.notes),
        cost=replace(bundle.draft.cost, seconds=seconds),
    )
    return record, evaluation.tables


def _references(task: Task, inputs: ScoreInputs) -> dict[str, dict[str, float | None]]:
    """The task's reference levels, with undefined values as None."""
    return {
        level: {
            name: None if value is None or math.isnan(value) else float(value)
            for name, value in values.items()
        }
        for level, values in task.reference_levels(inputs).items()
    }
