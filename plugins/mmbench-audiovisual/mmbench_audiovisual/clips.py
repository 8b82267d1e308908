"""Which part of a recording is taken, and what is done where the recording is too short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mmbench.api import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["WHOLE", "Clip", "Part", "Short"]

Part = Literal["full", "first", "centre"]
Short = Literal["keep", "tile", "zeros"]


@dataclass(frozen=True)
class Clip:
    """A part of a recording.

    What papers take: LVS the first 10 s, repeated; EZ-VSL and SLAVC the centre 3 s, repeated; ACL
    the first 10 s, filled up with zeros.

    Attributes:
        part: ``full``, or ``seconds`` from the start or around the centre.
        seconds: How long it is; without meaning for ``full``.
        short: A recording that is shorter is kept as it is, repeated, or filled up with zeros at
            its end; without meaning for ``full``.
        start: Where the section that ``part`` speaks of starts, in seconds.
        length: How long that section is, in seconds; None = to the end.
    """

    part: Part = "full"
    seconds: float = 10.0
    short: Short = "keep"
    start: float = 0.0
    length: float | None = None

    def __post_init__(self) -> None:
        if not 0.02 <= self.seconds <= 3600:
            raise UsageError(f"a clip lasts 0.02 to 3600 seconds, not {self.seconds}")

    @property
    def key(self) -> str:
        """Names all of it, as part of a content key."""
        words = "full" if self.part == "full" else f"{self.part} {self.seconds:g}s {self.short}"
        if self.start or self.length is not None:
            end = "" if self.length is None else f"{self.start + self.length:g}"
            words += f" of {self.start:g}-{end}s"
        return words

    @property
    def until(self) -> float | None:
        """Seconds of the recording that suffice to cut it out; None = all of it."""
        if self.part == "first":
            ends = self.seconds if self.length is None else min(self.seconds, self.length)
            return self.start + ends
        return None if self.length is None else self.start + self.length

    def span(self, total: int, rate: int) -> tuple[int, int]:
        """First sample and end (exclusive) of what is there of it.

        Args:
            total: Samples of the recording.
            rate: Samples a second.
        """
        first = min(round(self.start * rate), total)
        last = total if self.length is None else min(first + round(self.length * rate), total)
        if self.part == "full":
            return first, last
        count = min(round(self.seconds * rate), last - first)
        if self.part == "centre":
            first += (last - first - count) // 2
        return first, first + count

    def fill(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        """Bring what is there, [channels, time], to the length asked for, as ``short`` says."""
        import numpy as np

        missing = round(self.seconds * rate) - samples.shape[1]
        if self.part == "full" or self.short == "keep" or missing <= 0:
            return samples
        if self.short == "tile":
            return np.pad(samples, ((0, 0), (0, missing)), mode="wrap")
        return np.pad(samples, ((0, 0), (0, missing)))


#: All of a recording.
WHOLE = Clip()
