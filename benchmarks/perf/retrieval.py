"""Time retrieval scoring beside the bare product and other libraries; print one run's ratios.

Run with: python benchmarks/perf/retrieval.py [--n 50000] [--dim 512] [--others-n 5000]

The bare product is every block of the N x N float32 scores, made and thrown away, by numpy and, if
it is installed, by torch, each with the block shape that suits it best here. Ours scales the rows,
makes the product, and gives rank, reciprocal rank and hit@1/5/10 of every item both ways. The
others run on --others-n items, ours beside them.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.metrics.retrieval import pair_retrieval, retrieval_summary

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_OVER_PRODUCT = 1.2
MOST_EXTRA_MB = 256
SHAPES = ((512, 1024), (512, 2048), (1024, 1024), (1024, 4096))


def vectors(n: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Give pairs of float32 vectors whose ranks are neither all 1 nor chance."""
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((n, dim), dtype=np.float32)
    gallery = rng.standard_normal((n, dim), dtype=np.float32)
    for start in range(0, n, 4096):  # in parts, so that making them leaves no peak behind
        gallery[start : start + 4096] += 0.2 * queries[start : start + 4096]
    return queries, gallery


def seconds(call: Callable[[], object]) -> float:
    """Give the wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def numpy_product(queries: np.ndarray, gallery: np.ndarray, shape: tuple[int, int]) -> None:
    """Make all blocks of the product into one buffer, with numpy's own threads."""
    rows, columns = shape
    out = np.empty(shape, dtype=np.float32)
    for i in range(0, len(queries), rows):
        a = queries[i : i + rows]
        for j in range(0, len(gallery), columns):
            b = gallery[j : j + columns]
            np.matmul(a, b.T, out=out[: len(a), : len(b)])


def torch_product(queries: np.ndarray, gallery: np.ndarray, shape: tuple[int, int]) -> None:
    """Make all blocks of the product with torch."""
    import torch

    rows, columns = shape
    a, b = torch.from_numpy(queries), torch.from_numpy(gallery)
    out = torch.empty(shape)
    for i in range(0, len(a), rows):
        for j in range(0, len(b), columns):
            x, y = a[i : i + rows], b[j : j + columns]
            torch.matmul(x, y.T, out=out[: len(x), : len(y)])


def products() -> dict[str, Callable[..., None]]:
    """Name the bare products that can run here."""
    found = {"numpy": numpy_product}
    try:
        importlib.import_module("torch")
    except ImportError as error:
        print(f"torch product: skipped ({error})")
    else:
        found["torch"] = torch_product
    return found


def best_shape(
    product: Callable[..., None], queries: np.ndarray, gallery: np.ndarray
) -> tuple[int, int]:
    """Give the block shape that this product is fastest with."""
    took = {
        shape: min(seconds(lambda s=shape: product(queries, gallery, s)) for _ in range(3))
        for shape in SHAPES
    }
    return min(took, key=took.__getitem__)


def time_ours(n: int, dim: int, repeats: int) -> float:
    """Print our time as a multiple of the fastest bare product; return the median of the ratios."""
    queries, gallery = vectors(n, dim)
    few = queries[:8192], gallery[:8192]
    timed = [(name, product, best_shape(product, *few)) for name, product in products().items()]
    ratios = []
    for _ in range(repeats):
        bare = {
            f"{name} {shape}": seconds(lambda p=product, s=shape: p(queries, gallery, s))
            for name, product, shape in timed
        }
        ours = seconds(lambda: [retrieval_summary(c) for c in pair_retrieval(queries, gallery)])
        ratios.append(ours / min(bare.values()))
        figures = ", ".join(f"{label} {took:.2f} s" for label, took in bare.items())
        print(f"  bare product: {figures}; ours, both ways: {ours:.2f} s; ratio {ratios[-1]:.3f}")
    return float(np.median(ratios))


def resident_mb(field: str) -> float:
    """Read a memory figure of this process (Linux) in MB."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(x.split()[1]) / 1024 for x in lines if x.startswith(field))


def print_extra_memory(n: int, dim: int) -> None:
    """Print the peak above what the inputs and libraries take; meant for a fresh process."""
    pair_retrieval(*vectors(2048, dim))  # loads what is loaded once
    queries, gallery = vectors(n, dim)
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # forget the peak so far
    before = resident_mb("VmRSS")
    pair_retrieval(queries, gallery)
    print(f"{resident_mb('VmHWM') - before:.0f}")


def clip_benchmark_recall(queries: np.ndarray, gallery: np.ndarray) -> object:
    """Score R@1/5/10 both ways as its zero-shot retrieval does."""
    import torch
    from clip_benchmark.metrics.zeroshot_retrieval import batchify, recall_at_k

    a, b = (torch.nn.functional.normalize(torch.from_numpy(x)) for x in (queries, gallery))
    scores = a @ b.T
    positive = torch.eye(len(a), dtype=torch.bool)
    return [
        batchify(recall_at_k, s, p, 64, "cpu", k=k)
        for s, p in ((scores, positive), (scores.T, positive.T))
        for k in (1, 5, 10)
    ]


def mteb_top_ten(queries: np.ndarray, gallery: np.ndarray) -> object:
    """Take its similarity and the top 10, one way, without the heaps and metrics that follow."""
    import torch
    from mteb.similarity_functions import cos_sim

    return torch.topk(torch.as_tensor(cos_sim(queries, gallery)), 11, dim=1)


def faiss_top_ten(queries: np.ndarray, gallery: np.ndarray) -> object:
    """Search the exact inner-product index for the top 10, one way."""
    import faiss

    a, b = queries.copy(), gallery.copy()
    faiss.normalize_L2(a)
    faiss.normalize_L2(b)
    index = faiss.IndexFlatIP(b.shape[1])
    index.add(b)
    return index.search(a, 10)


def torchmetrics_recall(queries: np.ndarray, gallery: np.ndarray) -> object:
    """Score its retrieval recall at 10, one way."""
    import torch
    from torchmetrics.retrieval import RetrievalRecall

    a, b = (torch.nn.functional.normalize(torch.from_numpy(x)) for x in (queries, gallery))
    n = len(a)
    metric = RetrievalRecall(top_k=10)
    metric.update(
        (a @ b.T).flatten(), torch.eye(n).flatten().bool(), torch.arange(n).repeat_interleave(n)
    )
    return metric.compute()


OTHERS: dict[str, Callable[..., object]] = {
    "faiss IndexFlatIP top-10, one way": faiss_top_ten,
    "mteb cos_sim + top-10, one way": mteb_top_ten,
    "CLIP_benchmark R@1/5/10, both ways": clip_benchmark_recall,
    "torchmetrics recall@10, one way": torchmetrics_recall,
}


def print_others(n: int, dim: int) -> None:
    """Print the time of each other library that is installed, as a multiple of ours."""
    queries, gallery = vectors(n, dim)
    ours = min(seconds(lambda: pair_retrieval(queries, gallery)) for _ in range(3))
    print(f"Others at N = {n}: ours, both ways {ours:.3f} s")
    for name, call in OTHERS.items():
        try:
            call(queries[:64], gallery[:64])
        except ImportError as error:
            print(f"  {name}: skipped ({error})")
            continue
        took = seconds(lambda c=call: c(queries, gallery))
        print(f"  {name}: {took:.2f} s, {took / ours:.1f} times ours")


def extra_memory(n: int, dim: int) -> float | None:
    """Measure the extra memory in a process of its own; None where the system does not tell."""
    if platform.system() != "Linux":
        print("extra memory: skipped (read from /proc, which is Linux's)")
        return None
    command = [sys.executable, __file__, "--memory", "--n", str(n), "--dim", str(dim)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main(arguments: dict[str, Any]) -> int:
    """Print all figures; return 1 if a bound is broken."""
    n, dim = arguments["n"], arguments["dim"]
    if arguments["memory"]:
        print_extra_memory(n, dim)
        return 0
    print(f"N = {n}, d = {dim}, {os.cpu_count()} cores, numpy {np.__version__}")
    ratio = time_ours(n, dim, arguments["repeats"])
    print(f"ratio to the bare product, median: {ratio:.3f} (bound {MOST_OVER_PRODUCT})")
    extra = extra_memory(n, dim)
    if extra is not None:
        print(f"peak above the inputs: {extra:.0f} MB (bound {MOST_EXTRA_MB})")
    if arguments["others_n"]:
        print_others(arguments["others_n"], dim)
    return int(ratio > MOST_OVER_PRODUCT or (extra or 0) > MOST_EXTRA_MB)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=50_000, help="queries, and gallery items")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3, help="pairs of (product, ours)")
    parser.add_argument("--others-n", type=int, default=5_000, help="items for the others; 0: none")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    sys.exit(main(vars(parser.parse_args())))
