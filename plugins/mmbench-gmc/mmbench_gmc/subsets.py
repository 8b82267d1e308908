"""Subsets of the streams: all proper ones, and seeded draws of them."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["draw_partial_subsets", "draw_proper_subsets", "proper_subsets"]


def proper_subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """All subsets but the empty one and the whole, by size, each in the order of ``names``."""
    return [found for size in range(1, len(names)) for found in combinations(names, size)]


def draw_proper_subsets(
    names: Sequence[str], limit: int, generator: torch.Generator
) -> list[tuple[str, ...]]:
    """All proper subsets if they are at most ``limit``, otherwise so many different ones."""
    pool = proper_subsets(names)
    if len(pool) <= limit:
        return pool
    chosen = torch.randperm(len(pool), generator=generator, device=generator.device)[:limit]
    return [pool[row] for row in sorted(chosen.tolist())]


def draw_partial_subsets(
    names: Sequence[str], count: int, generator: torch.Generator
) -> list[tuple[str, ...]]:
    """Different subsets of two or more streams but not all: a size first, then one of that size.

    That is how MVAE's released code draws its partial ELBO terms (each size is as likely, whatever
    the number of subsets of it). Fewer than ``count`` where there are no more.
    """
    pool = [found for found in proper_subsets(names) if len(found) > 1]
    count = min(count, len(pool))
    if count < 1:
        return []
    of_size = Counter(len(found) for found in pool)
    shares = [1.0 / of_size[len(found)] for found in pool]
    weights = torch.tensor(shares, device=generator.device)
    chosen = torch.multinomial(weights, count, replacement=False, generator=generator)
    return [pool[row] for row in sorted(chosen.tolist())]
