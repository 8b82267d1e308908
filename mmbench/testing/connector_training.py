"""Checks: a connector names its weights, and learns from corpora as the runner hands them over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.testing.checks import NotRelevant, blocking, conformance, described, fail
from mmbench.testing.state_faults import difference_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import State
    from mmbench.testing.connectors import ConnectorSubject


@conformance("connector", "connectors")
def connector_fingerprint_is_stable(subject: ConnectorSubject) -> None:
    """``fingerprint()`` returns the same text from every instance, before anything is loaded.

    It names the weights that the options don't, such as a checkpoint's; without any, leave it out.
    """
    _ = subject.info
    found: list[Any] = [subject.new().fingerprint() for _ in range(2)]
    if not isinstance(found[0], str) or found[0] != found[1]:
        fail(
            expected="fingerprint() to return one text, whatever the instance",
            seen=" and ".join(map(repr, found)),
            change="hash the file of the weights: no counter, no time, no id(), no hash()",
        )


@conformance("connector", "connectors")
def corpora_may_be_mapped(subject: ConnectorSubject) -> None:
    """Corpora of half precision that are mapped into memory are learnt from as any others.

    A million rows are not read into memory to be handed over. Slices and ``numpy.asarray`` work as
    ever; convert what you compute with, block by block: ``block.astype(np.float32)``.
    """
    if not subject.new().needs():
        raise NotRelevant("it needs no corpora")
    for slot, base in subject.routes:
        subject.steady(slot, base)  # what comes out as NaN from any corpus is told elsewhere
    arrays = {
        name: _mapped(subject.workspace / f"corpus-{number}.npy", array)
        for number, (name, array) in enumerate(subject.corpora().items())
    }
    try:
        connector = subject.described()
        connector.fit_vectors(arrays, subject.context())
        found = [connector.project(base, s, subject.vectors(base)) for s, base in subject.routes]
        seen = "" if all(np.isfinite(each).all() for each in found) else "projections with NaN"
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        seen = f"it raised {described(error)}"
    if seen:
        fail(
            expected="fit_vectors() to learn from mapped float16 arrays",
            seen=seen,
            change="take any array of floats: read rows as they are needed, and convert those",
        )


@conformance("connector", "connectors")
def seeds_share_no_state(subject: ConnectorSubject) -> None:
    """What is found in ``ctx.shared`` changes nothing of a training with another seed.

    The folder is there for what does not depend on the seed, so that it is computed once.
    """
    subject.require_repeatable()
    with blocking("fit_vectors()", "connector_gives_a_state"):
        alone = _fitted(subject, seed=1, shared=None)
        again = _fitted(subject, seed=1, shared=None)
        if difference_of(alone, again):
            raise NotRelevant("its trainings can't be repeated with every seed")
        shared = subject.workspace / "shared"
        shared.mkdir(exist_ok=True)
        _fitted(subject, seed=0, shared=shared)
        found = difference_of(alone, _fitted(subject, seed=1, shared=shared))
    if found:
        fail(
            expected="a training with seed 1 to give the same, whatever one with seed 0 has left",
            seen=found,
            change="keep in ctx.shared only what no seed changes; the rest goes to ctx.checkpoint",
        )


def _fitted(subject: ConnectorSubject, *, seed: int, shared: Path | None) -> State:
    """The state of a new instance, trained with these folders."""
    connector = subject.described()
    context = replace(subject.context(seed=seed), shared=shared)
    connector.fit_vectors(subject.corpora(), context)
    return connector.state()


def _mapped(path: Path, array: NDArray[np.float32]) -> NDArray[Any]:
    np.save(path, array.astype(np.float16))
    # Copy on write: that corpora are left alone has a check of its own.
    mapped: NDArray[Any] = np.load(path, mmap_mode="c")
    return mapped
