"""Retrieval: rank, hit@k, recall@k and average precision of every query, and their means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import array_api_compat as compat
import numpy as np
from numpy.typing import NDArray

from mmbench.metrics.ranks import (
    Ties,
    checked_ties,
    cosine_tolerance,
    count_pairs,
    over_row_blocks,
    tie_rank,
)
from mmbench.metrics.vectors import as_matrix, finite_rows, of_one_space, to_numpy, unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmbench.metrics.ranks import Block

Similarity = Literal["cosine", "dot"]
Columns = dict[str, NDArray[np.float64]]

KS: Final = (1, 5, 10)
# Sorting a block's scores takes a few times their own size, so a block is small: 4 MB of float32.
_SORTED_SCORES: Final = 1 << 20


def pair_retrieval(
    queries: Any,
    gallery: Any,
    *,
    positives: Any = None,
    similarity: Similarity = "cosine",
    ties: Ties = "expected",
    ks: Sequence[int] = KS,
    block: Block | None = None,
    threads: int | None = None,
) -> tuple[Columns, Columns]:
    """Score instance retrieval both ways: each query has one positive, and it is the query's only.

    rank = 1 + #{s > s+} + share * #{other s == s+}, with share 1/2, 0 or 1 for the tie rules
    "expected", "optimistic" and "pessimistic". Under "expected" a rank may lie between two whole
    numbers; it counts as a hit@k where rank <= k, so two items tied at the top are no hit@1.
    Cosines within `cosine_tolerance` are tied, dot products are compared exactly.

    Beside the inputs it holds one scaled copy of each (cosine) and a few blocks of scores. Ranks
    can differ from those of exact arithmetic only where scores lie within rounding: 1e-6 for
    cosines of float32; nowhere for dot products of integers that float32 can add exactly.

    Source: recall@k as in CLIP_benchmark's `recall_at_k` (LAION-AI/CLIP_benchmark, commit 48de38c),
    with this tie rule in place of the arbitrary order of `torch.topk`; average precision is
    1 / rank with one positive, and its mean is the mean reciprocal rank.

    Args:
        queries: [Q, D] vectors, numpy or torch (scored on its device).
        gallery: [G, D] vectors; may hold items that no query belongs to.
        positives: [Q] gallery row of each query's positive, no row twice; None pairs row i with
            row i and needs Q = G.
        similarity: "cosine" scales rows to length 1, "dot" takes them as they are.
        ties: the tie rule.
        ks: the cut-offs of hit@k.
        block: rows and columns of the blocks of the product; None chooses.
        threads: threads on the CPU; None takes every core that the process may use.

    Returns:
        Columns of float64 for queries -> gallery [Q] and for gallery -> queries [G]: "rank",
        "reciprocal_rank", "average_precision" and "hit@k" (0 or 1) for every k. Gallery items
        without a query are NaN in all columns of the second.

    Raises:
        ValueError: vectors that are NaN, infinite, of length zero or all equal; shapes that do not
            fit; positives out of range or used twice; unknown options.
    """
    checked_ties(ties)
    ks = _checked_ks(ks)
    queries, gallery = as_matrix(queries, "queries"), as_matrix(gallery, "gallery")
    index = _checked_positives(positives, queries.shape[0], gallery.shape[0])
    order = np.argsort(index) if np.any(index[1:] < index[:-1]) else None
    queries, gallery = _scoring_rows(queries, gallery, similarity, order=order)
    sorted_index = index if order is None else index[order]
    tolerance = cosine_tolerance(queries) if similarity == "cosine" else 0.0
    counts = count_pairs(
        queries, gallery, sorted_index, tolerance=tolerance, block=block, threads=threads
    )
    forward = tie_rank(counts.ahead, counts.tied, ties)
    if order is not None:
        forward = forward[np.argsort(order)]
    backward = np.full(len(counts.gallery_ahead), np.nan)
    backward[index] = tie_rank(counts.gallery_ahead[index], counts.gallery_tied[index], ties)
    return _pair_columns(forward, ks), _pair_columns(backward, ks)


def label_retrieval(
    queries: Any,
    gallery: Any,
    query_labels: Any,
    gallery_labels: Any,
    *,
    own_items: Any = None,
    similarity: Similarity = "cosine",
    ties: Ties = "expected",
    ks: Sequence[int] = KS,
    threads: int | None = None,
) -> Columns:
    """Score retrieval where every gallery item with the query's label is a positive.

    Labels are classes (relevance by class) or ids that repeat (several joint positives). With i
    counting a query's positives from the top and r_i the rank of the i-th,

        average precision = mean of i / r_i,   recall@k = share of positives with r_i <= k,
        rank = r_1,   hit@k = 1 where r_1 <= k.

    Ties: within n items of equal score, r of them positive and N items above, the i-th of the r has
    rank N + i ("optimistic": positives first), N + n - r + i ("pessimistic": last) or
    N + i (n + 1) / (r + 1) ("expected": its mean rank over all orders). So with one positive this
    is exactly `pair_retrieval`, and optimistic >= expected >= pessimistic always. Average precision
    at expected ranks is not the expectation of average precision, which is a little larger
    (McSherry and Najork, ECIR 2008); it is chosen because it agrees with rank and reciprocal rank.

    Scores are computed in double precision; cosines within its `cosine_tolerance` are tied.

    Source: CLIP_benchmark's `recall_at_k` (LAION-AI/CLIP_benchmark, commit 48de38c): `recall@k` is
    its value and `hit@k` whether that is above 0. Average precision without ties is scikit-learn's
    `average_precision_score`.

    Args:
        queries: [Q, D] vectors, numpy or torch (scored on its device).
        gallery: [G, D] vectors.
        query_labels: [Q] labels, integers or strings.
        gallery_labels: [G] labels of the same kind.
        own_items: [Q] gallery row that is the query's own pair, which is then neither a candidate
            nor a positive; -1 for none. None lets own pairs count.
        similarity: "cosine" scales rows to length 1, "dot" takes them as they are.
        ties: the tie rule.
        ks: the cut-offs.
        threads: threads on the CPU; None takes every core that the process may use.

    Returns:
        [Q] float64 columns "rank", "reciprocal_rank", "average_precision", "positives" (their
        number), and "hit@k" and "recall@k" for every k. A query without a positive has 0 positives
        and NaN elsewhere.

    Raises:
        ValueError: vectors that are NaN, infinite, of length zero or all equal; shapes that do not
            fit; unknown options; no query with a positive.
    """
    checked_ties(ties)
    ks = _checked_ks(ks)
    queries, gallery = as_matrix(queries, "queries"), as_matrix(gallery, "gallery")
    codes, gallery_codes = _label_codes(query_labels, gallery_labels, len(queries), len(gallery))
    own = _checked_own(own_items, len(queries), len(gallery))
    xp, device = compat.array_namespace(queries), compat.device(queries)
    # Sorting costs more than the product, so double precision is nearly free, and settles ties.
    queries, gallery = _scoring_rows(queries, gallery, similarity, double=True)
    there = xp.asarray(gallery_codes, device=device)
    tolerance = cosine_tolerance(queries) if similarity == "cosine" else 0.0
    step = max(1, _SORTED_SCORES // len(gallery_codes))
    columns = {name: np.full(len(codes), np.nan) for name in _label_names(ks)}

    def score(shared: Iterator[int]) -> None:
        for start in shared:
            rows = slice(start, start + step)
            scores = queries[rows, :] @ gallery.T
            relevant = there[None, :] == xp.asarray(codes[rows], device=device)[:, None]
            if own is not None:
                i = np.flatnonzero(own[rows] >= 0)
                cells = (xp.asarray(i, device=device), xp.asarray(own[rows][i], device=device))
                scores[cells] = -xp.inf
                relevant[cells] = False
            for name, values in _label_columns(scores, relevant, ties, ks, tolerance).items():
                columns[name][rows] = values

    starts = range(0, len(codes), step)
    over_row_blocks(score, starts, queries.shape[0] * gallery.shape[0] * gallery.shape[1], threads)
    if not np.any(columns["positives"]):
        raise ValueError(
            "no query has a positive in the gallery: query and gallery labels share no value"
            + ("" if own is None else " once own pairs are left out")
        )
    return columns


def retrieval_summary(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Aggregate per-query columns of one direction over the queries that have a positive.

    Args:
        columns: what `pair_retrieval` or `label_retrieval` returned, or a selection of its rows.

    Returns:
        "R@k" (mean hit@k) for every k, "recall@k" where it is a column of its own, "MRR", "mAP",
        "median_rank" and "mean_rank" (1-based; an even number of queries can give a half), and
        "queries", the number of queries behind them. Shares lie in 0..1.

    Raises:
        ValueError: no query has a positive.
    """
    scored = ~np.isnan(columns["rank"])
    if not scored.any():
        raise ValueError("no query has a positive: there is nothing to aggregate")
    means = {
        "MRR": "reciprocal_rank",
        "mAP": "average_precision",
        "mean_rank": "rank",
        **{name: name for name in columns if name.startswith("recall@")},
    }
    summary = {
        f"R@{name.removeprefix('hit@')}": float(np.mean(values[scored]))
        for name, values in columns.items()
        if name.startswith("hit@")
    }
    summary |= {name: float(np.mean(columns[column][scored])) for name, column in means.items()}
    summary["median_rank"] = float(np.median(columns["rank"][scored]))
    summary["queries"] = float(np.count_nonzero(scored))
    return summary


def _pair_columns(rank: NDArray[np.float64], ks: Sequence[int]) -> Columns:
    reciprocal = 1.0 / rank
    hits = {f"hit@{k}": np.where(np.isnan(rank), np.nan, rank <= k) for k in ks}
    # With one positive, precision at its rank is all that average precision averages.
    return {"rank": rank, "reciprocal_rank": reciprocal, "average_precision": reciprocal, **hits}


def _label_names(ks: Sequence[int]) -> list[str]:
    names = ["rank", "reciprocal_rank", "average_precision", "positives"]
    return [*names, *(f"hit@{k}" for k in ks), *(f"recall@{k}" for k in ks)]


def _label_columns(
    scores: Any, relevant: Any, ties: Ties, ks: Sequence[int], tolerance: float
) -> Columns:
    row, number, rank = _ranks_of_positives(scores, relevant, ties, tolerance)
    queries = scores.shape[0]
    positives = np.bincount(row, minlength=queries).astype(np.float64)
    count = np.where(positives > 0, positives, np.nan)
    best = np.full(queries, np.nan)
    best[row[number == 1]] = rank[number == 1]
    columns = _pair_columns(best, ks) | {"positives": positives}
    columns["average_precision"] = np.bincount(row, number / rank, queries) / count
    for k in ks:
        columns[f"recall@{k}"] = np.bincount(row[rank <= k], minlength=queries) / count
    return columns


def _ranks_of_positives(
    scores: Any, relevant: Any, ties: Ties, tolerance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rank every positive of a block of queries among the gallery.

    Args:
        scores: [R, G].
        relevant: [R, G] booleans.
        ties: the tie rule.
        tolerance: neighbours in the ranking that differ by no more are tied.

    Returns:
        For every positive, by query and from the top: its query's row in the block, its number
        among the query's positives (from 1), and its rank.
    """
    xp = compat.array_namespace(scores)
    size = scores.shape[1]
    order = xp.argsort(scores, axis=1, descending=True, stable=False)
    order += xp.arange(0, scores.shape[0] * size, size, device=compat.device(scores))[:, None]
    order = xp.reshape(order, (-1,))
    ranked = xp.reshape(xp.take(xp.reshape(scores, (-1,)), order), (-1, size))
    positive = xp.take(xp.reshape(relevant, (-1,)), order)
    # A tie group is a run of scores without a gap within one query's ranking.
    first = xp.ones_like(ranked, dtype=xp.bool)
    first[:, 1:] = ranked[:, :-1] - ranked[:, 1:] > tolerance
    starts = to_numpy(xp.nonzero(xp.reshape(first, (-1,)))[0])
    at = to_numpy(xp.nonzero(positive)[0])
    row = at // size
    group = np.searchsorted(starts, at, side="right") - 1
    start = starts[group]
    stop = np.append(starts, scores.shape[0] * size)[group + 1]
    # Everything else follows from where the positives (at) and the groups lie.
    number = np.arange(len(at)) - np.searchsorted(at, row * size) + 1
    before = np.searchsorted(at, start)
    in_group = np.arange(len(at)) - before + 1
    positives = np.searchsorted(at, stop) - before
    others = stop - start - positives
    # Multiplied before it is divided, a whole rank comes out whole and is not missed by rank <= k.
    behind: Any = {"optimistic": 0 * others, "pessimistic": others}.get(
        ties, in_group * others / (positives + 1)
    )
    return row, number, start - row * size + in_group + behind.astype(np.float64)


def _scoring_rows(
    queries: Any,
    gallery: Any,
    similarity: str,
    *,
    order: NDArray[np.int64] | None = None,
    double: bool = False,
) -> tuple[Any, Any]:
    """Check both sides, scale them if asked, bring them to one precision; `order` sorts queries."""
    if similarity not in ("cosine", "dot"):
        raise ValueError(f"similarity: expected 'cosine' or 'dot', got {similarity!r}")
    prepare = unit_rows if similarity == "cosine" else finite_rows
    queries = prepare(queries, name="queries", order=order, double=double)
    gallery = prepare(gallery, name="gallery", double=double)
    queries, gallery = of_one_space(queries, gallery, "queries", "gallery")
    if similarity == "dot":
        xp = compat.array_namespace(queries)
        largest = float(xp.max(xp.abs(queries))) * float(xp.max(xp.abs(gallery)))
        if largest * queries.shape[1] >= float(xp.finfo(queries.dtype).max):
            raise ValueError("dot products of these vectors overflow; scale them or take 'cosine'")
    return queries, gallery


def _checked_ks(ks: Sequence[int]) -> tuple[int, ...]:
    if not ks or any(k != int(k) or k < 1 for k in ks):
        raise ValueError(f"ks: expected whole numbers from 1, got {tuple(ks)!r}")
    return tuple(int(k) for k in ks)


def _checked_positives(positives: Any, queries: int, gallery: int) -> NDArray[np.int64]:
    if positives is None:
        if queries != gallery:
            raise ValueError(
                f"{queries} queries and {gallery} gallery items: without `positives` row i belongs "
                "to row i, which needs as many of each"
            )
        return np.arange(queries)
    index = _row_numbers(positives, "positives", queries, gallery, lowest=0)
    used = np.bincount(index, minlength=gallery)
    if repeated := np.flatnonzero(used > 1).tolist():
        raise ValueError(
            f"positives: {len(repeated)} gallery rows (first: row {repeated[0]}) belong to several "
            "queries; score repeated ids with label_retrieval"
        )
    return index


def _checked_own(own: Any, queries: int, gallery: int) -> NDArray[np.int64] | None:
    return None if own is None else _row_numbers(own, "own_items", queries, gallery, lowest=-1)


def _row_numbers(
    values: Any, name: str, count: int, limit: int, *, lowest: int
) -> NDArray[np.int64]:
    index = to_numpy(values)
    if index.shape != (count,) or not np.issubdtype(index.dtype, np.integer):
        raise ValueError(
            f"{name}: expected {count} row numbers, got {index.dtype} of shape {index.shape}"
        )
    if outside := np.flatnonzero((index < lowest) | (index >= limit)).tolist():
        raise ValueError(
            f"{name}: query {outside[0]} points to gallery row {index[outside[0]]}, of {limit}"
        )
    return np.asarray(index, dtype=np.int64)


def _label_codes(
    query_labels: Any, gallery_labels: Any, queries: int, gallery: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the distinct labels of both sides."""
    sides = {"query_labels": (to_numpy(query_labels), queries)}
    sides["gallery_labels"] = (to_numpy(gallery_labels), gallery)
    for name, (labels, count) in sides.items():
        if labels.shape != (count,):
            raise ValueError(f"{name}: expected {count} labels, got shape {labels.shape}")
    every = np.concatenate([labels for labels, _ in sides.values()])
    codes = np.unique(every, return_inverse=True)[1].reshape(-1)
    return codes[:queries], codes[queries:]
