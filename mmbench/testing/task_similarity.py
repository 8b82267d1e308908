"""Checks: a task compares vectors as the representation says that they compare."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import MmbenchError
from mmbench.testing.checks import NotRelevant, conformance, described, fail
from mmbench.testing.evaluations import changed_metric, difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import Evaluation, ScoreInputs
    from mmbench.testing.tasks import TaskSubject

#: Words in a metric's description that say that lengths don't count, whatever is compared.
_COSINE = ("cosine", "unit length", "length 1")
#: Values of options that say so.
_CHOSEN = ("cosine", "unit")
#: Random arrays that are scored before scores are called the same.
_DRAWS = 3


@conformance("metrics", "tasks")
def vector_length_does_not_matter(subject: TaskSubject) -> None:
    """Under cosine similarity the lengths of vectors change nothing.

    Every vector is multiplied by a factor of its own; those of auxiliary collections (prompts) all
    by one, as they may be averaged. Scale rows to length 1 where ``inputs.similarity`` is
    ``cosine``: ``mmbench.metrics.vectors.unit_rows``. A task that reads lengths on purpose names
    this check and its reason in ``expected_failures``.
    """
    changed = _changed_by_lengths(subject)
    if changed:
        name, first, second = changed
        fail(
            expected=f"{name!r} to stay {first} with vectors of other lengths",
            seen=f"{second}",
            change="compare unit vectors under similarity='cosine': unit_rows(array, name=...)",
        )


@conformance("metrics", "tasks")
def dot_products_are_taken(subject: TaskSubject) -> None:
    """Where ``inputs.similarity`` is ``"dot"``, lengths count.

    A representation that says ``similarity="dot"`` was trained so: cosines are not what it
    compares. Take rows as they are under ``dot``; the metrics of ``mmbench.metrics`` have an
    argument for it. A metric that is made of cosines by definition says ``cosine``, or that vectors
    have ``length 1``, in its description; an option ``cosine`` or ``unit`` says so too. A task
    that can't do it may refuse with an error of mmbench.
    """
    if any(word in each.description for each in subject.info.metrics for word in _COSINE):
        raise NotRelevant("its metrics are of cosines by definition")
    if any(value in _CHOSEN for value in subject.options.values() if isinstance(value, str)):
        raise NotRelevant("an option says that lengths don't count")
    if _changed_by_lengths(subject):
        raise NotRelevant("the lengths of vectors count under cosine similarity, too")
    for seed in range(_DRAWS):
        cosine = _of_other_lengths(subject, subject.reference("random", seed=seed), auxiliary=True)
        try:
            found = subject.run(subject.new(), replace(cosine, similarity="dot"))
        except (ValueError, MmbenchError) as error:
            raise NotRelevant(f"it refuses dot products: {described(error)}") from error
        if difference(_scores(subject.score(cosine)), _scores(found)):
            return
    fail(
        expected="score() to compare by dot products where inputs.similarity is 'dot'",
        seen="the scores of cosines, for vectors of very different lengths",
        change="scale rows to length 1 only if inputs.similarity == 'cosine'; or say in the "
        "metric's description that it is made of cosines",
    )


def _changed_by_lengths(subject: TaskSubject) -> tuple[str, float | None, float | None] | None:
    """The first metric that the lengths of vectors change under cosine similarity.

    Raises:
        NotRelevant: It scores predictions, or what came of an interaction.
    """
    subject.require_items()
    if any(request.kind == "prediction" for request in subject.requests):
        raise NotRelevant("it scores predictions, whose size means something")
    found = subject.score(_of_other_lengths(subject, subject.reference("random")))
    return changed_metric(subject.measured("random"), subject.metrics(found))


def _of_other_lengths(
    subject: TaskSubject, inputs: ScoreInputs, *, auxiliary: bool = False
) -> ScoreInputs:
    """The same vectors, each longer or shorter by a factor of its own.

    Args:
        subject: The task.
        inputs: Its inputs.
        auxiliary: Whether those of auxiliary collections have factors of their own, too.
    """
    rng = np.random.default_rng(0)
    arrays: dict[str, NDArray[Any]] = {}
    for request in subject.requests:
        values = inputs.arrays[request.name]
        # Powers of two change no digit.
        factors = 2.0 ** rng.integers(-3, 4, size=len(values))
        if subject.collections[request.collection].auxiliary and not auxiliary:
            factors[:] = 4.0
        shaped = factors.astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
        arrays[request.name] = values * shaped
    return replace(inputs, arrays=arrays)


def _scores(found: Evaluation) -> Evaluation:
    """What was scored, without what is said about it."""
    return replace(found, parameters={}, notes=())
