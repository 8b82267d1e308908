"""A plugin whose task interacts: it walks towards a place that it sees through a representation.

The test copies this module into a folder of its own, beside the metadata that an installer makes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.api import (
    Array,
    Evaluation,
    FitSpec,
    ItemError,
    ItemTable,
    MemoryCollection,
    MetricInfo,
    Offer,
    Representation,
    RepresentationInfo,
    RepresentationSpec,
    Request,
    Slot,
    State,
    Stream,
    Task,
    TaskInfo,
    TaskSpec,
    TrainedRepresentation,
    hookimpl,
)

#: The variable that names the log.
LOG = "LOOP_PLUGIN_LOG"
HERE = "loop_plugin"
STREAMS = {name: Stream(name, name, "Array", shape=(2,)) for name in ("seen", "heard")}
PYPROJECT = """\
[project]
name = "loop-plugin"
version = "1.0"
[project.entry-points.mmbench]
loop = "loop_plugin"
"""


def install(site: Path) -> None:
    """Install this module as a plugin into a folder that goes on the path."""
    from installing import write_metadata

    site.mkdir(parents=True)
    shutil.copy(__file__, site)
    write_metadata(site, PYPROJECT)


def note(what: str) -> None:
    """Add a line to the log."""
    with Path(os.environ[LOG]).open("a") as log:
        log.write(f"{what}\n")


def places(name: str, count: int, seed: int) -> MemoryCollection:
    """Places, each seen and heard."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, 2)).astype(np.float32)
    return MemoryCollection(
        name,
        [f"{name}-{row}" for row in range(count)],
        STREAMS,
        {stream: [Array(value) for value in values] for stream in STREAMS},
        {"goal": values[:, 0].tolist()},
    )


class Walk(Task):
    """Walk towards a goal by what is encoded of the way to it.

    Args:
        steps: Of a walk.
        fault: What goes wrong.
    """

    def __init__(self, *, steps: int = 4, fault: str = "") -> None:
        self.steps = steps
        self.fault = fault

    @property
    def info(self) -> TaskInfo:
        """How far from the goal it ends."""
        metric = MetricInfo(
            "distance", ("distance",), unit="1", higher_is_better=False, bounds=(0.0, None)
        )
        return TaskInfo("walk", "1", "walk", "distance", (metric,), seeded=True)

    def collections(self, datasets: Any) -> dict[str, Any]:
        """Goals, and places to learn from."""
        return {"goals": places("goals", 6, 0), "train": places("train", 8, 1)}

    def fit_spec(self) -> FitSpec:
        """The places."""
        return FitSpec("train")

    def requests(self, offers: Any) -> list[Request]:
        """What is seen, and all."""
        kind: Any = "dense" if self.fault == "dense" else "global"
        return [
            Request("seen", "goals", ("seen",), kind),
            Request("both", "goals", ("seen", "heard"), kind),
        ]

    def interact(
        self, encode: Any, tables: Any, *, seed: int, ctx: Any
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Walk, from places that the seed draws."""
        note(f"walk {seed} {len(tables['train'])}")
        way = np.array(tables["goals"]["goal"]) - np.random.default_rng(seed).normal(size=6)
        kept = ctx.checkpoint / "way.npy"
        first = 0
        if kept.exists():
            first, way = 2, np.load(kept)
            note("resumed")
        for step in range(first, self.steps):
            rows = [Array(np.array([each, 0.0], dtype=np.float32)) for each in way]
            found = encode({"seen": rows} if step % 2 else {"heard": rows, "seen": rows})
            assert found.dtype == np.float32
            way = way - 0.5 * found[:, 0]
            ctx.progress(step + 1, self.steps, "walking")
            self._fail(step, encode, kept, way)
        return {"way": way, "steps": np.array(self.steps)} if self.fault != "nan" else {
            "way": np.full(6, np.nan)
        }  # fmt: skip

    def _fail(self, step: int, encode: Any, kept: Path, way: Any) -> None:
        """Go wrong after the second step."""
        if step != 1 or not self.fault:
            return
        if self.fault == "raise":
            raise KeyError("lost")
        if self.fault == "die":
            os._exit(7)
        if self.fault == "subset":
            encode({"heard": [Array(np.zeros(2, dtype=np.float32))]})
        if self.fault == "empty":
            encode({"seen": []})
        if self.fault == "once" and not kept.exists():
            np.save(kept, way)
            raise KeyError("stopped")

    def score(self, inputs: Any) -> Evaluation:
        """How far from its goal each walk ended."""
        if not inputs.arrays:
            raise ValueError("nothing to score")
        way = np.abs(inputs.arrays["way"].astype(float))
        return Evaluation({"items": ItemTable([f"walk-{n}" for n in range(len(way))],
                                              {"distance": way})})  # fmt: skip


class Sight(Representation):
    """The first number, times a factor.

    Args:
        factor: The factor.
        blind: What it does with far places: nothing, ``refuse``, ``nan``, or ``batch``: its vectors
            depend on what else is in the batch.
    """

    def __init__(self, *, factor: float = 1.0, blind: str = "") -> None:
        self.factor = factor
        self.blind = blind

    @property
    def info(self) -> RepresentationInfo:
        """Either, and both."""
        slots = tuple(Slot(f"{name} slot", name, ("Array",), (2,)) for name in STREAMS)
        subsets = [frozenset({slots[0].name}), frozenset(slot.name for slot in slots)]
        offers = frozenset(Offer("global", each, 2) for each in subsets)
        return RepresentationInfo("sight", "1", slots, offers)

    def encode(self, batch: Any) -> Any:
        """[B, 2], in double precision."""
        values = np.mean([[row.values for row in rows] for rows in batch.values()], axis=0)
        if self.blind == "refuse":
            raise ItemError("is too far")
        if self.blind == "nan":
            return values * np.nan
        if self.blind == "batch":
            values = values + len(values)
        return values.astype(np.float64) * self.factor


class Learnt(TrainedRepresentation, Sight):
    """A factor that is learnt."""

    def fit(self, data: Any, ctx: Any) -> None:
        """The factor."""
        note("fit")
        self.learnt = 0.5 + len(data.train) / 100

    def state(self) -> State:
        """The factor."""
        return State({"learnt": np.array(self.learnt)})

    def load_state(self, state: State) -> None:
        """The factor."""
        self.factor = float(state.arrays["learnt"])


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """The one."""
    return [TaskSpec("walk", f"{HERE}:Walk", "Walk to a place that is seen", "walk")]


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """The two."""
    return [
        RepresentationSpec("sight", f"{HERE}:Sight"),
        RepresentationSpec("learnt-sight", f"{HERE}:Learnt"),
    ]
