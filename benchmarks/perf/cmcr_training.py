"""Time C-MCR's training on precomputed aggregates beside the plain form; print one run's ratios.

Run with: python benchmarks/perf/cmcr_training.py [--memories 10000 100000 1000000] [--batch 1024]

The plain form aggregates at each step over both whole memories, which lie in RAM as float32: a
softmax over all similarities, as it is written down. Ours aggregates once, from memories that are
mapped float16 files, and each step reads a mapped file. Peak memory is that of a whole training at
the largest memory, in a process of its own, without the pages of mapped files. Needs mmbench-cmcr.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from mmbench.api import Context
from mmbench_cmcr.aggregate_files import QUERY_BLOCK
from mmbench_cmcr.connector import CMCR
from mmbench_cmcr.corpora import Rows
from mmbench_cmcr.layouts import Layout
from mmbench_cmcr.learning import make_corpus
from mmbench_cmcr.training import Recipe, Training

MOST_EXTRA_MB = 2000
#: A step at the largest memory may take so many times as long as at the smallest.
MOST_GROWTH = 1.15
TAU = 0.01
#: Similarities that the plain form holds at a time: 1 GB.
_HELD = 2**28


def write_vectors(path: Path, count: int, dim: int, seed: int) -> np.ndarray:
    """Unit float16 vectors in a file; gives it mapped."""
    rng = np.random.default_rng(seed)
    out = np.lib.format.open_memmap(path, "w+", np.float16, (count, dim))
    for start in range(0, count, 16384):
        block = rng.standard_normal((min(16384, count - start), dim), dtype=np.float32)
        out[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    out.flush()
    return np.load(path, mmap_mode="r")


def write_corpora(folder: Path, texts: int, memory: int, dim: int) -> dict[str, np.ndarray]:
    """The four inputs of a training, by role."""
    sizes = {"shared/first": texts, "shared/second": texts, "first": memory, "second": memory}
    return {
        role: write_vectors(folder / f"{number}.npy", count, dim, number)
        for number, (role, count) in enumerate(sizes.items())
    }


def aggregate_plainly(queries: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
    """The softmax over the whole memory, in as few parts as the machine bears."""
    parts = queries.split(max(1, _HELD // len(memory)))
    return torch.cat([torch.softmax(part @ memory.T / TAU, dim=1) @ memory for part in parts])


class Plain:
    """Training that aggregates at each step."""

    def __init__(self, training: Training, corpora: dict[str, np.ndarray]) -> None:
        self.training = training
        self.memories = [
            normalize(torch.from_numpy(corpora[space].astype(np.float32)), dim=-1)
            for space in ("first", "second")
        ]

    def step(self, rows: np.ndarray) -> None:
        """One step."""
        quad = self.training.gather(rows)
        first, second = self.memories
        self.training.train_step(
            quad._replace(
                first_leaf=aggregate_plainly(quad.first_shared, first),
                second_leaf=aggregate_plainly(quad.second_shared, second),
            )
        )


def median_seconds(step: object, batches: list[np.ndarray]) -> float:
    """The median over these batches, after one that does not count."""
    took = []
    for rows in batches:
        start = time.perf_counter()
        step(rows)  # type: ignore[operator]
        took.append(time.perf_counter() - start)
    return float(np.median(took[1:]))


def time_memory(memory: int, asked: argparse.Namespace) -> float:
    """Print the figures at one size of memory; gives the seconds of a step of ours."""
    batch, texts = asked.batch, 4 * asked.batch
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpora = write_corpora(folder, texts, memory, asked.dim)
        rows = {role: Rows(role, (array,)) for role, array in corpora.items()}
        few = {**rows, **{f"shared/{s}": Rows(s, (corpora[f"shared/{s}"][:QUERY_BLOCK],))
                          for s in ("first", "second")}}  # fmt: skip
        start = time.perf_counter()
        make_corpus(few, folder, Context(), how="softmax", tau1=TAU)
        once = (time.perf_counter() - start) / min(texts, QUERY_BLOCK) * 1000
        for space in ("first", "second"):  # timing needs rows to read, and no true aggregates
            np.save(folder / f"leaf-{space}.npy", np.zeros((texts, asked.dim), np.float32) + 0.01)
        leaves = [np.load(folder / f"leaf-{s}.npy", mmap_mode="r") for s in ("first", "second")]
        training = Training(
            make_corpus(rows, folder, Context(), how="none", tau1=TAU)._replace(
                first_leaf=Rows("a", (leaves[0],)), second_leaf=Rows("a", (leaves[1],))
            ),
            Recipe(Layout(), asked.dim, batch=batch), Context(), key="perf",
        )  # fmt: skip
        rng = np.random.default_rng(0)
        draws = [np.sort(rng.choice(texts, batch, replace=False)) for _ in range(13)]
        ours = median_seconds(lambda r: training.train_step(training.gather(r)), draws)
        plain = median_seconds(Plain(training, corpora).step, draws[: asked.plain_steps + 1])
        again = median_seconds(lambda r: training.train_step(training.gather(r)), draws)
    ours = (ours + again) / 2  # before and after, so that the ratio holds when the speed drifts
    print(
        f"memory {memory:>9,}: a step {1000 * ours:.0f} ms, plain {1000 * plain:.0f} ms, "
        f"{plain / ours:.1f} times as long; once {once:.2f} s per 1,000 texts (both memories)",
        flush=True,
    )
    return ours


def anonymous_mb() -> float:
    """Memory of this process that no file stands behind (Linux), in MB."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(x.split()[1]) / 1024 for x in lines if x.startswith("RssAnon"))


def print_extra_memory(memory: int, asked: argparse.Namespace) -> None:
    """Print the peak of a whole training above the libraries; meant for a fresh process."""
    connector = CMCR(
        first="clip", second="clap", shared_corpus=("d/c/t",), first_memory=("d/c/i",),
        second_memory=("d/c/a",), epochs=2, batch=asked.batch,
    )  # fmt: skip
    roles = ("shared/first", "shared/second", "first", "second")
    names = [request.name for request in connector.needs()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpora = write_corpora(folder, QUERY_BLOCK, memory, asked.dim)
        seen, done = [before := anonymous_mb()], threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                seen.append(anonymous_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        arrays = {name: corpora[role] for name, role in zip(names, roles, strict=True)}
        connector.fit_vectors(arrays, Context(checkpoint=folder / "work"))
        done.set()
        watcher.join()
    print(f"{max(seen) - before:.0f}")


def extra_memory(asked: argparse.Namespace) -> float | None:
    """Measure the extra memory in a process of its own; None where the system does not tell."""
    if platform.system() != "Linux":
        print("extra memory: skipped (read from /proc, which is Linux's)")
        return None
    command = [sys.executable, __file__, "--memory", "--memories", str(max(asked.memories)),
               "--batch", str(asked.batch), "--dim", str(asked.dim)]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> int:
    """Print all figures; return 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memories", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--plain-steps", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        print_extra_memory(max(asked.memories), asked)
        return 0
    print(
        f"batch {asked.batch}, d = {asked.dim}, {os.cpu_count()} cores, torch {torch.__version__}"
    )
    steps = [time_memory(memory, asked) for memory in sorted(asked.memories)]
    growth = steps[-1] / steps[0]
    print(f"a step at the largest memory / at the smallest: {growth:.2f} (bound {MOST_GROWTH})")
    extra = extra_memory(asked)
    if extra is not None:
        print(f"peak above the mapped files: {extra:.0f} MB (bound {MOST_EXTRA_MB})")
    return int(growth > MOST_GROWTH or (extra or 0) > MOST_EXTRA_MB)


if __name__ == "__main__":
    sys.exit(main())
