"""Representations that work, and one that fails as it is told to."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import time
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import (
    Batch,
    Context,
    EmbeddingKind,
    FitData,
    Offer,
    PrecomputedRepresentation,
    Representation,
    RepresentationInfo,
    Slot,
    State,
    TrainedRepresentation,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench.api import Stream

SIDES = ("left", "right")


def describe(name: str, *, seeded: bool = False, sides: tuple[str, ...] = SIDES) -> Any:
    """Slots for both sides, and offers for each subset of them."""
    subsets = [frozenset(s) for n in range(1, len(sides) + 1) for s in combinations(sides, n)]
    return RepresentationInfo(
        name=name,
        version="1",
        slots=tuple(Slot(side, side, ("Array",)) for side in sides),
        offers=frozenset(Offer("global", subset) for subset in subsets),
        seeded=seeded,
    )


def values(batch: Batch) -> NDArray[np.float32]:
    """Mean over the observed slots, [B, width]."""
    sides = [np.stack([p.values for p in payloads]) for payloads in batch.values()]  # type: ignore[union-attr]
    return np.mean(sides, axis=0, dtype=np.float32)


class Steady(Representation):
    """The vectors themselves, scaled; slow if asked to be."""

    def __init__(
        self, *, scale: float = 1.0, delay: float = 0.0, size: int = 4, only: str = ""
    ) -> None:
        self.scale = scale
        self.delay = delay
        self.batch_size = size
        self.only = only

    @property
    def info(self) -> RepresentationInfo:
        """Both sides, or one."""
        return describe("steady", sides=(self.only,) if self.only else SIDES)

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """Scaled means."""
        time.sleep(self.delay)
        return values(batch) * np.float32(self.scale)


class Gridded(Steady):
    """Has maps of two by two cells, too."""

    @property
    def info(self) -> RepresentationInfo:
        """Both sides, and maps of them."""
        plain = describe("gridded")
        maps = {Offer("dense", frozenset({side})) for side in SIDES}
        return replace(plain, offers=plain.offers | maps)  # type: ignore[no-any-return]

    def encode_dense(self, batch: Batch) -> NDArray[np.float32]:
        """The vectors, times 1 to 4."""
        cells = np.arange(1, 5, dtype=np.float32).reshape(2, 2, 1)
        return values(batch)[:, None, None] * cells


class Seeded(Steady):
    """A random projection that depends on the seed."""

    @property
    def info(self) -> RepresentationInfo:
        """Seeded."""
        return describe("seeded", seeded=True)

    def load(self, ctx: Context) -> None:
        """Draw the projection."""
        rng = np.random.default_rng(ctx.seed)
        self.matrix = rng.standard_normal((6, 3)).astype(np.float32)

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """Projected values."""
        time.sleep(self.delay)
        return values(batch) @ self.matrix


class Learnt(TrainedRepresentation):
    """Learns the mean of its training items; slow if asked to be."""

    def __init__(self, *, delay: float = 0.0, noise: float = 0.0) -> None:
        self.delay = delay
        self.noise = noise
        self.mean: NDArray[np.float32] | None = None

    @property
    def info(self) -> RepresentationInfo:
        """Both sides."""
        return describe("learnt")

    def fit(self, data: FitData, ctx: Context) -> None:
        """Learn; with noise no two fits are alike."""
        ctx.progress(0, 1, "learning")
        time.sleep(self.delay)
        self.mean = values(data.train.batch(range(len(data.train)))).mean(axis=0)
        self.mean = self.mean + np.float32(self.noise) * np.float32(time.time() % 1.0)

    def state(self) -> State:
        """The mean."""
        assert self.mean is not None
        return State({"mean": self.mean}, {"learnt": True})

    def load_state(self, state: State) -> None:
        """The mean."""
        self.mean = state.arrays["mean"]

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """Centred values."""
        return values(batch) - self.mean


class LookedUp(PrecomputedRepresentation):
    """Knows the vectors of every item but those it is told to have forgotten."""

    def __init__(self, *, forgotten: tuple[str, ...] = ()) -> None:
        self.forgotten = forgotten

    @property
    def info(self) -> RepresentationInfo:
        """Both sides."""
        return describe("looked-up")

    def lookup(
        self, collection: str, ids: Sequence[str], kind: EmbeddingKind, slots: frozenset[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """A vector an id."""
        known = np.array([item not in self.forgotten for item in ids])
        rows = [[float(ord(c)) for c in f"{item:>10}"[-6:]] for item in ids]
        return np.asarray(rows, dtype=np.float32)[known], known


class Fused(Steady):
    """A subset's vector is the mean of its single slots' vectors."""

    @property
    def info(self) -> RepresentationInfo:
        """Both sides."""
        return describe("fused")

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """Never called with two slots."""
        assert len(batch) == 1, "a subset is fused, not encoded"
        return values(batch)

    def fuse(self, parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Mean, or too few rows."""
        joined = np.mean(list(parts.values()), axis=0, dtype=np.float32)
        return joined[:-1] if self.scale < 0 else joined


Fault = Literal[
    "none", "raise", "kill", "segfault", "exit", "hang", "print", "shape", "rows", "nan",
    "constant", "batch", "ragged", "words", "memory", "cuda-memory", "never-memory", "network",
    "constructor", "info", "bind", "fingerprint", "load", "silent-exit",
]  # fmt: skip


class Faulty(Representation):
    """Fails at one place, named by its option."""

    batch_size = 4

    def __init__(self, *, fault: Fault = "none") -> None:
        self.fault = fault
        self._fail_at("constructor")

    def _fail_at(self, place: str) -> None:
        if self.fault == place:
            raise KeyError(f"broken {place} [/red] on purpose")

    @property
    def info(self) -> RepresentationInfo:
        """Both sides."""
        self._fail_at("info")
        return describe("faulty")

    def bind(self, streams: Sequence[Stream]) -> None:
        """Nothing to bind."""
        self._fail_at("bind")

    def fingerprint(self) -> str:
        """Nothing to hash."""
        self._fail_at("fingerprint")
        return ""

    def load(self, ctx: Context) -> None:
        """Nothing to load."""
        self._fail_at("load")

    def encode(self, batch: Batch) -> Any:
        """Fail."""
        vectors = values(batch)
        end_process(self.fault)
        if self.fault == "raise":
            raise KeyError("broken encode [/red] on purpose")
        if self.fault == "print":
            print("the plugin prints this")  # noqa: T201 - that is the fault
        if self.fault == "network":
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        return spoilt(self.fault, vectors)


def end_process(fault: str) -> None:
    """End or hang the worker in one of several ways."""
    if fault == "kill":
        os.kill(os.getpid(), 9)
    if fault == "segfault":
        ctypes.string_at(0)
    if fault == "exit":
        sys.exit(3)
    if fault == "silent-exit":
        os._exit(0)
    if fault == "hang":
        time.sleep(600)


def spoilt(fault: str, vectors: NDArray[np.float32]) -> Any:
    """Vectors that break the contract."""
    count = len(vectors)
    if fault == "memory" and count > 1:
        raise MemoryError
    if fault == "cuda-memory" and count > 1:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
    if fault == "never-memory":
        raise MemoryError("there is none at all")
    changed: dict[str, Any] = {
        "shape": vectors[0],
        "rows": vectors[:-1],
        "nan": np.where(np.arange(count)[:, None] == count - 1, np.nan, vectors),
        "constant": np.ones_like(vectors),
        "batch": vectors - vectors.mean(axis=0) * (count > 1),
        "ragged": _ragged(vectors),
        "words": np.full((count, 2), "word"),
    }
    return changed.get(fault, vectors)


def _ragged(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A width that depends on the items."""
    return vectors[:, : 5 if float(np.median(vectors[0])) > 0 else 6]
