"""Classification against ULIP, OpenShape and GMC figures, scikit-learn, and its own rules."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from mmbench.metrics import classification, vectors
from mmbench.metrics.classification import (
    accuracy,
    class_accuracy,
    class_vectors,
    classification_summary,
    logit_columns,
    mean_class_accuracy,
    zero_shot,
)

ORACLES = Path(__file__).parents[1] / "oracles"
TIES = ["optimistic", "expected", "pessimistic"]
EXAMPLES = settings(deadline=None)


def oracle(name):
    with np.load(ORACLES / f"{name}.npz") as file:
        return dict(file), json.loads((ORACLES / f"{name}.json").read_text("utf-8"))


# --- against the reference implementations ------------------------------------------------------


def test_zero_shot_agrees_with_ulip_and_openshape():
    arrays, expected = oracle("zeroshot_cls")
    classes = class_vectors(arrays["template_embeddings"])
    columns = zero_shot(arrays["features"], classes, arrays["labels"])
    summary = classification_summary(columns, arrays["labels"], 40)
    ulip = [100 * summary[f"top{k}"] for k in (1, 3, 5)]
    np.testing.assert_allclose(ulip, expected["ulip_top1_top3_top5"], atol=1e-4)
    assert summary["top1"] == pytest.approx(expected["openshape_overall"], abs=1e-6)
    per_class = class_accuracy(columns["top1"], arrays["labels"], 40)
    for name, value in expected["per_class"].items():
        assert per_class[int(name)] == pytest.approx(value, abs=1e-6)
    assert np.flatnonzero(np.isnan(per_class)).tolist() == [13]
    mean = expected["mean_class_acc_over_present"]
    assert summary["mean_class_accuracy"] == pytest.approx(mean, abs=1e-6)
    assert summary["present_classes"] == 39
    assert summary["items"] == 300
    assert expected["openshape_class_acc_nan_when_class_absent"] == "nan"
    assert np.isnan(
        mean_class_accuracy(columns["top1"], arrays["labels"], 40, absent_classes="nan")
    )


def test_raw_prompt_means_agree_with_the_variant():
    arrays, expected = oracle("zeroshot_cls")
    prompts = arrays["template_embeddings"]
    raw = class_vectors(prompts, per_template="none")
    columns = zero_shot(arrays["features"], raw, arrays["labels"])
    assert 100 * accuracy(columns["top1"]) == pytest.approx(
        expected["raw_mean_prompt_top1"], abs=1e-4
    )
    # Rows with a class index are the same prompts in any order.
    order = np.random.default_rng(0).permutation(320)
    for per_template in ("l2", "none"):
        by_index = class_vectors(
            prompts.reshape(320, 48)[order],
            np.repeat(np.arange(40), 8)[order],
            per_template=per_template,
        )
        np.testing.assert_allclose(
            by_index, class_vectors(prompts, per_template=per_template), atol=1e-6
        )


def test_accuracy_agrees_with_gmc():
    arrays, expected = oracle("mhd_accuracy")
    top1 = logit_columns(arrays["logits"], arrays["labels"])["top1"]
    assert accuracy(top1) == pytest.approx(expected["sample_mean"], abs=1e-6)
    theirs = expected["gmc_mean_of_batch_means_bs64"]
    assert accuracy(top1, averaging="batch_mean", batch_size=64) == pytest.approx(theirs, abs=1e-6)
    assert len(top1) % 64 == expected["last_batch"]


def test_top_k_and_balanced_accuracy_agree_with_scikit_learn():
    rng = np.random.default_rng(1)
    logits, labels = rng.standard_normal((200, 7)), rng.integers(0, 7, 200)
    columns = logit_columns(logits, labels)
    for k in (1, 3, 5):
        expected = top_k_accuracy_score(labels, logits, k=k)
        assert accuracy(columns[f"top{k}"]) == pytest.approx(expected, abs=1e-12)
    expected = balanced_accuracy_score(labels, columns["prediction"])
    assert mean_class_accuracy(columns["top1"], labels, 7) == pytest.approx(expected, abs=1e-12)


# --- properties ---------------------------------------------------------------------------------


@st.composite
def scored_items(draw):
    n_classes = draw(st.integers(1, 12))
    count = draw(st.integers(1, 64))
    elements = st.integers(0, draw(st.sampled_from([1, 3, 100])))
    logits = draw(hnp.arrays(np.float64, (count, n_classes), elements=elements))
    labels = draw(hnp.arrays(np.int64, count, elements=st.integers(0, n_classes - 1)))
    return logits, labels


@EXAMPLES
@given(scored_items())
def test_bounds_and_the_order_of_the_tie_rules(case):
    logits, labels = case
    best, middle, worst = (logit_columns(logits, labels, ties=ties) for ties in TIES)
    assert (best["rank"] <= middle["rank"]).all()
    assert (middle["rank"] <= worst["rank"]).all()
    np.testing.assert_allclose(middle["rank"], (best["rank"] + worst["rank"]) / 2)
    assert (best["rank"] >= 1).all()
    assert (worst["rank"] <= logits.shape[1]).all()
    for columns in (best, middle, worst):
        assert (columns["top1"] <= columns["top3"]).all()
        assert (columns["top3"] <= columns["top5"]).all()
    hit = best["prediction"] == labels
    assert (best["top1"][hit] == 1).all()
    assert (worst["top1"][~hit] == 0).all()


@EXAMPLES
@given(scored_items(), st.randoms(use_true_random=False), st.sampled_from(TIES))
def test_the_order_of_items_and_classes_does_not_matter(case, random, ties):
    logits, labels = case
    items = np.array(random.sample(range(len(logits)), len(logits)))
    classes = np.array(random.sample(range(logits.shape[1]), logits.shape[1]))
    before = logit_columns(logits, labels, ties=ties)
    after = logit_columns(logits[items][:, classes], np.argsort(classes)[labels[items]], ties=ties)
    for name in ("rank", "top1", "top3", "top5"):
        np.testing.assert_array_equal(before[name][items], after[name])


@EXAMPLES
@given(scored_items(), st.data(), st.sampled_from(TIES))
def test_a_higher_score_of_the_true_class_never_hurts(case, data, ties):
    logits, labels = case
    item = data.draw(st.integers(0, len(logits) - 1))
    better = logits.copy()
    better[item, labels[item]] += data.draw(st.integers(1, 3))
    before, after = (logit_columns(x, labels, ties=ties)["rank"] for x in (logits, better))
    assert after[item] <= before[item]
    np.testing.assert_array_equal(np.delete(after, item), np.delete(before, item))


@EXAMPLES
@given(scored_items(), st.integers(1, 70))
def test_the_averages_of_correct_items(case, batch_size):
    logits, labels = case
    n_classes = logits.shape[1]
    top1 = logit_columns(logits, labels)["top1"]
    batches = [top1[i : i + batch_size].mean() for i in range(0, len(top1), batch_size)]
    by_batch = accuracy(top1, averaging="batch_mean", batch_size=batch_size)
    assert by_batch == pytest.approx(np.mean(batches), abs=1e-12)
    if len(top1) % batch_size == 0:
        assert by_batch == pytest.approx(accuracy(top1), abs=1e-12)
    classes = [top1[labels == c].mean() for c in range(n_classes) if (labels == c).any()]
    mean = mean_class_accuracy(top1, labels, n_classes)
    assert mean == pytest.approx(np.mean(classes), abs=1e-12)
    strict = mean_class_accuracy(top1, labels, n_classes, absent_classes="nan")
    assert np.isnan(strict) == (len(classes) < n_classes)


@EXAMPLES
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 64), st.just(3)), elements=st.integers(-2, 2)),
    st.integers(1, 30),
    st.sampled_from(TIES),
)
def test_blocks_of_items_agree_with_the_naive_form(items, block, ties):
    assume((np.abs(items).sum(1) > 0).all())
    classes = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [-1, 0, 1], [1, 1, 0]])
    assume(len(items) == 1 or np.ptp(vectors.unit_rows(items, allow_constant=True), 0).max() > 0.1)
    labels = np.arange(len(items)) % 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classification, "_BLOCK_SCORES", 5 * block)
        columns = zero_shot(items, classes, labels, ties=ties)
    # Equal cosines are equal squares over whole numbers: exact, so every tie is one.
    dots = (items.astype(int) @ classes.T).astype(object)
    squares = np.sign(dots) * dots**2 * (60 // (classes**2).sum(1))
    true = squares[np.arange(len(items)), labels][:, None]
    share = {"expected": 0.5, "optimistic": 0, "pessimistic": 1}[ties]
    tied = (squares == true).sum(1) - 1
    rank = 1 + (squares > true).sum(1) + share * tied
    np.testing.assert_array_equal(columns["rank"], rank.astype(float))


# --- rules and options --------------------------------------------------------------------------


def test_classes_may_have_different_numbers_of_prompts():
    prompts = np.array([[2.0, 0.0], [0.0, 4.0], [0.0, 1.0]])
    index = [1, 0, 1]
    half = np.sqrt(0.5)
    np.testing.assert_allclose(class_vectors(prompts, index), [[0, 1], [half, half]])
    raw = class_vectors(prompts, index, per_template="none")
    np.testing.assert_allclose(raw, [[0, 1], [2 / np.sqrt(5), 1 / np.sqrt(5)]])


@pytest.mark.parametrize("per_template", ["l2", "none"])
def test_many_prompts_in_any_order_are_averaged_block_by_block(per_template):
    rng = np.random.default_rng(0)
    index = rng.permutation(np.repeat(np.arange(70), 60))
    prompts = rng.normal(size=(70 * 60, 512)).astype(np.float32) * rng.uniform(0.1, 9, (4200, 1))
    rows = prompts / np.linalg.norm(prompts, axis=1, keepdims=True)
    means = np.stack(
        [(rows if per_template == "l2" else prompts)[index == c].mean(axis=0) for c in range(70)]
    )
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    prompts = prompts.astype(np.float32)
    found = class_vectors(prompts, index, per_template=per_template)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    broken = prompts.copy()
    broken[4000] = np.nan
    with pytest.raises(ValueError, match=r"prompts: 1 of 4200 rows \(first: row 4000\) with NaN"):
        class_vectors(broken, index, per_template=per_template)


def test_class_vectors_do_not_copy_the_prompts():
    prompts = np.random.default_rng(0).standard_normal((20_000, 512), dtype=np.float32)
    index = np.arange(20_000) % 100
    class_vectors(prompts[:100], index[:100])  # what is loaded once
    tracemalloc.start()
    class_vectors(prompts, index)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < prompts.nbytes / 2


def test_precision_and_equal_prompts_of_one_class():
    prompts = np.array([[[1, 0], [1, 0]], [[0, 1], [0, 1]]], dtype=np.float16)
    classes = class_vectors(prompts)
    assert classes.dtype == np.float32
    np.testing.assert_array_equal(classes, np.eye(2))


def test_more_places_than_classes_is_always_right():
    columns = logit_columns(np.eye(3), [1, 1, 1], ks=(1, 5))
    np.testing.assert_array_equal(columns["top5"], 1)
    np.testing.assert_array_equal(columns["prediction"], [0, 1, 2])
    np.testing.assert_array_equal(columns["rank"], [2.5, 1, 2.5])


def test_tolerance_ties_what_lies_within_it():
    logits = np.array([[1.0, 1.0 + 1e-9, 0.0]])
    assert logit_columns(logits, [0])["rank"][0] == 2
    assert logit_columns(logits, [0], tolerance=1e-6)["rank"][0] == 1.5


# --- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(3),), "a matrix of prompts needs `class_index`"),
        ((np.eye(3), [0, 2, 2]), r"1 of 3 classes have no prompt \(first: class 1\)"),
        ((np.eye(3), [0, 1]), "class_index: expected 3 class numbers"),
        ((np.eye(3), [0, 1, -1]), "class_index: item 2 has class -1"),
        ((np.full((3, 3), np.nan), [0, 1, 2]), "prompts: 3 of 3 rows"),
        ((np.zeros((2, 1, 3)),), "prompts: 2 of 2 rows .* of length zero"),
        ((np.ones((2, 2, 3)),), "class vectors: all 2 rows are equal"),
        ((np.array([[[1.0, 0], [-1, 0]], [[0, 1], [0, 1]]]),), "class vectors: 1 of 2 rows"),
    ],
)
def test_class_vectors_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        class_vectors(*arguments)


def test_class_vectors_refuses_options():
    with pytest.raises(ValueError, match="per_template: expected 'l2' or 'none', got 'mean'"):
        class_vectors(np.eye(2), [0, 1], per_template="mean")
    with pytest.raises(ValueError, match="1 of 3 classes have no prompt"):
        class_vectors(np.eye(2), [0, 1], n_classes=3)
    with pytest.raises(ValueError, match="item 1 has class 1 of 1 classes"):
        class_vectors(np.eye(2), [0, 1], n_classes=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"items": np.full((2, 2), np.inf)}, "items: 2 of 2 rows"),
        ({"items": np.ones((2, 2))}, "items: all 2 rows are equal"),
        ({"classes": np.ones((2, 2))}, "classes: all 2 rows are equal"),
        ({"classes": np.eye(3)}, "items have 2 dimensions and classes 3"),
        ({"labels": [0, 2]}, "labels: item 1 has class 2 of 2 classes"),
        ({"labels": [0]}, "labels: expected 2 class numbers"),
        ({"labels": [0.0, 1.0]}, "labels: expected 2 class numbers, got float64"),
        ({"ties": "none"}, "ties: expected one of"),
        ({"ks": (0,)}, "ks: expected whole numbers"),
    ],
)
def test_zero_shot_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        zero_shot(**{"items": np.eye(2), "classes": np.eye(2), "labels": [0, 1]} | options)


def test_logits_with_nan_are_refused():
    with pytest.raises(ValueError, match=r"logits: 1 of 2 rows \(first: row 1\) with NaN"):
        logit_columns([[0, 1], [np.nan, 2]], [0, 1])


@pytest.mark.parametrize(
    ("correct", "options", "message"),
    [
        ([], {}, "correct: expected one value for each item"),
        ([[1.0]], {}, "correct: expected one value for each item"),
        ([1, 0, np.nan], {}, r"correct: 1 of 3 values are NaN or outside 0..1 \(first: item 2"),
        ([1, 0, 2], {}, r"outside 0..1 \(first: item 2, 2.0\)"),
        ([1], {"averaging": "median"}, "averaging: expected 'sample' or 'batch_mean'"),
        ([1], {"averaging": "batch_mean"}, "batch_size: averaging='batch_mean' needs one from 1"),
        ([1], {"averaging": "batch_mean", "batch_size": 0}, "needs one from 1, got 0"),
        ([1], {"batch_size": 64}, "batch_size has no meaning"),
    ],
)
def test_accuracy_refuses(correct, options, message):
    with pytest.raises(ValueError, match=message):
        accuracy(correct, **options)


def test_class_means_refuse():
    with pytest.raises(ValueError, match="absent_classes: expected 'skip' or 'nan', got 'zero'"):
        mean_class_accuracy([1], [0], 1, absent_classes="zero")
    with pytest.raises(ValueError, match="needs 'top1'"):
        classification_summary({"top5": np.ones(2)}, [0, 1], 2)
    with pytest.raises(ValueError, match="labels: item 0 has class 3 of 2 classes"):
        class_accuracy([1], [3], 2)


# --- torch --------------------------------------------------------------------------------------


def test_torch_scores_as_numpy_does(monkeypatch):
    torch = pytest.importorskip("torch")
    for module in (vectors, classification):
        # CPU tensors stay tensors, so that the path for accelerators runs without one.
        monkeypatch.setattr(module, "as_array", lambda x: x)
    rng = np.random.default_rng(2)
    prompts, items = rng.standard_normal((6, 3, 5)), rng.standard_normal((50, 5))
    labels = rng.integers(0, 6, 50)
    expected = zero_shot(items, class_vectors(prompts), labels)
    classes = class_vectors(torch.from_numpy(prompts))
    assert isinstance(classes, torch.Tensor)
    ours = zero_shot(torch.from_numpy(items), classes, torch.from_numpy(labels))
    for name, values in expected.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)
