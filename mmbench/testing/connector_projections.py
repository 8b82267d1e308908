"""Checks: a connector projects row by row, and leaves alone what it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.testing.checks import blocking, conformance, described, fail
from mmbench.testing.comparison import TOLERANCE, far_apart
from mmbench.testing.surroundings import changes, new_random_states, random_states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.testing.connectors import ConnectorSubject


@conformance("connector", "connectors")
def every_route_projects(subject: ConnectorSubject) -> None:
    """Each route's vectors [n, D] become floats [n, dim], of the declared dim.

    Of n vectors of a base come n of the joined space, in their order. ``dim`` is what the offers of
    ``describe`` say; leave it out (None) where it is not known before training.
    """
    for slot, base in subject.routes:
        vectors = subject.vectors(base)
        found = np.asarray(subject.trained.project(base, slot, vectors.copy()))
        offer = subject.info.offer("global", frozenset({slot}))
        dim = None if offer is None else offer.dim
        fits = found.ndim == vectors.ndim and len(found) == len(vectors)
        if not fits or found.dtype.kind != "f" or (dim and found.shape[-1] != dim):
            fail(
                expected=f"project() of {slot!r} to return floats [{len(vectors)}, {dim or 'dim'}]",
                seen=f"{found.dtype} of shape {found.shape}",
                change="one row an item, as long as the offer's dim says",
            )


@conformance("connector", "connectors")
def projections_are_finite(subject: ConnectorSubject) -> None:
    """No projected value is NaN or infinite, and no projected vector is zero.

    Neither can be compared with anything. Add a small number to what you divide by.
    """
    for slot, base in subject.routes:
        found = subject.projected(subject.trained, slot, base, subject.vectors(base))
        if not np.isfinite(found).all() or not found.any(axis=-1).all():
            fail(
                expected=f"project() of {slot!r} to return finite vectors with a length",
                seen="a vector that is zero"
                if np.isfinite(found).all()
                else "a value that is NaN or infinite",
                change="look for a division by zero; keep at least one dimension",
            )


@conformance("connector", "connectors")
def projections_repeat(subject: ConnectorSubject) -> None:
    """The same vectors are projected alike twice, to the last bit.

    Noise belongs into the training: C-MCR's noise is drawn there, and left out afterwards.
    """
    for slot, base in subject.routes:
        first, second = (
            subject.projected(subject.trained, slot, base, subject.vectors(base)) for _ in range(2)
        )
        if not np.array_equal(first, second, equal_nan=True):
            fail(
                expected=f"project() of {slot!r} to return the same twice",
                seen="other vectors from the second call",
                change="draw no noise in project(); switch dropout off",
            )


@conformance("connector", "connectors")
def projection_goes_row_by_row(subject: ConnectorSubject) -> None:
    """A vector's projection depends on nothing else in the batch.

    Centre with the mean of the corpora, not with that of the batch.
    """
    for slot, base in subject.routes:
        usual, vectors = subject.steady(slot, base), subject.vectors(base)
        for rows in ([2], [5, 0, 3]):
            found = subject.projected(subject.trained, slot, base, vectors[rows])
            if found.shape != usual[rows].shape or far_apart(usual[rows], found) > TOLERANCE:
                fail(
                    expected=f"project() of {slot!r} to project each row by itself",
                    seen=f"rows {rows} come out otherwise than among all {len(vectors)}",
                    change="use no statistics of the batch: take those of the corpora",
                )


@conformance("connector", "connectors")
def projection_keeps_leading_axes(subject: ConnectorSubject) -> None:
    """Dense maps [n, h, w, D] are projected cell by cell, along the last axis.

    Where a base offers dense maps, so does the connector. Multiply from the right
    (``vectors @ map``), and normalise along axis -1, not 1.
    """
    for slot, base in subject.routes:
        usual = subject.steady(slot, base)
        cells = subject.vectors(base).reshape(1, 2, 3, -1)
        try:
            found = np.asarray(subject.trained.project(base, slot, cells.copy()))
            seen = f"shape {found.shape}"
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            found, seen = np.zeros(0, np.float32), f"it raised {described(error)}"
        wanted = usual.reshape(1, 2, 3, -1)
        if found.shape == wanted.shape and far_apart(wanted, found) <= TOLERANCE:
            continue
        fail(
            expected=f"project() of {slot!r} to make [1, 2, 3, {usual.shape[-1]}] of a dense map "
            f"{list(cells.shape)}, cell by cell",
            seen="other vectors" if found.shape == wanted.shape else seen,
            change="multiply from the right, vectors @ map, and normalise along axis -1",
        )


@conformance("connector", "connectors")
def projections_differ(subject: ConnectorSubject) -> None:
    """Different vectors have different projections.

    A map that sends all to one place joins nothing: look whether the vectors are used, and whether
    the maps have a rank above zero.
    """
    for slot, base in subject.routes:
        found = subject.steady(slot, base)
        if np.ptp(found, axis=0).max() <= 1e-6 * max(float(np.abs(found).max()), 1e-30):
            fail(
                expected=f"project() of {slot!r} to tell {len(found)} vectors apart",
                seen="all projections are equal",
                change="look whether the vectors are used",
            )


@conformance("connector", "connectors")
def vectors_are_left_alone(subject: ConnectorSubject) -> None:
    """Vectors are the same after they were learnt from and projected.

    They are views into the store's files. Write ``vectors = vectors - mean``, not ``-=``.
    """
    with blocking("needs()", "corpora_are_requests"):
        corpora = subject.corpora()
    before = {name: array.copy() for name, array in corpora.items()}
    trained = subject.trained
    with blocking("fit_vectors()", "connector_gives_a_state"):
        subject.described().fit_vectors(corpora, subject.context())
    _same(before, corpora, "fit_vectors()")
    for slot, base in subject.routes:
        vectors = subject.vectors(base)
        kept = vectors.copy()
        with blocking("project()", "every_route_projects"):
            trained.project(base, slot, vectors)
        _same({slot: kept}, {slot: vectors}, "project()")


@conformance("connector", "connectors")
def connector_leaves_random_state_alone(subject: ConnectorSubject) -> None:
    """Learning and projecting neither seed the global random generators nor draw from them.

    Everybody in the process shares them. Draw from ``numpy.random.default_rng(ctx.seed)`` or a
    ``torch.Generator``; where a library insists on torch's global one, wrap it in
    ``torch.random.fork_rng()``.
    """
    trained = subject.trained  # imports what fit_vectors() imports
    with new_random_states() as before:
        with blocking("fit_vectors()", "connector_gives_a_state"):
            subject.fitted()
        for slot, base in subject.routes:
            subject.projected(trained, slot, base, subject.vectors(base))
        changed = changes(before, random_states())
    if changed:
        fail(
            expected="the global random generators to be as they were",
            seen=f"{', '.join(changed)} is another",
            change="draw from generators of your own, seeded with ctx.seed; wrap what can't be "
            "changed in torch.random.fork_rng()",
        )


def _same(before: Mapping[str, Any], after: Mapping[str, Any], method: str) -> None:
    """Fail where an array was changed."""
    for name, array in before.items():
        if name not in after or not np.array_equal(array, after[name]):
            fail(
                expected=f"{method} to leave the vectors of {name!r} as they are",
                seen="they are others" if name in after else "they are gone",
                change="work on a copy: vectors = vectors - mean instead of vectors -= mean",
            )
