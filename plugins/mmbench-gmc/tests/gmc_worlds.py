"""What the tests share: small collections of several streams that go together."""

from __future__ import annotations

import numpy as np

from mmbench.api import (
    Array,
    BoundCollection,
    Context,
    FitData,
    FitSpec,
    MemoryCollection,
    Sequence,
    Stream,
)

STREAMS = (
    Stream("image", "image", "Array", (1, 8, 8)),
    Stream("sound", "sound", "Array", (6,)),
    Stream("words", "text", "Sequence", (5, 4)),
)
SMALL = {"common": 8, "dim": 6, "head": (10,), "epochs": 3, "batch": 8}


def collection(count=30, seed=0, name="train", **columns):
    rng = np.random.default_rng(seed)
    meanings = np.arange(count) % 5
    patterns = {s.name: np.random.default_rng(9).standard_normal((5, *s.shape)) for s in STREAMS}
    payloads = {}
    for stream in STREAMS:
        noisy = patterns[stream.name][meanings] + 0.1 * rng.standard_normal((count, *stream.shape))
        kind = Sequence if stream.kind == "Sequence" else Array
        payloads[stream.name] = [kind(each.astype(np.float32)) for each in noisy]
    return MemoryCollection(
        name,
        [f"{name}-{row}" for row in range(count)],
        {stream.name: stream for stream in STREAMS},
        payloads,
        {"label": [f"c{m}" for m in meanings], "value": [m / 2 - 1 for m in meanings], **columns},
    )


def bound(items):
    return BoundCollection(items, {stream.name: stream.name for stream in STREAMS})


def fit_data(train=None, valid=None, target=None, kind=None):
    spec = FitSpec("train", "valid" if valid else None, target=target, target_kind=kind)
    return FitData(bound(train or collection()), valid and bound(valid), spec)


def fitted(model, data=None, **ctx):
    model.bind(STREAMS)
    context = Context(**ctx)
    model.load(context)
    model.fit(data or fit_data(), context)
    return model


def batch(items=None, slots=None, rows=range(4)):
    return bound(items or collection(seed=5, name="test")).batch(list(rows), slots)
