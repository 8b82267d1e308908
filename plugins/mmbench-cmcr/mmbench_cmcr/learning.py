"""From the corpora's vectors to trained heads: checks, aggregates, training."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING

from mmbench.api import DataError
from mmbench_cmcr.aggregate_files import AggregateFile, aggregate_to_file
from mmbench_cmcr.pair_training import PairRecipe, Pairs, PairTraining
from mmbench_cmcr.training import Corpus, Recipe, Training

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mmbench.api import Context
    from mmbench_cmcr.aggregation import Aggregation
    from mmbench_cmcr.corpora import Rows

__all__ = ["check_corpora", "learn", "learn_pairs", "make_corpus"]


def check_corpora(corpora: Mapping[str, Rows]) -> None:
    """See that the corpora can be learnt from.

    Args:
        corpora: ``shared/first``, ``shared/second``, and the memories ``first`` and ``second``.

    Raises:
        DataError: Says which can't, and why.
    """
    for rows in corpora.values():
        rows.check()
    first, second = corpora["shared/first"], corpora["shared/second"]
    if len(first) != len(second):
        raise DataError(
            f"the first space has {len(first)} vectors of the shared corpus, and the second "
            f"{len(second)}", where=f"{first.name}; {second.name}",
            fix="both must encode the same items, in one order",
        )  # fmt: skip
    for space in ("first", "second"):
        memory, asking = corpora.get(space), corpora[f"shared/{space}"]
        if memory is not None and memory.width != asking.width:
            raise DataError(
                f"the memory's vectors have {memory.width} numbers, and those that ask it "
                f"{asking.width}", where=f"{memory.name}; {asking.name}",
                fix="a memory is encoded by the same space as the items that ask it",
            )  # fmt: skip


def make_corpus(
    corpora: Mapping[str, Rows], folder: Path, ctx: Context, *, how: Aggregation, tau1: float
) -> Corpus:
    """The four vectors of each item; aggregates are made, or found in the folder."""
    leaves: list[Rows | None] = [None, None]
    if how != "none":
        leaves = [
            aggregate_to_file(
                AggregateFile(folder, f"aggregates-{space}"),
                corpora[f"shared/{space}"], corpora[space], ctx, how=how, temperature=tau1,
            )
            for space in ("first", "second")
        ]  # fmt: skip
    return Corpus(corpora["shared/first"], leaves[0], corpora["shared/second"], leaves[1])


def learn(corpus: Corpus, recipe: Recipe, ctx: Context) -> Training:
    """A finished training; one that was interrupted in ``ctx.checkpoint`` is gone on with."""
    training = Training(corpus, recipe, ctx, key=_training_key(corpus, recipe, ctx))
    training.run()
    return training


def learn_pairs(pairs: Pairs, recipe: PairRecipe, ctx: Context) -> PairTraining:
    """A finished training with pairs; one that was interrupted is gone on with."""
    training = PairTraining(pairs, recipe, ctx, key=_training_key(pairs, recipe, ctx))
    training.run()
    return training


def _training_key(
    corpus: Iterable[Rows | None], recipe: Recipe | PairRecipe, ctx: Context
) -> str:  # fmt: skip
    """Names vectors, recipe, seed and precision."""
    digests = [None if rows is None else rows.digest() for rows in corpus]
    made_of = json.dumps([1, digests, asdict(recipe), ctx.seed, ctx.dtype], sort_keys=True)
    return blake2b(made_of.encode(), digest_size=16).hexdigest()
