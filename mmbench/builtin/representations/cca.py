"""Ridge-regularised canonical correlation analysis of two streams, trained with pairs.

Each side is whitened with its shrunk covariance ``(1 - s) C + s tr(C)/p I``; the singular vectors
of the whitened cross-covariance are the canonical directions, the singular values the canonical
correlations. scikit-learn's own CCA has no regularisation; with ``shrinkage=0`` the two agree.

SOURCE: H. Hotelling (1936), Relations between two sets of variates; H. Vinod (1976), Canonical
ridge; weighting of the directions by a power of their correlation: Y. Gong et al. (2014), A
multi-view embedding space for modeling internet images, tags, and their semantics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api.errors import PluginError, UsageError
from mmbench.api.payloads import Image
from mmbench.api.representation import (
    Offer,
    RepresentationInfo,
    State,
    TrainedRepresentation,
)
from mmbench.api.streams import Slot
from mmbench.builtin.representations.canonical import canonical_maps, whitening
from mmbench.builtin.representations.features import (
    FEATURISERS,
    FeatureGrid,
    featurise,
    grey,
    image_grid,
)
from mmbench.builtin.representations.windows import best_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench.api.collection import BoundCollection
    from mmbench.api.fitting import FitData
    from mmbench.api.payloads import Payload
    from mmbench.api.representation import Batch, Context

    Matrix = NDArray[np.float64]

_CHUNK = 256
_USUAL = 1.2  # up to this many times the median distance, a window passes for a training picture
_STRANGER = 2.0  # how fast the last coordinate grows beyond


class CCA(TrainedRepresentation):
    """Two linear maps of plain features into one space, as correlated as pairs allow.

    Offers ``global`` for either slot and for both (the mean of the unit vectors), and ``dense``
    for an image slot, from sliding windows of the training pictures' size at several scales: for
    that, train it on pictures of single objects (``digits-train``). The last coordinate is
    zero in ``global`` vectors; in dense maps it grows with how little a window resembles the
    training pictures, so that empty paper is similar to nothing.

    Args:
        first: Modality of the first slot, and its name.
        second: Modality of the second slot, and its name.
        dim: Length of the vectors: canonical directions kept, and the last coordinate. Where the
            data has fewer directions, the rest is zero.
        shrinkage: Share ``s`` of the covariance replaced by a multiple of the identity, 0..1.
        power: Directions are weighted by their correlation to this power; 0 is plain CCA.
        components: Principal components that each side is reduced to beforehand, at most.
        cells: Grid cells that a picture is averaged to, in its own aspect.
        grid: Rows and columns of a dense map.
        scales: Sides of a dense map's windows, as multiples of the training pictures'.
    """

    batch_size = 256

    def __init__(
        self,
        *,
        first: str = "image",
        second: str = "audio",
        dim: int = 32,
        shrinkage: float = 0.3,
        power: float = 1.0,
        components: int = 512,
        cells: int = 192,
        grid: int = 14,
        scales: tuple[float, ...] = (0.9, 1.2, 1.5),
    ) -> None:
        name = "cca" if (first, second) == ("image", "audio") else f"cca-{first}-{second}"
        if first == second or not first or not second:
            raise UsageError(f"needs two different modalities, not {first!r} twice", where="cca")
        least = {
            "dim": (dim, 2),
            "components": (components, 1),
            "cells": (cells, 1),
            "grid": (grid, 1),
        }
        for option, (value, lowest) in least.items():
            if value < lowest:
                raise UsageError(f"{option} must be at least {lowest}, not {value}", where=name)
        if not 0.0 <= shrinkage <= 1.0:
            raise UsageError(f"shrinkage must lie in 0..1, not {shrinkage}", where=name)
        if not scales or min(scales) <= 0.0:
            raise UsageError(f"scales must be positive, not {scales}", where=name)
        self.name = name
        self.slots = (first, second)
        self.dim = dim
        self.shrinkage = shrinkage
        self.power = power
        self.components = components
        self.cells = cells
        self.grid = grid
        self.scales = scales
        self.correlations: Matrix | None = None
        self._sides: dict[str, Side] = {}

    @property
    def info(self) -> RepresentationInfo:
        """Known before it is trained."""
        subsets = [{slot} for slot in self.slots] + [set(self.slots)]
        offers = {Offer("global", frozenset(subset), self.dim) for subset in subsets}
        if "image" in self.slots:
            offers.add(Offer("dense", frozenset({"image"}), self.dim))
        return RepresentationInfo(
            name=self.name,
            version="1",
            slots=tuple(Slot(slot, slot, tuple(FEATURISERS)) for slot in self.slots),
            offers=frozenset(offers),
            citation="https://doi.org/10.1093/biomet/28.3-4.321",
        )

    def fit(self, data: FitData, ctx: Context) -> None:
        """Learn from pairs; items that lack one of the two are passed over. Nothing is random.

        Raises:
            UsageError: The training collection lacks a stream, or has no pairs.
        """
        from threadpoolctl import threadpool_limits

        rows = self._paired_rows(data.train)
        views, sides = [], {}
        for slot in self.slots:
            grid, window = _picture_size(data.train, slot, rows, self.cells)
            parts = []
            for start in range(0, len(rows), _CHUNK):
                ctx.progress(start, len(rows), f"features of {slot}")
                batch = data.train.batch(rows[start : start + _CHUNK], [slot])
                parts.append(_features(batch[slot], grid))
            view = np.concatenate(parts)
            mean = view.mean(axis=0)
            views.append(view - mean)
            with threadpool_limits(1):  # as below
                white = None if window is None else self._usual_distance(views[-1])
            sides[slot] = Side(grid, window, mean, np.zeros((len(mean), self.dim)), white)
        # One thread: the last digits of a decomposition follow the number of threads.
        with threadpool_limits(1):
            maps, correlations = canonical_maps(
                *views, shrinkage=self.shrinkage, components=self.components
            )
        self.correlations = correlations[: self.dim - 1]
        weights = self.correlations**self.power
        for slot, directions in zip(self.slots, maps, strict=True):
            sides[slot].map[:, : len(weights)] = directions[:, : len(weights)] * weights
        self._sides = sides

    def state(self) -> State:
        """Means, maps and canonical correlations; the features' sizes."""
        if self.correlations is None:
            raise PluginError("is not trained: call fit or load_state first", where=self.name)
        arrays: dict[str, NDArray[Any]] = {"correlations": self.correlations}
        for slot, side in self._sides.items():
            arrays[f"mean/{slot}"] = side.mean
            arrays[f"map/{slot}"] = side.map
            if side.white is not None:
                arrays[f"white/{slot}"] = side.white
        sides = {
            slot: {"grid": side.grid.as_json(), "window": side.window and list(side.window)}
            for slot, side in self._sides.items()
        }
        return State(arrays, {"sides": sides})

    def load_state(self, state: State) -> None:
        """Become what was trained."""
        self.correlations = np.asarray(state.arrays["correlations"])
        self._sides = {}
        for slot, described in state.meta["sides"].items():
            window = described["window"]
            self._sides[slot] = Side(
                FeatureGrid.from_json(described["grid"]),
                None if window is None else (window[0], window[1]),
                np.asarray(state.arrays[f"mean/{slot}"]),
                np.asarray(state.arrays[f"map/{slot}"]),
                None if window is None else np.asarray(state.arrays[f"white/{slot}"]),
            )

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """[B, dim]: canonical variates of one slot, or the mean of both slots' unit vectors."""
        parts = {}
        for slot, payloads in batch.items():
            side = self._side(slot)
            features = _features(payloads, side.grid) if payloads else side.mean[None][:0]
            parts[slot] = side.project(features).astype(np.float32)
        return self.fuse(parts)

    def fuse(self, parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """The mean of the slots' unit vectors; a single slot's vectors as they are."""
        if len(parts) == 1:
            return next(iter(parts.values()))
        units = [_unit(np.asarray(part, dtype=np.float64)) for part in parts.values()]
        mean: NDArray[np.float64] = np.mean(units, axis=0)
        return mean.astype(np.float32)

    def encode_dense(self, batch: Batch) -> NDArray[np.float32]:
        """[B, grid, grid, dim]: one vector a window, centred on the cells of the grid.

        Raises:
            UsageError: It was trained on something else than pictures, or is handed such.
        """
        ((slot, payloads),) = batch.items()
        side = self._side(slot)
        maps = np.zeros((len(payloads), self.grid, self.grid, self.dim), dtype=np.float32)
        for row, payload in enumerate(payloads):
            if side.window is None or side.white is None or not isinstance(payload, Image):
                raise UsageError(
                    "a dense map needs a picture, and training pictures", where=self.name
                )
            height, width = side.window
            sizes = tuple((scale * height, scale * width) for scale in self.scales)
            features, distance = best_windows(
                grey(payload), sizes, self.grid, side.grid, side.mean, side.white
            )
            vectors = _unit(side.project(features))
            vectors[..., -1] = _STRANGER * np.maximum(0.0, distance - _USUAL)
            maps[row] = _unit(vectors)
        return maps

    def _usual_distance(self, view: Matrix) -> Matrix:
        """The whitening map of training features, in units of their median distance from 0."""
        white = whitening(view, self.shrinkage, self.components)
        distance: Matrix = np.sqrt(((view @ white) ** 2).sum(axis=1))
        scaled: Matrix = white / np.median(distance)
        return scaled

    def _side(self, slot: str) -> Side:
        if not self._sides:
            raise PluginError("is not trained: call fit or load_state first", where=self.name)
        return self._sides[slot]

    def _paired_rows(self, train: BoundCollection) -> list[int]:
        """Rows that have both streams."""
        for slot in self.slots:
            if slot not in train.binding:
                raise UsageError(
                    f"the training collection {train.collection.name!r} has no stream for "
                    f"slot {slot!r}",
                    where=self.name,
                    fix="train it on a collection with both streams: fit_on in the suite",
                )
        rows = train.complete_rows()
        if len(rows) < 2:
            raise UsageError(
                f"the training collection {train.collection.name!r} has {len(rows)} pairs",
                where=self.name,
            )
        return rows


@dataclass(frozen=True)
class Side:
    """What is known of one slot after training.

    Attributes:
        grid: The sizes of its features.
        window: Height and width of the training pictures in pixels; None if it has none.
        mean: [P] mean features.
        map: [P, dim] into the joint space.
        white: [P, R] whitening of the features, in units of the training pictures' median
            distance from their mean; None if it has no pictures.
    """

    grid: FeatureGrid
    window: tuple[float, float] | None
    mean: Matrix
    map: Matrix
    white: Matrix | None

    def project(self, features: Matrix) -> Matrix:
        """[..., P] features into the joint space."""
        if features.shape[-1] != len(self.mean):
            raise UsageError(
                f"was trained on {len(self.mean)} features and is handed {features.shape[-1]}: "
                "the payloads have another shape",
                where="cca",
            )
        projected: Matrix = (features - self.mean) @ self.map
        return projected


def _features(payloads: Sequence[Payload], grid: FeatureGrid) -> Matrix:
    """[B, P] features of payloads of one shape."""
    rows = [featurise(payload, grid) for payload in payloads]
    sizes = {len(row) for row in rows}
    if len(sizes) > 1:
        raise UsageError(f"payloads have {sorted(sizes)} features: they differ in shape")
    return np.stack(rows)


def _picture_size(
    train: BoundCollection, slot: str, rows: list[int], cells: int
) -> tuple[FeatureGrid, tuple[float, float] | None]:
    """Feature sizes, and the median height and width of (up to 64) training pictures."""
    batch = train.batch(rows[:: max(1, len(rows) // 64)], [slot])[slot]
    sizes = [each.pixels.shape[:2] for each in batch if isinstance(each, Image)]
    if not sizes:
        return FeatureGrid(), None
    height, width = (float(length) for length in np.median(sizes, axis=0))
    return FeatureGrid(*image_grid(height, width, cells)), (height, width)


def _unit(vectors: Matrix) -> Matrix:
    """Vectors of length 1 along the last axis; zeros stay zeros."""
    lengths = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    unit: Matrix = vectors / np.maximum(lengths, np.finfo(float).tiny)
    return unit
