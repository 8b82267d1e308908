"""Time our bootstrap beside scipy's and a plain loop, and print the ratios of one run.

Run with: python benchmarks/perf/bootstrap.py
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from mmbench.metrics.bootstrap import bootstrap_interval, paired_bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

RESAMPLES = 10_000


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Give the shortest wall time of ``repeats`` calls, after one to warm up where it is cheap."""
    if repeats > 1:
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def plain_loop(values: np.ndarray, resamples: int) -> np.ndarray:
    """Index, average, take percentiles."""
    rng = np.random.default_rng(0)
    n = len(values)
    means = [values[rng.integers(0, n, size=n)].mean() for _ in range(resamples)]
    return np.quantile(means, [0.025, 0.975])


def scipys(values: np.ndarray, resamples: int, batch: int | None) -> object:
    """Give scipy's vectorised percentile bootstrap of the mean."""
    return stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        method="percentile",
        batch=batch,
        random_state=np.random.default_rng(0),  # called rng from SciPy 1.15 on
    )


def main() -> None:
    """Print wall seconds, and how many times ours each of the others takes."""
    rng = np.random.default_rng(0)
    hits = (rng.random(5_000) < 0.3).astype(np.float64)
    values = rng.gamma(2.0, size=100_000)
    part = RESAMPLES // 20  # of the slow ones on many items; scaled up, and marked so
    cases = [
        (
            "0/1 metric, n=5,000",
            0.05,
            lambda: bootstrap_interval("mean", [hits], resamples=RESAMPLES),
            ("scipy.stats.bootstrap", lambda: scipys(hits, RESAMPLES, 1_000), 1),
            ("plain loop", lambda: plain_loop(hits, RESAMPLES), 1),
        ),
        (
            "mean, n=100,000",
            1.0,
            lambda: bootstrap_interval("mean", [values], resamples=RESAMPLES),
            ("scipy.stats.bootstrap", lambda: scipys(values, part, 50), 20),
            ("plain loop", lambda: plain_loop(values, part), 20),
        ),
    ]
    for label, target, ours, *others in cases:
        own = seconds(ours, 5)
        verdict = "within" if own <= target else "OVER"
        print(f"{label}, {RESAMPLES:,} resamples")
        print(f"  {'mmbench':24}{own:9.4f} s   {verdict} {target:g} s")
        for name, call, scale in others:
            theirs = seconds(call, 1) * scale
            note = f" (from 1/{scale} of it)" if scale > 1 else ""
            print(f"  {name:24}{theirs:9.4f} s   {theirs / own:8.1f} x ours{note}")
    compared = seconds(lambda: paired_bootstrap("mean", [hits], [hits[::-1]]), 5)
    print(f"paired comparison of two 0/1 metrics, n=5,000\n  {'mmbench':24}{compared:9.4f} s")


if __name__ == "__main__":
    main()
