"""Trains representations and connectors: what they are handed, and the state that they give."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from mmbench.api import (
    BoundCollection,
    FitData,
    MmbenchError,
    PluginError,
    TrainedRepresentation,
)
from mmbench.runner.connecting import gather_corpora

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmbench.api import Context, State
    from mmbench.runner.connecting import Embedded
    from mmbench.runner.decoding import Loader
    from mmbench.runner.matching import Match

__all__ = ["called", "fit_connector", "fit_representation"]


def fit_representation(found: Match, context: Context, loader: Loader) -> State:
    """The state of a representation that learnt from a task's (or a suite's) training items."""
    representation, label = found.representation, found.subject.choice.label
    assert isinstance(representation, TrainedRepresentation)
    data = _fit_data(found, loader)
    called(lambda: representation.load(context), "load", label)
    called(lambda: representation.fit(data, context), "fit", label)
    state: State = called(representation.state, "state", label)
    return state


def fit_connector(
    found: Match, context: Context, embedded: Embedded
) -> tuple[State, list[dict[str, Any]]]:
    """The state of a connector that learnt from its corpora, and what they were.

    Their vectors lie in files beside the checkpoint while it learns.
    """
    connector, label = found.subject.connector, found.subject.choice.label
    assert connector is not None
    assert context.checkpoint is not None
    # A folder of its own: another run may train the same just now.
    prefix = f"{context.checkpoint.name}-corpora-"
    files = Path(mkdtemp(prefix=prefix, dir=context.checkpoint.parent))
    try:
        arrays, told = gather_corpora(found, embedded, files)
        called(lambda: connector.load(context), "load", label)
        called(lambda: connector.fit_vectors(arrays, context), "fit_vectors", label)
        state: State = called(connector.state, "state", label)
        return state, told
    finally:
        shutil.rmtree(files, ignore_errors=True)


def called(call: Callable[[], Any], method: str, label: str) -> Any:
    """Call a plugin's method; what it raises names the plugin."""
    try:
        return call()
    except (MmbenchError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(
            f"{method}() raised {type(error).__name__}: {error}",
            where=f"representation {label}",
        ) from error


def _fit_data(found: Match, loader: Loader) -> FitData:
    """The training (and validation) items, seen through the representation's slots."""
    fit = found.fit
    assert fit is not None

    def bound(name: str) -> BoundCollection:
        return BoundCollection(fit.collections[name], found.fit_binding, loader.load)

    valid = bound(fit.spec.valid) if fit.spec.valid else None
    return FitData(bound(fit.spec.train), valid, fit.spec)
