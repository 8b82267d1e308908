"""Choose the constants of `cmcr-ablation.toml` on the validation numbers; print all that was tried.

Run with: python benchmarks/cmcr_tuning.py cca|contrastive [--paired] [--seeds 0 1]

Both spaces are trained as the suite trains them, each on its half of the training numbers. Every
setting of the grid is trained with each seed, and scored by R@1 among the 100 validation numbers,
the mean of both directions. The 400 test numbers are never opened. Needs mmbench-cmcr.
"""
# ruff: noqa: INP001, T201 - a script, which prints its figures

from __future__ import annotations

import argparse
import time
from itertools import product
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    BoundCollection,
    Context,
    DataSource,
    FitData,
    FitSpec,
    Representation,
    TrainedRepresentation,
)
from mmbench.builtin.numbers.dataset import Numbers
from mmbench.metrics.vectors import unit_rows
from mmbench.registry import load_registry
from mmbench_cmcr.connector import CMCR
from mmbench_cmcr.paired import Paired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Vectors = dict[tuple[str, str, str], NDArray[np.float32]]

SPACES = {
    "cca": ("cca-image-text", "cca-audio-text"),
    "contrastive": ("contrastive-image-text", "contrastive-audio-text"),
}
CORPORA = {
    "shared_corpus": ("numbers/train/text",),
    "first_memory": ("numbers/train-first/image",),
    "second_memory": ("numbers/train-second/audio",),
}
#: The paper's are: tau1 0.01, tau2 and tau3 0.02, variance 0.004.
GRID = {
    "tau1": (0.01, 0.1),
    "tau": (0.05, 0.1, 0.2),
    "variance": (0.004, 0.016, 0.03),
}
#: Of the paper's 36 epochs and batches of 10,240, these 1,500 texts would make 36 steps.
SCHEDULE = {"learning_rate": 3e-3, "epochs": 100, "batch": 250}


def trained(name: str, half: str, world: Mapping[str, Any], seed: int) -> Representation:
    """A space, trained on one half of the training numbers."""
    known = load_registry()
    found = known.configure("representations", name, {}, TrainedRepresentation).object
    slots = {slot.name: slot.name for slot in found.info.slots}
    context = Context(seed=seed)
    found.load(context)
    bound = [BoundCollection(world[each], slots) for each in (half, "valid")]
    found.fit(FitData(*bound, FitSpec(half, "valid")), context)
    return found


def encoded(space: Representation, world: Mapping[str, Any], name: str, slot: str) -> Any:
    """All vectors of one stream of a collection."""
    rows = list(range(len(world[name])))
    batch = BoundCollection(world[name], {slot: slot}).batch(rows, [slot])
    return np.asarray(space.encode({slot: batch[slot]}), dtype=np.float32)


def vectors_of(spaces: str, seed: int) -> Vectors:
    """What the settings learn from and are judged by, by base, collection and stream."""
    world = Numbers().collections(DataSource(root=None, hash_file=lambda _path: ""))
    found = {}
    for base, name, half, leaf in zip(
        ("first", "second"), SPACES[spaces], ("train-first", "train-second"), ("image", "audio"),
        strict=True,
    ):  # fmt: skip
        space = trained(name, half, world, seed)
        wanted = (("train", "text"), ("train", leaf), (half, leaf), ("valid", leaf))
        for collection, stream in wanted:
            found[base, collection, stream] = encoded(space, world, collection, stream)
    return found


def score(queries: NDArray[np.float32], gallery: NDArray[np.float32]) -> float:
    """R@1, the mean of both directions."""
    scores = unit_rows(queries, name="sounds") @ unit_rows(gallery, name="pictures").T
    own = np.arange(len(scores))
    return float(np.mean([(each.argmax(axis=1) == own).mean() for each in (scores, scores.T)]))


def grid(*, paired: bool) -> list[dict[str, Any]]:
    """All settings: the paper's constants first."""
    settings: list[dict[str, Any]] = [{}]
    if paired:
        for tau, variance in product(GRID["tau"], GRID["variance"]):
            settings.append({"temperature": tau, "variance": variance, **SCHEDULE})
        return settings
    for tau1, tau, variance in product(*GRID.values()):
        constants = {"tau1": tau1, "tau2": tau, "tau3": tau, "variance": variance}
        settings.append({**constants, **SCHEDULE})
    return settings


def tried(options: Mapping[str, Any], vectors: Vectors, seed: int, *, paired: bool) -> float:
    """One setting's R@1 on the validation numbers."""
    spaces = {"first": "first", "second": "second"}
    connector: CMCR | Paired
    if paired:
        connector = Paired(**spaces, pairs=("numbers/train",), **options)
    else:
        connector = CMCR(**spaces, **CORPORA, **options)
    arrays = {
        need.name: vectors[need.base, need.collection, need.stream] for need in connector.needs()
    }
    connector.fit_vectors(arrays, Context(seed=seed))
    sounds, pictures = (
        connector.project(base, slot, vectors[base, "valid", slot])
        for base, slot in (("second", "audio"), ("first", "image"))
    )
    return score(sounds, pictures)


def main() -> None:
    """Try the whole grid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spaces", choices=SPACES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--paired", action="store_true", help="the upper bound, not C-MCR")
    said = parser.parse_args()
    vectors = {seed: vectors_of(said.spaces, seed) for seed in said.seeds}
    print("| R@1 | seconds | constants |\n| --- | --- | --- |")
    for options in grid(paired=said.paired):
        start = time.perf_counter()
        found = [tried(options, vectors[s], s, paired=said.paired) for s in said.seeds]
        seconds = (time.perf_counter() - start) / len(found)
        text = ", ".join(f"{name} = {value:g}" for name, value in options.items()) or "the paper's"
        print(f"| {100 * mean(found):.1f} | {seconds:.1f} | {text} |", flush=True)


if __name__ == "__main__":
    main()
