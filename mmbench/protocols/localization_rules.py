"""What localization and counterfactual tasks share: rules, ground truth, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.metrics.boxes import BoxFormat, GroundTruth, GroundTruthKind
    from mmbench.metrics.localization_options import LocalizationOptions

__all__ = ["column", "ground_truth", "listed", "rules"]

_LISTED = 50


def rules(preset: str, *, where: str, **changes: Any) -> LocalizationOptions:
    """A preset's rules with those changes that are not None.

    Raises:
        UsageError: An unknown or refused preset or value, with the reason.
    """
    from mmbench.metrics.localization_options import localization_options

    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return localization_options(preset, **given)
    except ValueError as error:
        raise UsageError(str(error), where=where) from error


def ground_truth(
    boxes: Sequence[Any],
    *,
    box_format: BoxFormat = "xyxy",
    extent: float = 1.0,
    kind: GroundTruthKind = "union",
    size: int = 224,
) -> GroundTruth:
    """The ground truth of a column of annotated boxes.

    Raises:
        DataError: Boxes that can't be read: the annotation's doing, not a representation's.
    """
    from mmbench.metrics.boxes import GroundTruth, box_set

    try:
        return GroundTruth(box_set(boxes, box_format=box_format, extent=extent, size=size), kind)
    except ValueError as error:
        raise DataError(f"its annotated boxes can't be read: {error}", where="boxes") from error


def listed(what: str, ids: Sequence[str], which: NDArray[np.bool_]) -> list[str]:
    """One note that names the items, or none."""
    found = [ids[row] for row in which.nonzero()[0]]
    if not found:
        return []
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return [f"{what} ({len(found)} of {len(ids)}): {', '.join(found[:_LISTED])}{more}"]


def column(columns: Mapping[str, Any], name: str, where: str) -> Sequence[Any]:
    """The column of this name.

    Raises:
        DataError: There is none.
    """
    if name not in columns:
        raise DataError(f"has no column {name!r}", where=f"collection {where}")
    found: Sequence[Any] = columns[name]
    return found
