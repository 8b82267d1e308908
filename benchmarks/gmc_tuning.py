"""Choose the constants of `gmc-numbers` on the validation numbers; print all that was tried.

Run with: python benchmarks/gmc_tuning.py [--seeds 0 1]

GMC learns pictures, tones and words of the training numbers, as for the quickstart's tasks between
two of them. Every setting is trained with each seed, and scored by R@1 among the 100 validation
numbers: the mean of the three pairs of streams and of both directions. One constant is chosen after
the other; then the best setting is trained for fewer and for more steps. The 400 test numbers are
never opened, and the tasks of missing streams, which learn from two streams, take what is chosen
here. Needs mmbench-gmc.
"""
# ruff: noqa: INP001, T201 - a script, which prints its figures

from __future__ import annotations

import argparse
import time
from functools import cache
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import BoundCollection, Collection, Context, DataSource, FitData, FitSpec
from mmbench.builtin.numbers.dataset import Numbers
from mmbench.metrics.vectors import unit_rows
from mmbench_gmc.gmc import GMC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

STREAMS = ("image", "audio", "text")
#: What is tried, on top of what was best so far. The paper's on MHD come first: a temperature of
#: 0.1, a learning rate of 0.001, no clipping, and a head of (512, 512).
STAGES: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"head": (128,)}, {"head": ()}),
    (
        {"learning_rate": 3e-3},
        {"learning_rate": 2e-3, "clip": 1.0},
        {"learning_rate": 4e-3, "clip": 1.0},
    ),
    ({"temperature": 0.2}, {"temperature": 0.3}),
    ({"head": (128,)},),
)
STEPS = 150
LENGTHS = (100, 300)


def read_once(collection: Collection) -> Collection:
    """The collection, which generates each stream of an item only once."""
    collection.load = cache(collection.load)  # type: ignore[method-assign]
    return collection


def score(queries: NDArray[np.float32], gallery: NDArray[np.float32]) -> float:
    """R@1, the mean of both directions."""
    scores = unit_rows(queries, name="queries") @ unit_rows(gallery, name="gallery").T
    own = np.arange(len(scores))
    return float(np.mean([(each.argmax(axis=1) == own).mean() for each in (scores, scores.T)]))


def tried(options: Mapping[str, Any], world: Mapping[str, Collection], seed: int) -> list[float]:
    """One setting's R@1 of each pair of streams, on the validation numbers."""
    model = GMC(streams=STREAMS, **options)
    model.bind(list(world["train"].streams.values()))
    slots = {name: name for name in STREAMS}
    train, valid = (BoundCollection(world[name], slots) for name in ("train", "valid"))
    context = Context(seed=seed)
    model.load(context)
    model.fit(FitData(train, valid, FitSpec("train", "valid")), context)
    rows = list(range(len(world["valid"])))
    vectors = [model.encode(valid.batch(rows, [name])) for name in STREAMS]
    return [score(one, other) for one, other in combinations(vectors, 2)]


def row(options: Mapping[str, Any], world: Mapping[str, Collection], seeds: list[int]) -> float:
    """Try one setting with each seed, and print it; gives its mean R@1."""
    start = time.process_time()
    found = [tried(options, world, seed) for seed in seeds]
    seconds = (time.process_time() - start) / len(seeds)
    text = ", ".join(f"{name} = {value}" for name, value in options.items())
    pairs = " | ".join(f"{100 * mean(values):.1f}" for values in zip(*found, strict=True))
    overall = mean(map(mean, found))
    print(f"| {100 * overall:.1f} | {pairs} | {seconds:.1f} | {text} |", flush=True)
    return overall


def main() -> None:
    """Try stage after stage, then the best of all for other lengths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    seeds = parser.parse_args().seeds
    world = Numbers().collections(DataSource(root=Path(), hash_file=lambda _path: ""))
    used = {name: read_once(world[name]) for name in ("train", "valid")}
    pairs = " | ".join("-".join(pair) for pair in combinations(STREAMS, 2))
    print(f"| R@1 | {pairs} | CPU seconds | constants |\n| {'--- | ' * 5}--- |", flush=True)
    best: dict[str, Any] = {"steps": STEPS}
    highest = row(best, used, seeds)
    for stage in STAGES:
        settings = [{**best, **changed} for changed in stage]
        for options in settings:
            found = row(options, used, seeds)
            if found > highest:
                highest, best = found, options
    for steps in LENGTHS:
        row({**best, "steps": steps}, used, seeds)


if __name__ == "__main__":
    main()
