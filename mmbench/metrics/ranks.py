"""Ranks of matched pairs, both ways in one blocked product, without the matrix of all scores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import array_api_compat as compat
import numpy as np

from mmbench.metrics.vectors import to_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

Ties = Literal["expected", "optimistic", "pessimistic"]
Block = tuple[int, int]

# Scores of one block stay in a core's cache between the product and the counting.
_HOST_BLOCK: Final[Block] = (512, 1024)
_DEVICE_BLOCK: Final[Block] = (4096, 8192)
# Comparisons are counted eight to a 64-bit word, a byte each, so no byte may be added to more than
# 255 times: 255 words across, 255 rows down.
_MOST_COLUMNS: Final = 8 * 255
_ROWS_PER_TALLY: Final = 128
_COMPARISONS: Final[tuple[np.ufunc, ...]] = (np.greater, np.greater_equal)
# Below this many multiplications, starting threads costs more than it saves.
_WORTH_THREADS: Final = 1 << 28


@dataclass(frozen=True)
class PairCounts:
    """What the ranks of matched pairs are made of; Q queries, G gallery items."""

    score: NDArray[np.floating[Any]]
    """[Q] score of each query with its positive."""
    ahead: NDArray[np.int64]
    """[Q] gallery items that score higher than the query's positive, by more than the tolerance."""
    tied: NDArray[np.int64]
    """[Q] other gallery items that score the same, to within the tolerance."""
    gallery_ahead: NDArray[np.int64]
    """[G] queries that score higher with the item than its own query does; 0 without one."""
    gallery_tied: NDArray[np.int64]
    """[G] other queries that score the same with the item; 0 without an own query."""


def cosine_tolerance(vectors: Any) -> float:
    """Give the difference below which two cosines of such unit vectors count as tied.

    A matrix product rounds one and the same dot product differently at different places of a block
    (an OpenBLAS kernel sums the columns at a tile's edge in another order), so the cosines of two
    identical gallery items often differ in their last bits. Five machine epsilons (6e-7 for
    float32) cover that, and so make ties independent of the order of the items and of the BLAS.
    """
    return 5.0 * float(compat.array_namespace(vectors).finfo(vectors.dtype).eps)


def tie_rank(ahead: Any, tied: Any, ties: Ties) -> NDArray[np.float64]:
    """Give the 1-based rank of a positive that `ahead` items beat and `tied` others equal.

    rank = 1 + ahead + share * tied, where share is 1/2 for "expected" (the mean over all orders of
    the tied items), 0 for "optimistic" (the positive comes first) and 1 for "pessimistic" (last).

    Args:
        ahead: [N] counts of other items with a strictly higher score.
        tied: [N] counts of other items with an equal score.
        ties: the tie rule.

    Returns:
        [N] float64 ranks; halves are possible under "expected".

    Raises:
        ValueError: an unknown tie rule.
    """
    share = {"expected": 0.5, "optimistic": 0.0, "pessimistic": 1.0}[checked_ties(ties)]
    return np.asarray(1.0 + np.asarray(ahead) + share * np.asarray(tied), dtype=np.float64)


def checked_ties(ties: str) -> Ties:
    """Give `ties` back if it names a tie rule, else raise ValueError."""
    if ties not in get_args(Ties):
        raise ValueError(f"ties: expected one of {', '.join(get_args(Ties))}, got {ties!r}")
    return ties  # type: ignore[return-value]


def count_pairs(
    queries: Any,
    gallery: Any,
    positives: NDArray[np.int64],
    *,
    tolerance: float = 0.0,
    block: Block | None = None,
    threads: int | None = None,
) -> PairCounts:
    """Count, both ways, what scores higher than each matched pair and what scores the same.

    A score is the dot product of a query row and a gallery row. The product is made in blocks and
    each block is counted along its rows (query to gallery) and along its columns (gallery to query)
    before the next one overwrites it. A pair's own score is read from the same block of the same
    product that it is compared in.

    Args:
        queries: [Q, D] float32 or float64, finite.
        gallery: [G, D] the same library, device and dtype.
        positives: [Q] the gallery row that belongs to each query, ascending, so that the pairs lie
            in few blocks and reading their scores first costs a few blocks' work.
        tolerance: scores that differ by no more than this are tied. 0 compares them exactly.
        block: rows and columns of a block; None fits the block to the cache (or accelerator).
        threads: threads on the CPU, each with one-threaded products; None takes every core this
            process may use where the work is worth it.

    Returns:
        Counts over all items but the positive itself.

    Raises:
        ValueError: positives that do not ascend.
    """
    if np.any(positives[1:] <= positives[:-1]):
        raise ValueError("positives: expected ascending gallery rows; sort the queries by them")
    if compat.is_numpy_array(queries):
        return _count_on_host(queries, gallery, positives, tolerance, block or _HOST_BLOCK, threads)
    return _count_on_device(queries, gallery, positives, tolerance, block or _DEVICE_BLOCK)


def over_row_blocks(
    work: Callable[[Iterator[int]], None], starts: range, multiplications: int, threads: int | None
) -> None:
    """Run `work` on row blocks, on as many threads as pay, each drawing the next block's start.

    Products inside are held to one thread each while several run: at the sizes of a block the
    threads of a BLAS library cost more than they bring.
    """
    if threads is None:
        threads = (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        )
    threads = min(threads or 1, len(starts))
    # Drawing from one range iterator is atomic, and the counts do not depend on who draws what.
    shared = iter(starts)
    if threads <= 1 or multiplications < _WORTH_THREADS:
        work(shared)
        return
    with _one_blas_thread(), ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, shared) for _ in range(threads)]:
            done.result()


def _one_blas_thread() -> AbstractContextManager[Any]:
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # pragma: no cover - a declared dependency; slower without it, not wrong
        return nullcontext()
    return threadpool_limits(limits=1, user_api="blas")  # type: ignore[no-any-return]


def _count_on_host(
    queries: Any,
    gallery: Any,
    positives: NDArray[np.int64],
    tolerance: float,
    block: Block,
    threads: int | None,
) -> PairCounts:
    rows, columns = max(1, block[0]), min(max(1, block[1]), _MOST_COLUMNS)
    n_queries, n_gallery = len(queries), len(gallery)
    starts = range(0, n_queries, rows)
    edges = np.arange(0, n_gallery, columns)
    score = np.empty(n_queries, dtype=queries.dtype)
    # Without an own query nothing is above an item: +inf is above every score.
    gallery_score = np.full(n_gallery, np.inf, dtype=queries.dtype)
    counts = np.zeros((2, n_queries), dtype=np.int64)
    gallery_counts: list[NDArray[np.int64]] = []

    def product(row: int, column: int, out: Any) -> Any:
        a, b = queries[row : row + rows], gallery[column : column + columns]
        return np.matmul(a, b.T, out=out[: len(a), : len(b)])

    def read_positives(shared: Iterator[int]) -> None:
        out = np.empty((rows, columns), dtype=queries.dtype)
        for row in shared:
            for column, where in _cells(positives[row : row + rows], edges, columns):
                score[row + where[0]] = product(row, column, out)[where]

    def count(shared: Iterator[int]) -> None:
        out = np.empty((rows, columns), dtype=queries.dtype)
        mask = np.empty(_ROWS_PER_TALLY * (columns + 7), dtype=np.bool_)
        own = np.zeros((2, n_gallery), dtype=np.int64)
        for row in shared:
            cells = dict(_cells(positives[row : row + rows], edges, columns))
            for column in edges.tolist():
                scores = product(row, column, out)
                if column in cells:
                    # The positive is neither above itself nor tied with itself.
                    scores[cells[column]] = -np.inf
                _tally(
                    scores,
                    mask,
                    bounds[:, row : row + rows],
                    gallery_bounds[:, column : column + columns],
                    counts[:, row : row + rows],
                    own[:, column : column + columns],
                )
        gallery_counts.append(own)

    work = n_queries * queries.shape[1]
    over_row_blocks(read_positives, starts, work * columns, threads)
    gallery_score[positives] = score
    bounds = np.stack([score + tolerance, score - tolerance]).astype(score.dtype)
    gallery_bounds = np.stack([gallery_score + tolerance, gallery_score - tolerance])
    gallery_bounds = gallery_bounds.astype(score.dtype)
    over_row_blocks(count, starts, work * n_gallery, threads)
    ahead, not_behind = np.sum(gallery_counts, axis=0)
    return PairCounts(score, counts[0], counts[1] - counts[0], ahead, not_behind - ahead)


def _cells(
    positives: NDArray[np.int64], edges: NDArray[np.int64], columns: int
) -> Iterator[tuple[int, tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    """Yield, for each column block that holds positives of these rows, its start and the cells."""
    of_block = positives // columns
    for number in np.unique(of_block).tolist():
        rows = np.flatnonzero(of_block == number)
        start = int(edges[number])
        yield start, (rows, positives[rows] - start)


def _tally(
    scores: Any, buffer: Any, of_rows: Any, of_columns: Any, rows: Any, columns: Any
) -> None:
    """Add to `rows` and `columns` the scores above their upper and not below their lower bounds.

    All four are [2, ...]: upper and lower bounds, and the counts of the one and of the other.

    A comparison gives bytes of 0 and 1. Summed as 64-bit words they count in eight lanes at once,
    which is several times faster than summing booleans.
    """
    width = scores.shape[1]
    padded = -(-width // 8) * 8
    for start in range(0, len(scores), _ROWS_PER_TALLY):
        part = scores[start : start + _ROWS_PER_TALLY]
        stop = start + len(part)
        cells = buffer[: len(part) * padded].reshape(len(part), padded)
        cells[:, width:] = False
        words, mask = cells.view(np.uint64), cells[:, :width]
        for which, compare in enumerate(_COMPARISONS):
            compare(part, of_rows[which, start:stop, np.newaxis], out=mask)
            lanes = np.add.reduce(words, axis=1).view(np.uint8).reshape(-1, 8)
            rows[which, start:stop] += np.add.reduce(lanes, axis=1, dtype=np.int64)
            compare(part, of_columns[which], out=mask)
            lanes = np.add.reduce(words, axis=0).view(np.uint8)
            columns[which] += lanes[:width]


def _count_on_device(
    queries: Any, gallery: Any, positives: NDArray[np.int64], tolerance: float, block: Block
) -> PairCounts:
    """Do as `_count_on_host` does, in whole-block operations of the arrays' own library."""
    xp = compat.array_namespace(queries, gallery)
    device = compat.device(queries)
    rows, columns = block
    n_queries, n_gallery = queries.shape[0], gallery.shape[0]
    edges = np.arange(0, n_gallery, columns)
    starts = range(0, n_queries, rows)

    def there(index: NDArray[np.int64]) -> Any:
        return xp.asarray(index, device=device)

    def product(row: int, column: int) -> Any:
        return queries[row : row + rows, :] @ gallery[column : column + columns, :].T

    score = xp.zeros(n_queries, dtype=queries.dtype, device=device)
    for row in starts:
        for column, (i, j) in _cells(positives[row : row + rows], edges, columns):
            score[there(row + i)] = product(row, column)[there(i), there(j)]
    gallery_score = xp.full(n_gallery, xp.inf, dtype=queries.dtype, device=device)
    gallery_score[there(positives)] = score
    bounds = xp.stack([score + tolerance, score - tolerance])
    gallery_bounds = xp.stack([gallery_score + tolerance, gallery_score - tolerance])
    counts = xp.zeros((2, n_queries), dtype=xp.int64, device=device)
    gallery_counts = xp.zeros((2, n_gallery), dtype=xp.int64, device=device)
    for row in starts:
        cells = dict(_cells(positives[row : row + rows], edges, columns))
        row_bounds = bounds[:, row : row + rows, None]
        for column in edges.tolist():
            scores = product(row, column)
            if column in cells:
                i, j = cells[column]
                scores[there(i), there(j)] = -xp.inf
            column_bounds = gallery_bounds[:, None, column : column + columns]
            for which, compare in enumerate((xp.greater, xp.greater_equal)):
                along = xp.sum(compare(scores, row_bounds[which, ...]), axis=1, dtype=xp.int64)
                counts[which, row : row + rows] += along
                down = xp.sum(compare(scores, column_bounds[which, ...]), axis=0, dtype=xp.int64)
                gallery_counts[which, column : column + columns] += down
    ahead, not_behind = to_numpy(counts)
    gallery_ahead, gallery_not_behind = to_numpy(gallery_counts)
    return PairCounts(
        to_numpy(score),
        ahead,
        not_behind - ahead,
        gallery_ahead,
        gallery_not_behind - gallery_ahead,
    )
