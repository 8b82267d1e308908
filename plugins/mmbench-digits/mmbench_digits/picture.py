"""A picture of representations: what all streams give beside what each gives alone, in two axes.

UMAP lays the points of both out, once a stream, with a seed. Points that DCA calls outliers are
left out, and counted. Written as an SVG and as a table of coordinates.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from mmbench.api import UsageError
from mmbench.protocols.dca import DCATask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.finished import FinishedCell

    #: Points [n, D] and a seed, to places [n, 2].
    Layout = Callable[[NDArray[np.float64], int], NDArray[np.float64]]

__all__ = ["Panel", "drawn", "panels", "umap_layout", "write_picture"]

_COMPLETE, _ALONE = "#1f4e79", "#d1495b"
_SIDE, _MARGIN, _TITLE = 300.0, 16.0, 44.0
_RADIUS, _INSET = 1.8, 8.0
#: Fewer points can't be laid out.
_FEW = 3
_NEIGHBOURS = 15


@dataclass(frozen=True)
class Panel:
    """One stream beside all of them.

    Attributes:
        stream: Its name.
        places: [n, 2] of all points that are drawn, those of all streams first.
        complete: How many those are.
        items: [n] the item of each point; empty for a stream's distinct vectors.
        classes: [n] its class; -1 where it is unknown.
        left_out: Outliers of DCA on either side: complete, alone.
    """

    stream: str
    places: NDArray[np.float64]
    complete: int
    items: tuple[str, ...]
    classes: tuple[int, ...]
    left_out: tuple[int, int]


def umap_layout(points: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Places [n, 2] by UMAP, the same for a seed.

    Raises:
        UsageError: umap-learn is not installed.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that a seed makes it run on one core
        try:
            umap = import_module("umap")  # it ships no types
        except ImportError as error:
            raise UsageError(
                "the picture is laid out by UMAP, which is not installed",
                fix='pip install umap-learn, or "mmbench-digits[umap]"',
            ) from error
        neighbours = min(_NEIGHBOURS, len(points) - 1)
        model = umap.UMAP(n_components=2, n_neighbors=neighbours, random_state=seed, n_jobs=1)
        return np.asarray(model.fit_transform(points), dtype=np.float64)


def panels(cell: FinishedCell, *, seed: int, layout: Layout = umap_layout) -> list[Panel]:
    """One panel a stream, of the points that the cell's precision and recall were computed on.

    Args:
        cell: Of a task of the protocol dca.
        seed: Of the layout.
        layout: What lays points out.

    Raises:
        UsageError: The task is of another protocol, or umap-learn is not installed.
        StoreError: The vectors are gone.
    """
    task = cell.task()
    if not isinstance(task, DCATask):
        raise UsageError("its task compares no clouds: name one of DCA", where=cell.name)
    inputs = cell.inputs()
    table = inputs.tables[task.items]
    labels = table.columns.get("label")
    found = []
    for stream in task.streams:
        clouds = task.clouds(inputs, stream)
        kept = ~clouds.components.r_outliers, ~clouds.components.e_outliers
        left_out = int((~kept[0]).sum()), int((~kept[1]).sum())
        if kept[0].sum() + kept[1].sum() <= _FEW:
            kept = np.zeros_like(kept[0]), np.zeros_like(kept[1])
        points = np.concatenate([clouds.r[kept[0]], clouds.e[kept[1]]])
        own = None if stream in task.distinct else clouds.rows[kept[1]]
        rows = [*clouds.rows[kept[0]], *([-1] * int(kept[1].sum()) if own is None else own)]
        found.append(
            Panel(
                stream,
                layout(points, seed) if len(points) else np.empty((0, 2)),
                int(kept[0].sum()),
                tuple(table.ids[row] if row >= 0 else "" for row in rows),
                tuple(-1 if row < 0 or labels is None else int(labels[row]) for row in rows),
                left_out,
            )
        )
    return found


def write_picture(title: str, found: Sequence[Panel], out: Path) -> list[Path]:
    """Write the picture and its coordinates.

    Args:
        title: Said above the panels.
        found: The panels.
        out: The picture's path; the table lies beside it, with the ending ``.csv``.

    Returns:
        Both paths.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["stream", "side", "item", "class", "x", "y"])
    for panel in found:
        for row, (x, y) in enumerate(panel.places.tolist()):
            side = "complete" if row < panel.complete else "alone"
            kind = panel.classes[row] if panel.classes[row] >= 0 else ""
            writer.writerow([panel.stream, side, panel.items[row], kind, f"{x:.5f}", f"{y:.5f}"])
    out.parent.mkdir(parents=True, exist_ok=True)
    coordinates = out.with_suffix(".csv")
    coordinates.write_text(table.getvalue(), "utf-8")
    out.write_text(drawn(title, found), "utf-8")
    return [out, coordinates]


def drawn(title: str, found: Sequence[Panel]) -> str:
    """The panels side by side, as an SVG."""
    width = len(found) * (_SIDE + _MARGIN) + _MARGIN
    height = _TITLE + _SIDE + 2 * _MARGIN + 18
    said = (
        "Each panel: representations of all streams and of one stream, laid out together by UMAP."
    )
    size = f'width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size}',
        'font-family="sans-serif" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc>",
        f'<rect {size} fill="#ffffff"/>',
        f'<text x="{_MARGIN}" y="24" font-size="15">{escape(title)}</text>',
        f'<text x="{_MARGIN}" y="40" font-size="11" fill="{_COMPLETE}">● all streams</text>',
        f'<text x="{_MARGIN + 90}" y="40" font-size="11" fill="{_ALONE}">● one stream</text>',
    ]
    for number, panel in enumerate(found):
        parts += _panel(panel, _MARGIN + number * (_SIDE + _MARGIN), _TITLE + 8)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: float, top: float) -> list[str]:
    """One panel: a frame, its points, and what was left out."""
    places = panel.places
    if len(places):
        low = places.min(axis=0)
        spread = float((places.max(axis=0) - low).max()) or 1.0
        places = _INSET + (places - low) / spread * (_SIDE - 2 * _INSET)
    out = sum(panel.left_out)
    caption = f"{panel.stream}: {len(places)} points"
    if out:
        caption += f", {panel.left_out[0]} + {panel.left_out[1]} outliers left out"
    frame = f'x="{left:.1f}" y="{top:.1f}" width="{_SIDE}" height="{_SIDE}"'
    parts = [
        f'<rect {frame} fill="none" stroke="#bbbbbb"/>',
        f'<text x="{left:.1f}" y="{top + _SIDE + 16:.1f}" font-size="11">{escape(caption)}</text>',
    ]
    for colour, chosen in (
        (_COMPLETE, places[: panel.complete]),
        (_ALONE, places[panel.complete :]),
    ):
        dots = "".join(f"M{left + x:.1f} {top + _SIDE - y:.1f}h.01" for x, y in chosen.tolist())
        parts.append(
            f'<path d="{dots}" stroke="{colour}" stroke-opacity="0.55" fill="none" '
            f'stroke-width="{2 * _RADIUS}" stroke-linecap="round"/>'
        )
    return parts
