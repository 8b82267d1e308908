"""Classification: prompt ensembles, top-k by cosine, accuracy over items, classes or batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import array_api_compat as compat
import numpy as np

from mmbench.metrics.ranks import Ties, checked_ties, cosine_tolerance, tie_rank
from mmbench.metrics.vectors import (
    as_array,
    as_matrix,
    finite_rows,
    of_one_space,
    row_blocks,
    to_numpy,
    unit_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

PerTemplate = Literal["l2", "none"]
AbsentClasses = Literal["skip", "nan"]
Averaging = Literal["sample", "batch_mean"]

KS: Final = (1, 3, 5)
_BLOCK_SCORES: Final = 1 << 21


def class_vectors(
    prompts: Any,
    class_index: Any = None,
    *,
    n_classes: int | None = None,
    per_template: PerTemplate = "l2",
) -> Any:
    """Average the embeddings of each class's prompts into one unit vector a class.

    Source: the prompt ensembles of ULIP (salesforce/ULIP, commit f194ddb), where each prompt's
    vector is scaled to length 1 before the mean ("l2"); "none" averages the raw vectors.

    Args:
        prompts: [C, T, D] vectors, T prompts for each of C classes; or [P, D] with `class_index`.
        class_index: [P] class of each prompt; classes may have different numbers of prompts.
        n_classes: number of classes; None takes the highest index.
        per_template: "l2" or "none". The mean is scaled to length 1 either way.

    Returns:
        [C, D] unit rows in the library and on the device of `prompts`.

    Raises:
        ValueError: a class without a prompt; NaN, infinite or zero vectors; prompts or classes that
            are all equal; shapes or options that do not fit.
    """
    if per_template not in ("l2", "none"):
        raise ValueError(f"per_template: expected 'l2' or 'none', got {per_template!r}")
    prompts = as_array(prompts)
    if class_index is None:
        if prompts.ndim != 3:
            raise ValueError(
                f"prompts: expected [classes, prompts, dimensions], got shape "
                f"{tuple(prompts.shape)}; a matrix of prompts needs `class_index`"
            )
        classes, templates, dim = prompts.shape
        prompts = prompts.reshape(classes * templates, dim)
        class_index = np.repeat(np.arange(classes), templates)
        n_classes = classes if n_classes is None else n_classes
    prompts = as_matrix(prompts, "prompts")
    index = _class_numbers(class_index, prompts.shape[0], n_classes, name="class_index")
    counts = np.bincount(index, minlength=n_classes or 0)
    if empty := np.flatnonzero(counts == 0).tolist():
        raise ValueError(
            f"{len(empty)} of {len(counts)} classes have no prompt (first: class {empty[0]})"
        )
    xp, device = compat.array_namespace(prompts), compat.device(prompts)
    means, dtype = _class_means(prompts, index, counts, unit=per_template == "l2")
    return unit_rows(xp.asarray(means.astype(dtype), device=device), name="class vectors")


def _class_means(
    prompts: Any, index: NDArray[np.int64], counts: NDArray[np.int64], *, unit: bool
) -> tuple[NDArray[np.float64], np.dtype[Any]]:
    """Mean row of each class, [C, D], and the precision of the rows.

    On the host and in double precision, block by block: a data set may have 80,000 prompts.
    """
    from scipy.sparse import csr_array

    sums = np.zeros((len(counts), prompts.shape[1]))
    dtype = sums.dtype
    for start, block in row_blocks(prompts, name="prompts", unit=unit):
        rows = to_numpy(block)
        dtype = rows.dtype
        here, place = np.unique(index[start : start + len(rows)], return_inverse=True)
        ones = np.ones(len(rows))
        by_class = csr_array((ones, (place, np.arange(len(rows)))), shape=(len(here), len(rows)))
        sums[here] += by_class @ rows.astype(np.float64)
    return sums / counts[:, None], dtype


def zero_shot(
    items: Any,
    classes: Any,
    labels: Any,
    *,
    ks: Sequence[int] = KS,
    ties: Ties = "expected",
) -> dict[str, NDArray[np.float64]]:
    """Classify items by the cosine of their vectors with the class vectors.

    Source: top-k accuracy as ULIP (salesforce/ULIP, commit f194ddb) and OpenShape
    (Colin97/OpenShape_code, commit abe5aa4), with a tie rule.

    Args:
        items: [N, D] vectors, numpy or torch (scored on its device).
        classes: [C, D] class vectors, as `class_vectors` gives them.
        labels: [N] class number of each item.
        ks: the cut-offs.
        ties: as in `logit_columns`; cosines within `ranks.cosine_tolerance` are tied.

    Returns:
        [N] columns, as `logit_columns` gives them. The N x C product is made in blocks of items.

    Raises:
        ValueError: vectors that are NaN, infinite, of length zero or all equal; labels that are no
            class numbers; shapes or options that do not fit.
    """
    items = unit_rows(items, name="items")
    classes = unit_rows(classes, name="classes")
    items, classes = of_one_space(items, classes, "items", "classes")
    # There are few classes: double precision costs little, and settles ties.
    xp = compat.array_namespace(items)
    classes = xp.astype(classes, xp.float64)
    index = _class_numbers(labels, items.shape[0], classes.shape[0], name="labels")
    step = max(1, _BLOCK_SCORES // classes.shape[0])
    blocks = [
        logit_columns(
            xp.astype(items[start : start + step, :], xp.float64) @ classes.T,
            index[start : start + step],
            ks=ks,
            ties=ties,
            tolerance=cosine_tolerance(classes),
        )
        for start in range(0, items.shape[0], step)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def logit_columns(
    logits: Any,
    labels: Any,
    *,
    ks: Sequence[int] = KS,
    ties: Ties = "expected",
    tolerance: float = 0.0,
) -> dict[str, NDArray[np.float64]]:
    """Rank each item's true class among the scores of all classes.

    rank = 1 + #{s > s_true} + share * #{other s == s_true}, with share 1/2, 0 or 1 for "expected",
    "optimistic" and "pessimistic"; top-k means rank <= k.

    Args:
        logits: [N, C] a score for each class, higher is better.
        labels: [N] class number of each item.
        ks: the cut-offs; one above C is 1 for every item.
        ties: the tie rule.
        tolerance: scores that differ by no more than this are tied. 0 compares them exactly.

    Returns:
        [N] float64 columns: "rank", "prediction" (the class with the highest score, the lowest
        number among equals) and "top<k>" (0 or 1) for every k.

    Raises:
        ValueError: NaN or infinite logits, labels that are no class numbers, unknown options.
    """
    checked_ties(ties)
    if not ks or any(k != int(k) or k < 1 for k in ks):
        raise ValueError(f"ks: expected whole numbers from 1, got {tuple(ks)!r}")
    logits = finite_rows(logits, name="logits", allow_constant=True)
    xp, device = compat.array_namespace(logits), compat.device(logits)
    index = _class_numbers(labels, logits.shape[0], logits.shape[1], name="labels")
    rows = xp.arange(logits.shape[0], device=device)
    true = logits[rows, xp.asarray(index, device=device)][:, None]
    ahead = to_numpy(xp.sum(logits > true + tolerance, axis=1, dtype=xp.int64))
    not_behind = to_numpy(xp.sum(logits >= true - tolerance, axis=1, dtype=xp.int64))
    rank = tie_rank(ahead, not_behind - ahead - 1, ties)
    prediction = to_numpy(xp.argmax(logits, axis=1)).astype(np.float64)
    hits = {f"top{int(k)}": (rank <= k).astype(np.float64) for k in ks}
    return {"rank": rank, "prediction": prediction, **hits}


def class_accuracy(correct: Any, labels: Any, n_classes: int) -> NDArray[np.float64]:
    """Give the share of correct items in each class.

    Args:
        correct: [N] 1 where the item is right, else 0 (or a share).
        labels: [N] class number of each item.
        n_classes: number of classes.

    Returns:
        [n_classes] float64; NaN where a class has no item.

    Raises:
        ValueError: NaN in `correct`, values outside 0..1, labels that are no class numbers.
    """
    right = _checked_correct(correct)
    index = _class_numbers(labels, len(right), n_classes, name="labels")
    counts = np.bincount(index, minlength=n_classes)
    sums = np.bincount(index, right, n_classes)
    return np.divide(sums, counts, out=np.full(n_classes, np.nan), where=counts > 0)


def mean_class_accuracy(
    correct: Any, labels: Any, n_classes: int, *, absent_classes: AbsentClasses = "skip"
) -> float:
    """Average the accuracies of the classes, each counting the same.

    Source: OpenShape's class accuracy (Colin97/OpenShape_code, commit abe5aa4) divides by zero for
    a class without items and so gives NaN ("nan"); "skip" averages over the classes present.

    Args:
        correct: [N] 1 where the item is right, else 0.
        labels: [N] class number of each item.
        n_classes: number of classes.
        absent_classes: "skip" or "nan".

    Returns:
        The mean, in 0..1; NaN only under "nan" and with a class absent.

    Raises:
        ValueError: as `class_accuracy`, and an unknown option.
    """
    if absent_classes not in ("skip", "nan"):
        raise ValueError(f"absent_classes: expected 'skip' or 'nan', got {absent_classes!r}")
    accuracies = class_accuracy(correct, labels, n_classes)
    if absent_classes == "skip":
        accuracies = accuracies[~np.isnan(accuracies)]
    return float(np.mean(accuracies))


def accuracy(
    correct: Any, *, averaging: Averaging = "sample", batch_size: int | None = None
) -> float:
    """Average 0/1 scores over items, or over batches of items.

    Source: "batch_mean" is the rule of GMC's test epoch (miguelsvasco/gmc, commit bc4eada; batches
    of 64): the mean of the batches' accuracies, a short last batch weighing as much as a full one.

    Args:
        correct: [N] 1 where the item is right, else 0, in the order of evaluation.
        averaging: "sample" or "batch_mean".
        batch_size: items in a batch; only for "batch_mean", which needs it.

    Returns:
        The accuracy, in 0..1.

    Raises:
        ValueError: no items, NaN, values outside 0..1, options that do not fit.
    """
    right = _checked_correct(correct)
    if averaging == "sample":
        if batch_size is not None:
            raise ValueError("batch_size has no meaning with averaging='sample'")
        return float(np.mean(right))
    if averaging != "batch_mean":
        raise ValueError(f"averaging: expected 'sample' or 'batch_mean', got {averaging!r}")
    if batch_size is None or batch_size < 1:
        raise ValueError(f"batch_size: averaging='batch_mean' needs one from 1, got {batch_size!r}")
    starts = np.arange(0, len(right), batch_size)
    sizes = np.diff(np.append(starts, len(right)))
    return float(np.mean(np.add.reduceat(right, starts) / sizes))


def classification_summary(
    columns: Mapping[str, NDArray[np.float64]],
    labels: Any,
    n_classes: int,
    *,
    absent_classes: AbsentClasses = "skip",
) -> dict[str, float]:
    """Aggregate per-item columns: "top<k>" over items, and "mean_class_accuracy" of the top-1.

    Args:
        columns: what `zero_shot` or `logit_columns` returned with 1 among the cut-offs.
        labels: [N] class number of each item.
        n_classes: number of classes.
        absent_classes: as in `mean_class_accuracy`.

    Returns:
        Shares in 0..1; "present_classes" and "items" are the numbers behind them.

    Raises:
        ValueError: as `mean_class_accuracy`, and columns without "top1".
    """
    if "top1" not in columns:
        raise ValueError("columns: mean class accuracy needs 'top1'; put 1 among the cut-offs")
    summary = {name: accuracy(values) for name, values in columns.items() if name[:3] == "top"}
    top1 = columns["top1"]
    summary["mean_class_accuracy"] = mean_class_accuracy(
        top1, labels, n_classes, absent_classes=absent_classes
    )
    summary["present_classes"] = float(len(np.unique(to_numpy(labels))))
    summary["items"] = float(len(top1))
    return summary


def _checked_correct(correct: Any) -> NDArray[np.float64]:
    right = np.asarray(to_numpy(correct), dtype=np.float64)
    if right.ndim != 1 or not len(right):
        raise ValueError(f"correct: expected one value for each item, got shape {right.shape}")
    if bad := np.flatnonzero(~((right >= 0) & (right <= 1))).tolist():
        raise ValueError(
            f"correct: {len(bad)} of {len(right)} values are NaN or outside 0..1 "
            f"(first: item {bad[0]}, {right[bad[0]]})"
        )
    return right


def _class_numbers(
    values: Any, count: int, n_classes: int | None, *, name: str
) -> NDArray[np.int64]:
    index = to_numpy(values)
    if index.shape != (count,) or not np.issubdtype(index.dtype, np.integer):
        raise ValueError(
            f"{name}: expected {count} class numbers, got {index.dtype} of shape {index.shape}"
        )
    outside = (index < 0) | (index >= (np.inf if n_classes is None else n_classes))
    if bad := np.flatnonzero(outside).tolist():
        limit = "" if n_classes is None else f" of {n_classes} classes"
        raise ValueError(f"{name}: item {bad[0]} has class {index[bad[0]]}{limit}")
    return np.asarray(index, dtype=np.int64)
