"""A task that interacts and passes every check; mutants break one thing of it each."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sound_task import SAID

from mmbench.api import (
    Array,
    Evaluation,
    FitSpec,
    ItemTable,
    MemoryCollection,
    MetricInfo,
    Request,
    Stream,
    Task,
    TaskInfo,
)

STREAMS = {name: Stream(name, name, "Array", (2,), None, "generated") for name in ("eye", "ear")}
WALKS = 12


class Walk(Task):
    """Walk by what is encoded of the way, and see how near the goal it leads.

    Args:
        steps: Of a walk.
    """

    trial: ClassVar[dict[str, int]] = {"steps": 4}

    def __init__(self, *, steps: int = 1_000_000) -> None:
        self.steps = steps

    @property
    def info(self) -> TaskInfo:
        metric = MetricInfo("nearness", ("nearness",), description=SAID)
        return TaskInfo("walk", "1", "sound", "nearness", (metric,), True, description=SAID)

    def collections(self, datasets):
        return {"test": self.split("test", 12), "train": self.split("train", 8)}

    def split(self, name, count):
        rng = np.random.default_rng([*name.encode()])
        return MemoryCollection(
            name,
            [f"{name}-{row}" for row in range(count)],
            STREAMS,
            {
                stream: [Array(rng.normal(size=2).astype(np.float32)) for _ in range(count)]
                for stream in STREAMS
            },
            {"goal": rng.normal(size=count).tolist()},
        )

    def fit_spec(self):
        return FitSpec("train")

    def requests(self, offers):
        return [Request("eye", "test", ("eye",)), Request("all", "test", ("eye", "ear"))]

    def interact(self, encode, tables, *, seed, ctx):
        first, way, rng = self.begin(tables, seed, ctx)
        for step in range(first, self.steps):
            way = way + 0.1 * self.seen(encode, way)[:, 0] + 0.1 * rng.normal(size=WALKS)
            self.keep(ctx, step, way, rng)
            ctx.progress(step + 1, self.steps, "walking")
        return self.made(way)

    def begin(self, tables, seed, ctx):
        rng = np.random.default_rng(seed)
        way = np.array(tables["test"]["goal"]) + rng.normal(size=WALKS)
        return self.kept(ctx, way, rng)

    def kept(self, ctx, way, rng):
        place = None if ctx.checkpoint is None else ctx.checkpoint / "way.npz"
        if place is None or not place.exists():
            return 0, way, rng
        with np.load(place, allow_pickle=True) as file:
            rng.bit_generator.state = file["rng"].item()
            return int(file["step"]) + 1, file["way"], rng

    def keep(self, ctx, step, way, rng):
        if ctx.checkpoint is not None:
            state = np.array(rng.bit_generator.state, dtype=object)
            np.savez(ctx.checkpoint / "way.npz", step=step, way=way, rng=state)

    def seen(self, encode, way):
        rows = [Array(np.array([each, 0.0], dtype=np.float32)) for each in way]
        return encode({"eye": rows, "ear": rows})

    def made(self, way):
        return {"away": np.abs(way)}

    def score(self, inputs):
        away = np.asarray(inputs.arrays["away"], dtype=np.float64)
        if not np.isfinite(away).all():
            raise ValueError("a walk ended nowhere")
        ids = [f"walk-{number}" for number in range(len(away))]
        return Evaluation({"items": ItemTable(ids, {"nearness": np.exp(-away)})})

    def reference_levels(self, inputs):
        return {"ceiling": {"nearness": 1.0}}

    def reference_arrays(self, level, inputs, rng):
        away = {"perfect": np.zeros(WALKS), "constant": np.ones(WALKS)}
        return {"away": away[level] if level in away else np.abs(rng.normal(size=WALKS))}
