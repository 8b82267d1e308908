"""What the tests share: oracle inputs, linear worlds of meanings, bases to connect."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mmbench.api import Offer, RepresentationInfo, Slot

HERE = Path(__file__).parent
KINDS = {"image": "Image", "audio": "Audio", "text": "Text", "pointcloud": "PointCloud"}


def read_json(name):
    return json.loads((HERE / name).read_text())


def rn(seed, shape):
    return np.random.RandomState(seed).standard_normal(shape)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def base(name, dims, *, dense=()):
    """A space: slot to width."""
    slots = tuple(Slot(slot, slot, (KINDS[slot],)) for slot in dims)
    offers = {Offer("global", frozenset({slot}), dim) for slot, dim in dims.items()}
    offers |= {Offer("dense", frozenset({slot}), dims[slot]) for slot in dense}
    return RepresentationInfo(name, "1", slots, frozenset(offers))


def linear_space(seed, width, modalities, *, noise=0.25, gap=0.5):
    """``encode(modality, meanings, seed)``: a random map of meanings, with a gap and noise."""
    mapped = rn(seed, (12, width)) / 12**0.5
    gaps = {each: gap * rn(seed + 1 + k, width) / width**0.5 for k, each in enumerate(modalities)}

    def encode(modality, meanings, draw):
        vectors = unit(meanings @ mapped) + gaps[modality]
        vectors = vectors + noise * rn(draw, vectors.shape) / width**0.5
        return unit(vectors).astype(np.float32)

    return encode


def meanings(seed, count):
    return unit(rn(seed, (count, 12)))


def recall_at_1(queries, gallery):
    return float((np.argmax(queries @ gallery.T, axis=1) == np.arange(len(queries))).mean())
