"""A connector that works, and fails as it is told to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import (
    Connector,
    CorpusRequest,
    Offer,
    RepresentationInfo,
    RepresentationRef,
    State,
)
from mmbench_faulty.representations import end_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Context

Fault = Literal[
    "none", "describe", "needs", "fingerprint", "load", "fit", "kill", "state", "project",
    "shape", "nan", "twice", "stranger", "offers", "routes", "info",
]  # fmt: skip


class Joined(Connector):
    """Centres the vectors of two spaces with the means of one corpus that both encode."""

    def __init__(
        self,
        *,
        first: str = "steady",
        second: str = "learnt",
        first_options: dict[str, Any] | None = None,
        second_options: dict[str, Any] | None = None,
        second_fit_on: dict[str, Any] | None = None,
        corpus: str = "faulty-pairs/train/left",
        data: dict[str, Any] | None = None,
        paired: bool = False,
        seeded: bool = False,
        steps: int = 1,
        delay: float = 0.0,
        fault: Fault = "none",
    ) -> None:
        self.bases = {
            "first": RepresentationRef(first, first_options or {}),
            "second": RepresentationRef(second, second_options or {}, second_fit_on or {}),
        }
        self.routes = {"left": "first", "right": "nowhere" if fault == "routes" else "second"}
        self.corpus = corpus
        self.data = data or {}
        self.paired = paired
        self.seeded = seeded
        self.steps = steps
        self.delay = delay
        self.fault = fault
        self.means: dict[str, NDArray[Any]] = {}
        self.meta: dict[str, Any] = {}

    def _fail_at(self, place: str) -> None:
        if self.fault == place:
            raise KeyError(f"broken {place} on purpose")

    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """Left of the first, right of the second."""
        self._fail_at("describe")
        routes = self.routes.items()
        slots = [slot for name, base in routes if base in bases for slot in bases[base].slots
                 if slot.name == name]  # fmt: skip
        offers = {Offer("global", frozenset({name})) for name in self.routes}
        offers |= {
            Offer("dense", frozenset({name}))
            for name, base in self.routes.items()
            if base in bases and bases[base].offer("dense", frozenset({name}))
        }
        if self.fault == "offers":
            offers.add(Offer("dense", frozenset({"left"})))
        name = f"joined({bases['first'].name}, {bases['second'].name})"
        made = RepresentationInfo(name, "1", tuple(slots), frozenset(offers), seeded=self.seeded)
        return made if self.fault != "info" else name  # type: ignore[return-value]

    def fingerprint(self) -> str:
        """Nothing to hash."""
        self._fail_at("fingerprint")
        return ""

    def needs(self) -> list[CorpusRequest]:
        """The corpus in both spaces."""
        self._fail_at("needs")
        if not self.corpus:
            return []
        names = self.corpus.split("/")
        bases = ["first", "first"] if self.fault == "twice" else ["first", "second"]
        bases = ["third"] if self.fault == "stranger" else bases
        if self.paired:
            sides = zip(bases, ("left", "right"), strict=True)
            return [CorpusRequest(b, b, s, *names[:2], s, self.data, True) for b, s in sides]  # type: ignore[misc]
        return [CorpusRequest(b, b, "left", *names, options=self.data) for b in bases]  # type: ignore[arg-type]

    def load(self, ctx: Context) -> None:
        """Nothing to load."""
        self._fail_at("load")

    def fit_vectors(self, arrays: Mapping[str, NDArray[Any]], ctx: Context) -> None:
        """Learn the means, in steps that leave their marks."""
        self._fail_at("fit")
        end_process(self.fault)
        assert ctx.checkpoint is not None
        assert ctx.shared is not None
        mark = ctx.checkpoint / "done"
        done = int(mark.read_text()) if mark.exists() else 0
        for step in range(done, self.steps):
            time.sleep(self.delay)
            with (ctx.shared / "steps").open("a") as file:
                file.write(f"{ctx.seed}:{step}\n")
            mark.write_text(str(step + 1))
        self.means = {name: array.mean(axis=0) for name, array in arrays.items()}
        self.meta = {
            "rows": {name: len(array) for name, array in arrays.items()},
            "kinds": sorted({type(array).__name__ for array in arrays.values()}),
            "writeable": any(array.flags.writeable for array in arrays.values()),
            "seed": ctx.seed,
        }

    def project(self, base: str, slot: str, vectors: NDArray[Any]) -> NDArray[np.float32]:
        """Centred vectors."""
        self._fail_at("project")
        found = np.asarray(vectors - self.means.get(base, 0), dtype=np.float32)
        if self.fault == "nan":
            found[-1] = np.nan
        return found[:-1] if self.fault == "shape" else found

    def state(self) -> State:
        """The means."""
        self._fail_at("state")
        return State(self.means, self.meta)

    def load_state(self, state: State) -> None:
        """The means."""
        self.means = dict(state.arrays)
