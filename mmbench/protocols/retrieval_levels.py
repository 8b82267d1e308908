"""What a random ranking scores in retrieval, in closed form, and the best that labels allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["random_ranking"]

_ROUNDING = 1e-9


def random_ranking(
    codes: NDArray[np.int64], ks: Sequence[int], *, own_pair: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """Expected scores of a random ranking, and the best attainable ones.

    With P positives among N candidates, in random order without ties,

        hit@k = 1 - C(N-P, k) / C(N, k),    recall@k = k / N,
        E[1 / rank of the best] = sum over r of P(best is at r) / r,
        E[average precision] = (1/N) sum over i of (1 + (i-1) (P-1) / (N-1)) / i,

    each averaged over the queries that have a positive. The median rank is the median of the best
    positive's rank over all queries, which for one positive is (N + 1) / 2.

    Args:
        codes: [n] items with the same code are each other's positives.
        ks: The cut-offs.
        own_pair: Whether an item's own pair is a candidate, and a positive.

    Returns:
        ``chance`` and ``ceiling``: "R@k" and "recall@k" for every k, "MRR", "mAP" and
        "median rank". All NaN where no query has a positive.
    """
    import numpy as np

    names = [*(f"R@{k}" for k in ks), *(f"recall@{k}" for k in ks), "MRR", "mAP", "median rank"]
    _, code, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    candidates = len(code) - (not own_pair)
    positives = sizes[code] - (not own_pair)
    counts, queries = np.unique(positives[positives > 0], return_counts=True)
    if not len(counts):
        return dict.fromkeys(names, float("nan")), dict.fromkeys(names, float("nan"))
    ranks = np.arange(1, candidates + 1, dtype=np.float64)
    chance, ceiling = dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0)
    ceiling |= {f"recall@{k}": 0.0 for k in ks}
    survival = np.zeros(candidates)
    for p, share in zip(counts.tolist(), (queries / queries.sum()).tolist(), strict=True):
        # P(best > r): none of the first r candidates, drawn without replacement, is a positive.
        beyond = np.cumprod(np.maximum(candidates - p - ranks + 1, 0) / (candidates - ranks + 1))
        survival += share * beyond
        best_at = -np.diff(beyond, prepend=1.0)
        chance["MRR"] += share * float((best_at / ranks).sum())
        above = (ranks - 1) * (p - 1) / max(candidates - 1, 1)
        chance["mAP"] += share * float(((1 + above) / ranks).mean())
        for k in ks:
            chance[f"R@{k}"] += share * (1.0 - float(beyond[min(k, candidates) - 1]))
            chance[f"recall@{k}"] += share * min(k / candidates, 1.0)
            ceiling[f"recall@{k}"] += share * min(k / p, 1.0)
    half = int(np.argmax(survival <= 0.5 + _ROUNDING))
    exact = abs(float(survival[half]) - 0.5) <= _ROUNDING
    chance["median rank"] = float(ranks[half]) + 0.5 * exact
    return chance, ceiling
