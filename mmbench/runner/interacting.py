"""Tasks that interact: the representation in an environment's loop, and the arrays that come of it.

The arrays are an artifact, as a trained state is: keyed by everything that made them, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import ItemTable, MmbenchError, PluginError, State
from mmbench.runner.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench.api import Binding, Collection, Context, Payload, Request
    from mmbench.runner.encoding import Encoder
    from mmbench.runner.matching import Match

__all__ = [
    "LiveEncoder",
    "interact",
    "interaction_key",
    "interaction_seed",
    "live_streams",
    "plain_arrays",
]


def interaction_seed(found: Match) -> int:
    """The cell's seed where the task draws; else 0, so that seeds of the suite share it."""
    return (found.seed or 0) if found.opened.info.seeded else 0


def interaction_key(found: Match, trained: str | None, precision: str) -> str:
    """Names what a task makes of a representation in its loop.

    Args:
        found: The cell.
        trained: What names the representation's trained state, if it has one: the state itself for
            the artifact's key, its recipe for the job's.
        precision: What the representation computes in.
    """
    opened = found.opened
    task = (
        opened.configured.path,
        opened.info.name,
        opened.info.version,
        opened.configured.options,
    )
    bindings = {name: dict(binding) for name, binding in found.bindings.items()}
    data = sorted(opened.fingerprints.items())
    made = (found.identity, trained, precision, bindings)
    return key_of("interaction", made, task, data, interaction_seed(found))


@dataclass(frozen=True)
class LiveEncoder:
    """The :class:`mmbench.api.Encode` that a task is handed in a run.

    Attributes:
        encoder: The loaded representation.
        bindings: Streams that a request names together, to slot by stream.
        where: The task, for messages.
    """

    encoder: Encoder
    bindings: Mapping[frozenset[str], Mapping[str, str]]
    where: str

    def __call__(self, payloads: Mapping[str, Sequence[Payload]]) -> NDArray[np.float32]:
        """Global vectors [B, D] of payloads by stream.

        Raises:
            PluginError: No request names these streams; or the representation raised, or returned
                something else than finite vectors.
        """
        streams = live_streams(payloads, self.bindings, self.where)
        slots = self.bindings[streams]
        batch = {slots[stream]: list(rows) for stream, rows in payloads.items()}
        return self.encoder.live(batch, len(next(iter(batch.values()))))


def live_streams(
    payloads: Mapping[str, Sequence[Payload]], known: Mapping[frozenset[str], Any], where: str
) -> frozenset[str]:
    """The observed subset of a batch that is to be encoded in a loop.

    Raises:
        PluginError: No request names it, or the batch is empty or uneven.
    """
    streams = frozenset(payloads)
    if streams not in known:
        asked = " + ".join(sorted(streams)) or "nothing"
        there = ", ".join(sorted(" + ".join(sorted(each)) for each in known))
        raise PluginError(
            f"interact() encodes {asked}, and its requests are of {there}",
            where=where,
            fix="name every subset that is encoded in requests()",
        )
    counts = {stream: len(rows) for stream, rows in payloads.items()}
    if len(set(counts.values())) > 1 or not min(counts.values()):
        said = ", ".join(f"{count} of {stream}" for stream, count in sorted(counts.items()))
        raise PluginError(f"interact() encodes a batch of {said} payloads", where=where)
    return streams


def interact(found: Match, encoder: Encoder, context: Context) -> State:
    """What a task makes of a loaded representation, as an artifact.

    Raises:
        PluginError: The task raised, or returned something else than plain arrays.
    """
    opened = found.opened
    where = f"task {opened.info.name}"
    encode = LiveEncoder(encoder, _bindings(found.requests, found.bindings), where)
    tables = {name: _table(collection) for name, collection in opened.collections.items()}
    try:
        made = opened.task.interact(encode, tables, seed=context.seed, ctx=context)
    except (MmbenchError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(
            f"interact() raised {type(error).__name__}: {error}", where=where
        ) from error
    return State(plain_arrays(made, where))


def plain_arrays(made: Any, where: str) -> dict[str, NDArray[Any]]:
    """What :meth:`Task.interact` returned, as arrays of numbers.

    Raises:
        PluginError: It is something else; says what was expected and what was seen.
    """
    if not hasattr(made, "items") or not made:
        seen = "nothing" if hasattr(made, "items") else f"a {type(made).__name__}"
        raise PluginError(f"interact() returned {seen}; expected arrays by name", where=where)
    arrays = {}
    for name, values in made.items():
        array = np.asarray(values)
        if not isinstance(name, str) or array.dtype.kind not in "fiub":
            raise PluginError(
                f"interact() returned {name!r} of dtype {array.dtype}; expected names, and arrays "
                "of numbers",
                where=where,
            )
        if not np.isfinite(array).all():
            raise PluginError(f"interact() returned NaN or infinity in {name!r}", where=where)
        arrays[name] = np.ascontiguousarray(array)
    return arrays


def _bindings(
    requests: Sequence[Request], bindings: Mapping[str, Binding]
) -> dict[frozenset[str], dict[str, str]]:
    """For each subset that is requested, the slot of every stream."""
    found: dict[frozenset[str], dict[str, str]] = {}
    for request in requests:
        slots = {stream: slot for slot, stream in bindings[request.collection].items()}
        found.setdefault(
            frozenset(request.streams), {stream: slots[stream] for stream in request.streams}
        )
    return found


def _table(collection: Collection) -> ItemTable:
    return ItemTable(
        list(collection.ids), {name: list(column) for name, column in collection.columns.items()}
    )
