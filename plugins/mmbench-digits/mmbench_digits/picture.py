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

#: Colours that colour-blind eyes tell apart; sizes differ too, so that no side hides the other.
_COMPLETE, _ALONE, _INK, _QUIET = "#56b4e9", "#d55e00", "#222222", "#555555"
_SIDE, _MARGIN, _TOP, _BOTTOM = 300.0, 16.0, 78.0, 46.0
_LARGE, _SMALL, _INSET = 3.0, 1.4, 24.0
#: So few points of one stream are drawn large, too; so many classes are named at most.
_DOZENS, _CLASSES = 50, 20
_BESIDE = 13.0
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
        classes: [n] its class; empty where it is unknown.
        left_out: Outliers of DCA on either side: complete, alone.
    """

    stream: str
    places: NDArray[np.float64]
    complete: int
    items: tuple[str, ...]
    classes: tuple[str, ...]
    left_out: tuple[int, int]

    def said(self) -> tuple[str, str]:
        """How many points of either side are drawn, and how many left out."""
        sizes = self.complete, len(self.places) - self.complete
        sides = zip(("all streams", f"{self.stream} alone"), sizes, self.left_out, strict=True)
        complete, alone = (
            f"{side}: {kept:,} points, {out:,} outliers left out" for side, kept, out in sides
        )
        return complete, alone


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
                tuple("" if row < 0 or labels is None else str(labels[row]) for row in rows),
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
            what = panel.stream, side, panel.items[row], panel.classes[row]
            writer.writerow([*what, f"{x:.5f}", f"{y:.5f}"])
    out.parent.mkdir(parents=True, exist_ok=True)
    coordinates = out.with_suffix(".csv")
    coordinates.write_text(table.getvalue(), "utf-8")
    out.write_text(drawn(title, found), "utf-8")
    return [out, coordinates]


def drawn(title: str, found: Sequence[Panel]) -> str:
    """The panels side by side, as an SVG."""
    width = len(found) * (_SIDE + _MARGIN) + _MARGIN
    height = _TOP + _SIDE + _BOTTOM
    said = "Representations of all streams and of one stream alone, laid out together, by stream"
    size = f'width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size}',
        'font-family="sans-serif" role="img">',
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc>",
        f'<rect {size} fill="#ffffff"/>',
        _text(_MARGIN, 22, title, size=15),
        f'<circle cx="{_MARGIN + 4}" cy="40" r="4" fill="{_COMPLETE}"/>',
        _text(_MARGIN + 13, 44, "all streams", size=12),
        f'<circle cx="{_MARGIN + 104}" cy="40" r="2.2" fill="{_ALONE}"/>',
        _text(_MARGIN + 112, 44, "one stream alone", size=12),
    ]
    for number, panel in enumerate(found):
        parts += _panel(panel, _MARGIN + number * (_SIDE + _MARGIN), _TOP)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: float, top: float) -> list[str]:
    """One panel: a frame, its points, its classes, and what was left out."""
    places = panel.places
    if len(places):
        low, high = places.min(axis=0), places.max(axis=0)
        spread = float((high - low).max()) or 1.0
        places = _SIDE / 2 + (places - (low + high) / 2) / spread * (_SIDE - 2 * _INSET)
    places = np.stack([left + places[:, 0], top + _SIDE - places[:, 1]], axis=1)
    complete, alone = places[: panel.complete], places[panel.complete :]
    frame = f'x="{left:.1f}" y="{top:.1f}" width="{_SIDE}" height="{_SIDE}"'
    below = top + _SIDE
    return [
        _text(left, top - 7, panel.stream, size=13, more='font-weight="bold"'),
        f'<rect {frame} fill="none" stroke="#bbbbbb"/>',
        _dots(complete, _COMPLETE, _LARGE),
        _dots(alone, _ALONE, _LARGE if len(alone) <= _DOZENS else _SMALL),
        *_class_names(panel, complete),
        *(
            _text(left, below + 17 + 15 * line, said, size=11, colour=_QUIET)
            for line, said in enumerate(panel.said())
        ),
    ]


def _dots(places: NDArray[np.float64], colour: str, radius: float) -> str:
    dots = "".join(f"M{x:.1f} {y:.1f}h.01" for x, y in places.tolist())
    return (
        f'<path d="{dots}" stroke="{colour}" stroke-opacity="0.75" fill="none" '
        f'stroke-width="{2 * radius}" stroke-linecap="round"/>'
    )


def _class_names(panel: Panel, complete: NDArray[np.float64]) -> list[str]:
    """Every class beside the point in the midst of its points of all streams."""
    classes = np.array(panel.classes[: panel.complete])
    names = [name for name in np.unique(classes).tolist() if name]
    if len(names) > _CLASSES:
        return []
    halo = 'paint-order="stroke" stroke="#ffffff" stroke-width="2.5"'
    parts = []
    for name in names:
        own = complete[classes == name]
        away = np.abs(own - np.median(own, axis=0)).sum(axis=1)
        x, y = own[away.argmin()].tolist()
        parts.append(_text(x + _BESIDE, y + 4, name, size=12, more=halo))
    return parts


def _text(x: float, y: float, said: str, *, size: int, colour: str = _INK, more: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"'
    return f"<text {place} {more}>{escape(said)}</text>"
