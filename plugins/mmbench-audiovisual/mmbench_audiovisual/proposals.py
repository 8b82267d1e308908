"""Box proposals out of a file: a detector's, made elsewhere, kept beside the dataset."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, DataMissing, UsageError
from mmbench_audiovisual.files import read_text, shown

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench_audiovisual.boxes import Box

__all__ = ["FOLDER", "ProposalFile"]

#: Where the files lie, below the dataset's folder.
FOLDER = "proposals"


@dataclass(frozen=True)
class ProposalFile:
    """Which file of proposals is read, and which of its boxes are kept.

    The file is a JSON table of ids to boxes, each x1, y1, x2, y2 as shares of the frame and, where
    there is one, its score: ``{"zpWuikVorYg_000032": [[0.1, 0.2, 0.6, 0.9, 0.87]]}``.

    Attributes:
        name: Its name below ``<dataset>/proposals``; empty = none.
        score: Boxes with a lower score are left out.
        limit: At most so many boxes an item, those of highest score; 0 = all.
    """

    name: str = ""
    score: float = 0.0
    limit: int = 0

    def __post_init__(self) -> None:
        if "/" in self.name or "\\" in self.name or self.name.startswith("."):
            raise UsageError(
                f"{self.name!r} is no name of a file of proposals",
                fix=f"put it into the dataset's folder {FOLDER} and give its name alone",
            )
        if self.limit < 0:
            raise UsageError(f"proposal_limit must be 0 (all) or more, not {self.limit}")

    def read(self, root: Path) -> dict[str, list[Box]] | None:
        """The boxes by id, best first, four numbers each; None where no file is named.

        Args:
            root: The dataset's folder.

        Raises:
            DataMissing: The file is not there.
            DataError: It is no such table; names the item.
        """
        if not self.name:
            return None
        path = root / FOLDER / self.name
        if not path.is_file():
            raise DataMissing("the proposals are not there", where=shown(path), fix=_ADVICE)
        try:
            entries = json.loads(read_text(path))
        except json.JSONDecodeError as error:
            where = f"{shown(path)}:{error.lineno}"
            raise DataError(f"is no JSON: {error.msg}", where=where) from None
        except RecursionError:
            raise DataError("is no JSON that can be read", where=shown(path)) from None
        if not isinstance(entries, dict):
            raise DataError("must be a table of ids to boxes", where=shown(path))
        return {
            item: self._kept(boxes, f"{shown(path)}, {item}") for item, boxes in entries.items()
        }

    def _kept(self, entry: Any, where: str) -> list[Box]:
        """An item's boxes that pass, best first; those of equal score as the file has them."""
        if not isinstance(entry, list):
            raise DataError(f"must be a list of boxes, not {entry!r:.60}", where=where)
        scored = [_scored(each, where) for each in entry]
        kept = [each for each in scored if each[0] >= self.score]
        kept.sort(key=lambda each: -each[0])
        return [box for _, box in kept[: self.limit or None]]


_ADVICE = (
    "a JSON file of ids to lists of [x1, y1, x2, y2, score], as shares of the frame; "
    "`-o proposals=grid` does without"
)


def _scored(value: Any, where: str) -> tuple[float, Box]:
    """Score and corners of one box; without a score it is 1."""
    numbers = isinstance(value, list) and all(
        isinstance(each, (int, float)) and not isinstance(each, bool) for each in value
    )
    if not numbers or len(value) not in (4, 5) or not all(map(math.isfinite, value)):
        raise DataError(f"{value!r:.80} is not [x1, y1, x2, y2, score]", where=where)
    x1, y1, x2, y2 = (float(each) for each in value[:4])
    if not (-0.01 <= x1 < x2 <= 1.01 and -0.01 <= y1 < y2 <= 1.01):
        raise DataError(
            f"{value!r:.80} is no box within a frame whose sides are 1",
            where=where,
            fix="divide by the frame's width and height; corners, not width and height",
        )
    return float(value[4]) if len(value) == 5 else 1.0, [x1, y1, x2, y2]
