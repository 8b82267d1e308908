"""The linear baseline: the task's probe on pooled vectors, as predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mmbench.api import (
    Array,
    BoundCollection,
    Context,
    FitData,
    FitSpec,
    MemoryCollection,
    PluginError,
    Stream,
    UsageError,
)
from mmbench.protocols.probe import fit_probe
from mmbench_affect.pooled import Pooled
from mmbench_affect.pooled_linear import PooledLinear

STREAMS = (Stream("audio", "audio", "Array", (2,)), Stream("vision", "vision", "Array", (3,)))
RNG = np.random.default_rng(0)
FEATURES = {name: RNG.normal(1, 2, (30, width)) for name, width in (("audio", 2), ("vision", 3))}
VALUES = FEATURES["audio"][:, 0] - FEATURES["vision"][:, 1] + RNG.normal(0, 0.1, 30)


def items(rows: slice, targets: list[Any]) -> BoundCollection:
    payloads = {
        name: [Array(each.astype(np.float32)) for each in values[rows]]
        for name, values in FEATURES.items()
    }
    ids = [str(number) for number in range(len(targets[rows]))]
    streams = {each.name: each for each in STREAMS}
    held = MemoryCollection("items", ids, streams, payloads, {"target": targets[rows]})
    return BoundCollection(held, {"audio": "audio", "vision": "vision"})


def trained(kind: Any, targets: list[Any], *, valid: bool = True) -> PooledLinear:
    found = PooledLinear()
    found.bind(STREAMS)
    data = FitData(
        items(slice(20), targets),
        items(slice(20, 26), targets) if valid else None,
        FitSpec("train", "valid", ("audio", "vision"), "target", kind),
    )
    found.fit(data, Context())
    return found


def rest(*names: str) -> dict[str, list[Any]]:
    return {n: [Array(each.astype(np.float32)) for each in FEATURES[n][26:]] for n in names}


def pooled_probe(kind: Any, targets: list[Any]) -> tuple[Pooled, Any]:
    """What the task does with pooled vectors."""
    pooled = Pooled()
    pooled.bind(STREAMS)
    train, valid = items(slice(20), targets), items(slice(20, 26), targets)
    pooled.fit(FitData(train, valid, FitSpec("train", "valid", ("audio", "vision"))), Context())
    vectors = [
        pooled.encode(each.batch(range(count), ["audio", "vision"]))
        for each, count in ((train, 20), (valid, 6))
    ]
    probe = fit_probe(vectors[0], targets[:20], kind=kind, valid=(vectors[1], targets[20:26]))
    return pooled, probe


@pytest.mark.parametrize("names", [("audio",), ("vision",), ("audio", "vision")])
def test_it_predicts_what_the_probe_of_pooled_vectors_does(names: tuple[str, ...]) -> None:
    pooled, probe = pooled_probe("value", VALUES.tolist())
    wanted = probe.predict(pooled.encode(rest(*names)))
    np.testing.assert_allclose(
        trained("value", VALUES.tolist()).predict(rest(*names)), wanted, rtol=1e-5
    )
    assert np.ptp(wanted) > 0.1


@pytest.mark.parametrize("count", [2, 3])
def test_classes_have_scores_in_sorted_order(count: int) -> None:
    classes = [f"class {int(rank) * count // 30}" for rank in VALUES.argsort().argsort()]
    pooled, probe = pooled_probe("class", classes)
    scores = trained("class", classes).predict(rest("audio", "vision"))
    assert scores.shape == (4, count)
    named = np.unique(classes[:20])[scores.argmax(axis=1)]
    assert named.tolist() == probe.predict(pooled.encode(rest("audio", "vision"))).tolist()


@pytest.mark.parametrize("kind", ["value", "class"])
def test_a_state_brings_it_back(kind: str) -> None:
    middle = VALUES[:20].mean()
    model = trained(kind, [each if kind == "value" else int(each > middle) for each in VALUES])
    again = PooledLinear()
    again.bind(STREAMS)
    again.load_state(model.state())
    for names in (("audio",), ("audio", "vision")):
        np.testing.assert_array_equal(again.predict(rest(*names)), model.predict(rest(*names)))
    assert model.state().meta["probe"]["chosen_on"] == "validation items"
    alone = trained("value", VALUES.tolist(), valid=False)
    assert alone.state().meta["probe"]["value"] == 1.0


def test_it_offers_predictions_of_every_subset_and_no_vectors() -> None:
    model = PooledLinear()
    model.bind(STREAMS)
    assert {offer.kind for offer in model.info.offers} == {"prediction"}
    assert len(model.info.offers) == 3


def test_bad_input() -> None:
    model = PooledLinear()
    model.bind(STREAMS)
    with pytest.raises(PluginError, match="is not trained"):
        model.predict(rest("audio"))
    with pytest.raises(PluginError, match="is not trained"):
        model.state()
    train = items(slice(20), VALUES.tolist())
    with pytest.raises(UsageError, match="the task names none"):
        model.fit(FitData(train, None, FitSpec("train")), Context())
