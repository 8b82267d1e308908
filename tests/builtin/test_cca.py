"""CCA: equal to scikit-learn's without a ridge; what it learns on the numbers world."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numbers_samples import bound, fit_cca, load_all, recall_at_1, unit

from mmbench.api import (
    Array,
    Audio,
    Context,
    FitData,
    FitSpec,
    Image,
    MemoryCollection,
    PluginError,
    State,
    Stream,
    UsageError,
)
from mmbench.builtin.representations.canonical import canonical_maps, whitening
from mmbench.builtin.representations.cca import CCA


def paired_views(rows=400, seed=0):
    """Two views of three shared variables and plenty of noise, centred."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(rows, 3))
    views = [
        shared @ rng.normal(size=(3, width)) + noise * rng.normal(size=(rows, width))
        for width, noise in ((6, 0.5), (5, 1.0))
    ]
    return [view - view.mean(axis=0) for view in views]


def test_without_a_ridge_it_finds_scikit_learns_canonical_correlations():
    from sklearn import cross_decomposition

    first, second = paired_views()
    reference = cross_decomposition.CCA(n_components=5, scale=False, max_iter=5000, tol=1e-12)
    scores = reference.fit_transform(first, second)
    expected = [np.corrcoef(scores[0][:, k], scores[1][:, k])[0, 1] for k in range(5)]
    maps, correlations = canonical_maps(first, second, shrinkage=0.0, components=99)
    np.testing.assert_allclose(correlations, expected, atol=1e-6)
    projected = first @ maps[0], second @ maps[1]
    for k in range(3):
        found = np.corrcoef(projected[0][:, k], projected[1][:, k])[0, 1]
        assert found == pytest.approx(expected[k], abs=1e-6)
        assert abs(np.corrcoef(projected[0][:, k], scores[0][:, k])[0, 1]) == pytest.approx(1)


def test_the_ridge_limit_is_smooth_and_shrinks_correlations():
    first, second = paired_views()
    plain = canonical_maps(first, second, shrinkage=0.0, components=99)[1]
    nearly = canonical_maps(first, second, shrinkage=1e-9, components=99)[1]
    ridge = canonical_maps(first, second, shrinkage=0.3, components=99)[1]
    np.testing.assert_allclose(plain, nearly, atol=1e-7)
    assert (ridge < plain).all()
    assert plain[0] <= 1.0


def test_two_variables_by_hand():
    first = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    second = np.array([[2.0], [-2.0], [-2.0], [2.0]])
    maps, correlations = canonical_maps(first, second + first, shrinkage=0.0, components=9)
    # var(first) = 1, var(second + first) = 4 + 1, cov = 1
    np.testing.assert_allclose(correlations, [1 / np.sqrt(5)])
    np.testing.assert_allclose(maps[0], [[1.0]])
    np.testing.assert_allclose(maps[1], [[1 / np.sqrt(5)]])


def test_whitening_is_the_inverse_of_the_shrunk_covariance():
    from sklearn.covariance import shrunk_covariance

    (view, _) = paired_views()
    white = whitening(view, 0.2, 99)
    expected = shrunk_covariance(view.T @ view / len(view), shrinkage=0.2)
    np.testing.assert_allclose(np.linalg.inv(white @ white.T), expected, rtol=1e-9, atol=1e-12)


def test_more_features_than_items_go_by_the_gram_matrix():
    rng = np.random.default_rng(1)
    view = rng.normal(size=(20, 50))
    view -= view.mean(axis=0)
    white = whitening(view, 0.1, 99)
    assert white.shape == (50, 19)
    scores = view @ white
    covariance = scores.T @ scores / 20
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-10)
    values = np.sort(np.linalg.eigvalsh(view.T @ view / 20))[::-1][:19]
    np.testing.assert_allclose(
        np.diag(covariance), values / (0.9 * values + 0.1 * values.sum() / 50)
    )


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((5, 2)), np.eye(5), "constant"),
        (np.eye(5), np.eye(4), "no pairs"),
    ],
)
def test_views_that_can_not_correlate_are_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        canonical_maps(first, second, shrinkage=0.1, components=9)


def encoded(model, collection, rows=None):
    return [model.encode({slot: load_all(collection, slot, rows)}) for slot in model.slots]


def test_numbers_never_seen_are_found_by_their_sound(world, image_audio):
    image, audio = encoded(image_audio, world["test"])
    assert image.dtype == np.float32
    assert recall_at_1(audio, image) > 0.5  # chance 0.0025
    assert recall_at_1(image, audio) > 0.5
    assert image_audio.correlations.max() <= 1.0


def test_two_spaces_fitted_apart_share_no_directions(world, image_audio):
    words = fit_cca(world["train"], second="text")
    image, text = encoded(words, world["test"])
    assert recall_at_1(text, image) > 0.6
    _, audio = encoded(image_audio, world["test"])
    assert recall_at_1(text, audio) < 0.02


def test_a_second_fit_gives_the_same_bytes_and_its_state_goes_through_json(world, single_digits):
    again = fit_cca(world["digits-train"], dim=single_digits.dim)
    first, second = single_digits.state(), again.state()
    assert first.meta == second.meta
    assert {k: v.tobytes() for k, v in first.arrays.items()} == {
        k: v.tobytes() for k, v in second.arrays.items()
    }
    restored = CCA()
    restored.load_state(State(dict(first.arrays), json.loads(json.dumps(first.meta))))
    scenes = world["scenes-valid"]
    batch = {"image": load_all(scenes, "image", range(3))}
    np.testing.assert_array_equal(restored.encode_dense(batch), single_digits.encode_dense(batch))
    for one, other in zip(
        encoded(restored, world["digits-test"], range(9)),
        encoded(single_digits, world["digits-test"], range(9)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_both_slots_make_the_mean_of_unit_vectors(world, image_audio):
    rows = range(8)
    parts = dict(zip(("image", "audio"), encoded(image_audio, world["test"], rows), strict=True))
    both = image_audio.encode({slot: load_all(world["test"], slot, rows) for slot in parts})
    np.testing.assert_array_equal(both, image_audio.fuse(parts))
    np.testing.assert_allclose(both, (unit(parts["image"]) + unit(parts["audio"])) / 2, atol=1e-6)


def test_a_vector_does_not_depend_on_its_batch(world, image_audio):
    whole = encoded(image_audio, world["valid"], range(20))
    for slot, vectors in zip(image_audio.slots, whole, strict=True):
        single = [
            image_audio.encode({slot: [payload]})
            for payload in load_all(world["valid"], slot, range(20))
        ]
        np.testing.assert_allclose(np.concatenate(single), vectors, rtol=1e-6, atol=1e-7)


def test_dense_maps_find_the_sounding_digit_better_than_the_centre_square(world, single_digits):
    scenes = world["scenes-test"]
    rows = range(60)
    maps = single_digits.encode_dense({"image": load_all(scenes, "image", rows)})
    assert maps.shape == (60, 14, 14, single_digits.dim)
    np.testing.assert_allclose(np.linalg.norm(maps, axis=-1), 1.0, atol=1e-5)
    audio = unit(single_digits.encode({"audio": load_all(scenes, "audio", rows)}))
    heat = np.einsum("bhwd,bd->bhw", maps, audio)
    overlaps, centre = [], []
    for row in rows:
        truth = np.zeros((112, 112), bool)
        x1, y1, x2, y2 = np.rint(np.array(scenes.columns["boxes"][row][0]) * 112).astype(int)
        truth[y1:y2, x1:x2] = True
        large = np.kron(heat[row], np.ones((8, 8)))
        mask = large >= np.sort(large, axis=None)[-truth.sum()]
        overlaps.append((mask & truth).sum() / (mask | truth).sum())
        square = np.zeros_like(truth)
        square[16:96, 16:96] = True
        centre.append((square & truth).sum() / (square | truth).sum())
    assert np.mean(overlaps) > 3 * np.mean(centre)


def test_empty_paper_resembles_nothing(world, single_digits):
    blank = Image(np.zeros((112, 112, 3), np.uint8))
    cells = single_digits.encode_dense({"image": [blank]})[0].reshape(-1, single_digits.dim)
    audio = unit(
        single_digits.encode({"audio": load_all(world["digits-test"], "audio", range(50))})
    )
    image = unit(
        single_digits.encode({"image": load_all(world["digits-test"], "image", range(50))})
    )
    assert np.abs(cells @ audio.T).max() < 0.5 < np.diag(image @ audio.T).mean()
    assert (image[:, -1] == 0).all()


def test_offers_and_names():
    info = CCA(first="audio", second="text", dim=16).info
    assert info.name == "cca-audio-text"
    assert not info.seeded
    assert info.offer("global", frozenset({"audio", "text"})).dim == 16
    assert not any(offer.kind == "dense" for offer in info.offers)
    assert CCA().info.offer("dense", frozenset({"image"})) is not None


def arrays(rows, *, missing=(), width=4, seed=0):
    """A collection of two streams of plain vectors that share two variables."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(rows, 2))
    payloads = {}
    for name in ("one", "two"):
        values = shared @ rng.normal(size=(2, width)) + 0.1 * rng.normal(size=(rows, width))
        payloads[name] = [
            None if name == "two" and row in missing else Array(values[row].astype(np.float32))
            for row in range(rows)
        ]
    streams = {name: Stream(name, name, "Array") for name in payloads}
    return MemoryCollection("pairs", [str(row) for row in range(rows)], streams, payloads)


def test_items_without_a_partner_are_passed_over():
    complete = arrays(50)
    model = fit_cca(complete, first="one", second="two", dim=3)
    partial = arrays(50, missing={3, 7})
    assert fit_cca(partial, first="one", second="two", dim=3).state().arrays["mean/one"] != (
        pytest.approx(model.state().arrays["mean/one"])
    )
    with pytest.raises(UsageError, match="has 1 pairs"):
        fit_cca(arrays(50, missing=set(range(1, 50))), first="one", second="two")


def test_fewer_directions_than_asked_for_leave_zeros():
    model = fit_cca(arrays(50), first="one", second="two", dim=9)
    vectors = model.encode({"one": load_all(arrays(50), "one")})
    assert vectors.shape == (50, 9)
    assert (vectors[:, 4:] == 0).all()
    assert (vectors[:, :4] != 0).all()


def test_an_untrained_model_says_so():
    for call in (CCA().state, lambda: CCA().encode({"image": []})):
        with pytest.raises(PluginError, match="not trained"):
            call()


def test_a_training_collection_without_the_stream_is_refused(world):
    data = FitData(bound(world["scenes-valid"], ["image"]), None, FitSpec("train"))
    with pytest.raises(UsageError, match="no stream for slot 'audio'"):
        CCA().fit(data, Context())


def test_payloads_of_another_shape_are_refused():
    model = fit_cca(arrays(50), first="one", second="two")
    with pytest.raises(UsageError, match="trained on 4 features and is handed 5"):
        model.encode({"one": load_all(arrays(3, width=5), "one")})
    mixed = load_all(arrays(1), "one") + load_all(arrays(1, width=5), "one")
    with pytest.raises(UsageError, match="differ in shape"):
        model.encode({"one": mixed})


def test_dense_maps_need_pictures(single_digits):
    with pytest.raises(UsageError, match="needs a picture"):
        single_digits.encode_dense({"image": [Audio(np.zeros((1, 9), np.float32), 8000)]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "audio", "second": "audio"}, "two different modalities"),
        ({"first": ""}, "two different modalities"),
        ({"dim": 1}, "dim must be at least 2"),
        ({"components": 0}, "components must be at least 1"),
        ({"cells": 0}, "cells must be at least 1"),
        ({"grid": 0}, "grid must be at least 1"),
        ({"shrinkage": 1.5}, "shrinkage must lie in 0..1"),
        ({"scales": ()}, "scales must be positive"),
        ({"scales": (1.0, -1.0)}, "scales must be positive"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        CCA(**options)
