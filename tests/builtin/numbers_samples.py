"""What the tests of the built-in plugin share: payloads, spectra, a fitted CCA."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import BoundCollection, Context, FitData, FitSpec
from mmbench.builtin.representations.cca import CCA

if TYPE_CHECKING:
    from pathlib import Path


def hash_file(path: Path) -> str:
    return blake2b(path.read_bytes(), digest_size=16).hexdigest()


def load_all(collection, stream, rows=None):
    rows = range(len(collection)) if rows is None else rows
    return [collection.load(row, stream) for row in rows]


def bound(collection, slots) -> BoundCollection:
    return BoundCollection(collection, {slot: slot for slot in slots})


def fit_cca(collection, **options) -> CCA:
    model = CCA(**options)
    model.fit(FitData(bound(collection, model.slots), None, FitSpec(collection.name)), Context())
    return model


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def recall_at_1(queries, gallery) -> float:
    """Share of rows whose own partner is the nearest."""
    scores = unit(queries) @ unit(gallery).T
    return float((scores.argmax(axis=1) == np.arange(len(scores))).mean())


def peaks(samples) -> list[float]:
    """The loudest frequency below and above 1,080 Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16000))
    return [(1200 + spectrum[1200:2160].argmax()) / 2, (2160 + spectrum[2160:].argmax()) / 2]
