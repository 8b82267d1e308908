"""Resample a mean of group means with the groups kept: within each group, not over all items.

The groups of such a mean (the classes of a data set, the batches of an evaluation) belong to the
protocol: another draw of the data would hold the same ones. If items were drawn from all groups
alike, a group without an item in a resample would drop out and leave the mean to the rest. With one
item a group, a resample is then a mean over distinct items, and too steady: a 95 % interval covers
85 %. Therefore:

* each group is a stratum with its fixed share of the mean. Of its n items, n - 1 are drawn with
  replacement, which makes the variance of the resampled mean the unbiased ``s ** 2 / n``; n draws
  would lose the share 1 / n of it in every group alike (5 items: coverage 91 %);
* a group of one item shows no variance of its own. All such groups make one stratum, together with
  the next smallest groups up to ten: collapsed strata, whose variance errs to the wide side by what
  their groups differ. Within it, items of a group of n weigh 1 / n, and the groups' share is the
  ratio of weighted sums.

Where every group has one item, the figure is the plain mean, and is resampled as that.

In 400 simulations each of 0/1 scores (200 x 1, 100 x 2, 40 x 5, 20 x 50 items, 5 to 200 items by
Zipf's law, and 1 beside 29 x 30) 95 % intervals covered the mean of the groups' probabilities in 93
to 96 % of the runs, and in 98 % where groups of one item differ much. Drawing items from all
groups, each weighing 1 / n with n that of the full set, is right only where groups do not differ
(else 97 to 98 %, intervals a fifth wider), and a plain stratified bootstrap covers 81 % at two
items a group.

SOURCE: Rao and Wu, Resampling Inference with Complex Survey Data (JASA 1988): n - 1 draws a
stratum; Bickel and Freedman, Asymptotic Normality and the Bootstrap in Stratified Sampling (Annals
of Statistics 1984): why the naive one fails with many small strata; Cochran, Sampling Techniques,
chapter 5A: collapsed strata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["COUNT_COST", "Stratum", "resampled_group_means", "strata_of"]

COUNT_COST = 16
"""One multinomial count takes as long as drawing this many items."""
_POOLED = 10
_BLOCK = 1_000_000  # float64 elements, 8 MB an array


@dataclass(frozen=True)
class Stratum:
    """Items that are drawn among each other, as their distinct rows.

    Attributes:
        values: [sets, d] The value of each distinct row in each set of columns.
        share: [d] What an item of the row weighs: 1 / n in a group of n items.
        sizes: [d] How many items the row stands for.
        groups: How many groups' means the stratum holds.
    """

    values: Floats
    share: Floats
    sizes: NDArray[np.intp]
    groups: int

    @property
    def draws(self) -> int:
        """Items in a resample: one less than there are."""
        return max(1, int(self.sizes.sum()) - 1)

    @property
    def counts_rows(self) -> bool:
        """Whether a multinomial over the distinct rows costs less than drawing every item."""
        return COUNT_COST * len(self.sizes) <= max(self.draws, 2 * COUNT_COST)

    @property
    def cost(self) -> int:
        """Of one resample, in drawn items."""
        if len(self.sizes) == 1:
            return 0
        return COUNT_COST * len(self.sizes) if self.counts_rows else self.draws


def strata_of(values: Sequence[NDArray[Any]], groups: NDArray[Any]) -> list[Stratum]:
    """Sort items into strata: a group each, and one for the groups of a single item.

    Args:
        values: For each set of columns, the values [n].
        groups: [n] The group of each item, the same for all sets.
    """
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    stratum_of_group = np.arange(len(sizes))
    smallest = np.argsort(sizes, kind="stable")
    if single := int(np.count_nonzero(sizes == 1)):
        pooled = smallest[: max(single, _POOLED)]
        stratum_of_group[pooled] = pooled[0]
    stacked = np.stack([np.asarray(each, dtype=np.float64) for each in values])
    share = 1.0 / sizes[codes]
    stratum = stratum_of_group[codes]
    order = np.argsort(stratum, kind="stable")
    ends = np.flatnonzero(np.diff(stratum[order])) + 1
    found = []
    for items in np.split(order, ends):
        rows = np.concatenate([share[None, items], stacked[:, items]])
        distinct, counts = np.unique(rows, axis=1, return_counts=True)
        held = len(np.unique(codes[items]))
        found.append(Stratum(distinct[1:], distinct[0], counts, held))
    return found


def resampled_group_means(
    strata: Sequence[Stratum], resamples: int, rng: np.random.Generator
) -> Floats:
    """Mean of the groups' means in each resample, [sets, resamples]; all sets share the draws."""
    total = np.zeros((len(strata[0].values), resamples))
    for stratum in strata:
        total += stratum.groups * _stratum_means(stratum, resamples, rng)
    return total / sum(stratum.groups for stratum in strata)


def _stratum_means(stratum: Stratum, resamples: int, rng: np.random.Generator) -> Floats:
    if len(stratum.sizes) == 1:
        return np.repeat(stratum.values, resamples, axis=1)
    means = np.empty((len(stratum.values), resamples))
    items, weighed = int(stratum.sizes.sum()), stratum.values * stratum.share
    row_of_item = np.repeat(np.arange(len(stratum.sizes)), stratum.sizes)
    step = max(1, _BLOCK // (len(stratum.sizes) if stratum.counts_rows else stratum.draws))
    for start in range(0, resamples, step):
        part = slice(start, min(start + step, resamples))
        many = part.stop - start
        if stratum.counts_rows:
            counts = rng.multinomial(stratum.draws, stratum.sizes / items, size=many)
            means[:, part] = (weighed @ counts.T) / (stratum.share @ counts.T)
            continue
        drawn = row_of_item[rng.integers(0, items, size=(many, stratum.draws), dtype=np.int32)]
        below = stratum.share[drawn].sum(axis=1)
        for row, each in zip(means, weighed, strict=True):
            row[part] = each[drawn].sum(axis=1) / below
    return means
