"""The baseline that a model's own predictions must beat: a linear model of pooled streams."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import Offer, PluginError, RepresentationInfo, State, UsageError
from mmbench.protocols.probe import fit_probe
from mmbench_affect.pooled import Pooled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import Batch, BoundCollection, Context, FitData

__all__ = ["PooledLinear"]

_CHUNK = 512


class PooledLinear(Pooled):
    """A ridge or logistic regression on ``pooled``'s vectors, which predicts the task's target.

    The probe of ``head=probe``, learnt from complete training items with its strength chosen on the
    validation items, and handed over as predictions: so ``head=predict`` has a baseline, with the
    figures that ``pooled`` has under ``head=probe``. A missing stream has the training mean.
    """

    def __init__(self) -> None:
        super().__init__()
        self._line: dict[str, NDArray[np.float64]] = {}
        self._chosen: dict[str, Any] = {}

    @property
    def info(self) -> RepresentationInfo:
        """Follows the streams it was bound to; predictions only."""
        names = [slot.name for slot in self._slots]
        offers = {
            Offer("prediction", frozenset(subset))
            for size in range(1, len(names) + 1)
            for subset in combinations(names, size)
        }
        return RepresentationInfo(
            name="pooled-linear",
            version="1",
            slots=self._slots,
            offers=frozenset(offers),
            similarity="dot",
            imputes="training mean",
        )

    def fit(self, data: FitData, ctx: Context) -> None:
        """The pooled vectors' means and deviations, then the regression. Nothing is random.

        Raises:
            UsageError: The task names no target, or no training item has all streams.
        """
        spec = data.spec
        if spec.target is None:
            raise UsageError(
                "learns nothing without a target, and the task names none",
                where="pooled-linear",
                fix="choose head=predict, or name one in the suite: fit_on = { ..., target = ... }",
            )
        super().fit(data, ctx)
        vectors, targets = self._read(data.train, spec.target)
        valid = None if data.valid is None else self._read(data.valid, spec.target)
        probe = fit_probe(
            vectors, targets, kind=spec.target_kind or "class",
            valid=valid if valid is not None and len(valid[0]) else None,
        )  # fmt: skip
        model = probe.model
        classes = np.asarray(getattr(model, "classes_", ()))
        self._line = {
            "line/mean": probe.mean,
            "line/scale": probe.scale,
            "line/weights": np.atleast_2d(np.asarray(model.coef_, dtype=np.float64)),
            "line/constant": np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64)),
        }
        self._chosen = {"classes": len(classes), "probe": dict(probe.parameters)}

    def state(self) -> State:
        """The pooled vectors' scale, the regression, and how its strength was chosen."""
        self._weights()
        pooled = super().state()
        return State({**pooled.arrays, **self._line}, {**pooled.meta, **self._chosen})

    def load_state(self, state: State) -> None:
        """Become what was trained."""
        super().load_state(state)
        self._line = {
            name: np.asarray(array)
            for name, array in state.arrays.items()
            if name.startswith("line/")
        }
        self._chosen = {name: state.meta[name] for name in ("classes", "probe")}

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """[B] values, or [B, C] scores of the classes in sorted order.

        Raises:
            ItemError: An item has no steps, or another number of features than the training items.
        """
        line = self._weights()
        rows = (self.encode(batch).astype(np.float64) - line["line/mean"]) / line["line/scale"]
        scores: NDArray[np.float64] = rows @ line["line/weights"].T + line["line/constant"]
        if not self._chosen["classes"]:
            scores = scores[:, 0]
        elif scores.shape[1] == 1:  # two classes: one line tells them apart
            scores = np.concatenate([-scores, scores], axis=1)
        return scores.astype(np.float32)

    def _read(self, bound: BoundCollection, target: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Pooled vectors and targets of the items that have every stream."""
        rows = bound.complete_rows()
        column = bound.column(target)
        slots = [slot.name for slot in self._slots]
        parts = [
            self.encode(bound.batch(rows[start : start + _CHUNK], slots))
            for start in range(0, len(rows), _CHUNK)
        ]
        vectors = np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)
        return vectors, np.asarray([column[row] for row in rows])

    def _weights(self) -> dict[str, NDArray[np.float64]]:
        if not self._line:
            raise PluginError("is not trained: call fit or load_state first", where="pooled-linear")
        return self._line
