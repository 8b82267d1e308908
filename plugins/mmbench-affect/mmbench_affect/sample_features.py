"""Made-up features of opinions: sentiment shows in all streams, most of all in the text.

Files of one seed have the same bytes on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Opinions", "share", "video_name"]

#: YouTube's alphabet.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#: How much of a step is sentiment.
_STRENGTH = {"text": 0.8, "audio": 0.35, "vision": 0.35}
_WORDS = {
    -1: ("awful", "boring", "never", "worse"),
    0: ("this", "film", "was", "the", "plot"),
    1: ("great", "loved", "fun", "again"),
}


def video_name(rng: np.random.Generator) -> str:
    """A YouTube id that was never given."""
    return "".join(rng.choice(list(_LETTERS), 11))


def share(items: int) -> dict[str, int]:
    """How many of so many utterances are in each split: at least six in all."""
    total = max(items, 6)
    test, valid = max(total // 4, 2), max(total // 8, 1)
    return {"train": total - test - valid, "valid": valid, "test": test}


@dataclass(frozen=True)
class Opinions:
    """Where sentiment lies in each stream.

    Attributes:
        axes: By stream, [features].
    """

    axes: dict[str, Floats]

    @classmethod
    def invent(cls, widths: dict[str, int], rng: np.random.Generator) -> Opinions:
        """Draw a direction for each stream."""
        axes = {name: rng.normal(size=width).astype(np.float32) for name, width in widths.items()}
        return cls(axes)

    def steps(self, stream: str, label: float, count: int, rng: np.random.Generator) -> Floats:
        """Steps [count, features] of one utterance; none is all zeros."""
        axis = self.axes[stream]
        noise = rng.normal(size=(count, len(axis)))
        steps: Floats = (noise + _STRENGTH[stream] * label * axis).astype(np.float32)
        return steps

    def words(self, label: float, count: int, rng: np.random.Generator) -> list[str]:
        """As many words."""
        sign = int(np.sign(np.round(label)))
        said = [*_WORDS[sign], *_WORDS[0]]
        return [str(word) for word in rng.choice(said, count)]


def labels(count: int, rng: np.random.Generator) -> list[float]:
    """Sentiment in thirds, as means of three annotators; none on the border of two classes."""
    thirds = rng.choice([-8, -7, -5, -4, -2, -1, 1, 2, 4, 5, 7, 8], count)
    return [round(float(each) / 3, 6) for each in thirds]
