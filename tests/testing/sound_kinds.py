"""A sound representation of the payload kinds that ``Sound`` does not take."""

from __future__ import annotations

import numpy as np
from sound_representation import DIM, Sound

from mmbench.api import Offer, RepresentationInfo, Slot

SLOTS = (
    Slot("cloud", "pointcloud", ("PointCloud",)),
    Slot("motion", "motion", ("Sequence",)),
    Slot("numbers", "numbers", ("Array",), (4, 5)),
    Slot("clip", "video", ("Video",)),
    Slot("product", "table", ("Table",)),
    Slot("symbols", "symbols", ("Tokens",)),
)


class Kinds(Sound):
    """Clouds, sequences, arrays, videos, tables and tokens, one at a time."""

    @property
    def info(self):
        offers = frozenset(Offer("global", frozenset({slot.name}), DIM) for slot in SLOTS)
        return RepresentationInfo(
            name="kinds",
            version=self.version,
            slots=SLOTS,
            offers=offers,
            citation="https://example.org/kinds",
        )

    def one(self, slot, payload):
        return self.gain * np.resize(getattr(self, slot)(payload), DIM).astype(np.float32)

    def cloud(self, payload):
        xyz = payload.xyz.astype(np.float64)
        colours = [0.5, 0.5, 0.5] if payload.rgb is None else payload.rgb.mean(axis=0)
        return np.concatenate([xyz.mean(axis=0), xyz.std(axis=0), colours])

    def motion(self, payload):
        return np.concatenate([payload.values.mean(axis=0), payload.values.std(axis=0)])

    def numbers(self, payload):
        return payload.values.ravel()

    def clip(self, payload):
        frames = payload.frames.astype(np.float64) / 255
        return frames.mean(axis=(0, 1, 2))

    def product(self, payload):
        counts = np.zeros(DIM)
        for name, cell in payload.cells.items():
            number = cell if isinstance(cell, (int, float)) else len(str(cell))
            counts[sum(map(ord, name)) % DIM] += float(number) / 20
        return counts

    def symbols(self, payload):
        return np.bincount(payload.ids % DIM, minlength=DIM) / max(len(payload.ids), 1)
