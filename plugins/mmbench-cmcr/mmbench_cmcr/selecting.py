"""Selecting the bridge's temperature on validation pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError
from mmbench.metrics.retrieval import pair_retrieval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Score", "best_of", "score_temperatures"]


@dataclass(frozen=True)
class Score:
    """What a temperature gives on validation.

    Attributes:
        temperature: Of the bridge.
        recall_at_1: The mean of both directions' R@1.
        reciprocal_rank: The mean of both directions' mean reciprocal rank.
    """

    temperature: float
    recall_at_1: float
    reciprocal_rank: float

    def __str__(self) -> str:
        """All of it, for the log."""
        return f"{self.temperature:g}: R@1 {self.recall_at_1:.4f}, MRR {self.reciprocal_rank:.4f}"


def score_temperatures(
    candidates: Sequence[float], first: NDArray[np.float32],
    bridged: Callable[[float], NDArray[np.float32]], *, where: str,
) -> list[Score]:  # fmt: skip
    """Retrieval of validation pairs in both directions, at each temperature.

    Args:
        candidates: Temperatures.
        first: [N, d] the first leaf in the first space.
        bridged: The second leaf of the same items at a temperature, [N, d].
        where: Who asks, for messages.

    Raises:
        DataError: The pairs can't be told apart at all.
    """
    found = []
    for temperature in candidates:
        try:
            both = pair_retrieval(bridged(temperature), first, ks=(1,), threads=1)
        except ValueError as error:
            raise DataError(
                f"the validation pairs can't be scored at the temperature {temperature:g}: {error}",
                where=where,
            ) from error
        found.append(Score(temperature, _mean(both, "hit@1"), _mean(both, "reciprocal_rank")))
    return found


def best_of(scores: Sequence[Score]) -> Score:
    """The highest R@1; of equal ones the highest mean reciprocal rank, then the first named."""
    return max(scores, key=lambda each: (each.recall_at_1, each.reciprocal_rank))


def _mean(both: tuple[dict[str, Any], dict[str, Any]], column: str) -> float:
    """The mean of both directions."""
    return float((both[0][column].mean() + both[1][column].mean()) / 2)
