"""Retrieval against CLIP_benchmark, scikit-learn, the naive forms, and its own rules."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score

from mmbench.metrics import ranks, retrieval, vectors
from mmbench.metrics.ranks import count_pairs, tie_rank
from mmbench.metrics.retrieval import label_retrieval, pair_retrieval, retrieval_summary

ORACLES = Path(__file__).parents[1] / "oracles"
EXPECTED = json.loads((ORACLES / "retrieval.json").read_text("utf-8"))
SHARE = {"expected": 0.5, "optimistic": 0.0, "pessimistic": 1.0}
TIES = list(SHARE)
EXAMPLES = settings(deadline=None)


@pytest.fixture(scope="module")
def arrays():
    with np.load(ORACLES / "retrieval.npz") as file:
        return dict(file)


# --- against the reference implementations ------------------------------------------------------


@pytest.mark.parametrize("case", ["random", "easy"])
def test_instance_retrieval_agrees_with_the_references(arrays, case):
    both = pair_retrieval(arrays[f"{case}_a"], arrays[f"{case}_v"])
    names = {"MRR": "mrr", "mAP": "instance_mAP_sklearn", "median_rank": "medr"}
    names |= {"mean_rank": "meanr", "R@1": "R@1", "R@5": "R@5", "R@10": "R@10"}
    for direction, columns in zip(("a2v", "v2a"), both, strict=True):
        summary = retrieval_summary(columns)
        for ours, theirs in names.items():
            assert summary[ours] == pytest.approx(EXPECTED[case][f"{direction}_{theirs}"], abs=1e-6)
        assert summary["queries"] == len(arrays[f"{case}_a"])


@pytest.mark.parametrize("case", ["random", "easy"])
def test_class_retrieval_agrees_with_the_references(arrays, case):
    a, v, labels = (arrays[f"{case}_{name}"] for name in ("a", "v", "label"))
    expected = EXPECTED[case]
    forward = retrieval_summary(label_retrieval(a, v, labels, labels))
    backward = retrieval_summary(label_retrieval(v, a, labels, labels))
    assert forward["mAP"] == pytest.approx(expected["a2v_class_mAP_sklearn"], abs=1e-6)
    assert backward["mAP"] == pytest.approx(expected["v2a_class_mAP_sklearn"], abs=1e-6)
    for k in (1, 5, 10):
        assert forward[f"R@{k}"] == pytest.approx(expected[f"class_a2v_hit@{k}"], abs=1e-6)
        assert forward[f"recall@{k}"] == pytest.approx(expected[f"class_a2v_recall@{k}"], abs=1e-6)


@pytest.mark.parametrize("ties", TIES)
def test_the_all_tied_oracle(ties):
    case = EXPECTED["all_tied"]
    # Queries and items differ, each along an axis that the other side does not have.
    axes, shared, none = np.eye(case["n"]), np.ones((case["n"], 1)), np.zeros((case["n"],) * 2)
    queries = np.concatenate([axes, none, shared], axis=1)
    gallery = np.concatenate([none, axes, shared], axis=1)
    for columns in pair_retrieval(queries, gallery, ties=ties):
        np.testing.assert_array_equal(columns["rank"], case[f"{ties}_rank"])


def test_average_precision_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    queries, gallery = rng.standard_normal((30, 8)), rng.standard_normal((57, 8))
    query_labels, gallery_labels = rng.integers(0, 4, 30), rng.integers(0, 4, 57)
    columns = label_retrieval(queries, gallery, query_labels, gallery_labels)
    cosine = vectors.unit_rows(queries) @ vectors.unit_rows(gallery).T
    for i in range(30):
        truth = gallery_labels == query_labels[i]
        expected = average_precision_score(truth, cosine[i])
        assert columns["average_precision"][i] == pytest.approx(expected, abs=1e-12)


# --- against the naive forms --------------------------------------------------------------------


def naive_ranks(scores, positives, ties):
    """Rank pairs both ways by the formula of the protocol, from the whole matrix."""
    own = scores[np.arange(len(scores)), positives]
    forward = 1 + (scores > own[:, None]).sum(1)
    forward = forward + SHARE[ties] * ((scores == own[:, None]).sum(1) - 1)
    down = scores[:, positives]
    backward = 1 + (down > own).sum(0) + SHARE[ties] * ((down == own).sum(0) - 1)
    return forward, backward


@st.composite
def pairs(draw, max_queries=64, max_gallery=64):
    """Integer vectors with few distinct values (so, many ties), and one positive a query."""
    n_gallery = draw(st.integers(1, max_gallery))
    n_queries = draw(st.integers(1, min(n_gallery, max_queries)))
    dim = draw(st.integers(1, 4))
    values = st.integers(-1, draw(st.sampled_from([1, 2, 50])))
    queries = draw(hnp.arrays(np.float32, (n_queries, dim), elements=values))
    gallery = draw(hnp.arrays(np.float32, (n_gallery, dim), elements=values))
    for x in (queries, gallery):
        assume(len(x) == 1 or (x != x[0]).any())
    positives = draw(st.permutations(range(n_gallery)))[:n_queries]
    return queries, gallery, np.array(positives)


@EXAMPLES
@given(pairs(), st.sampled_from(TIES), st.integers(1, 70), st.integers(1, 70))
def test_blocks_of_any_shape_agree_with_the_naive_form(case, ties, rows, columns):
    queries, gallery, positives = case
    forward, backward = pair_retrieval(
        queries,
        gallery,
        positives=positives,
        similarity="dot",
        ties=ties,
        block=(rows, columns),
    )
    expected = naive_ranks(queries @ gallery.T, positives, ties)
    np.testing.assert_array_equal(forward["rank"], expected[0])
    np.testing.assert_array_equal(backward["rank"][positives], expected[1])
    others = np.delete(np.arange(len(gallery)), positives)
    assert all(np.isnan(values[others]).all() for values in backward.values())


@EXAMPLES
@given(pairs(), st.sampled_from(TIES))
def test_whole_block_operations_agree_with_the_fused_counts(case, ties):
    queries, gallery, positives = case
    positives = np.sort(positives)
    ours = ranks._count_on_device(queries, gallery, positives, 0.0, (7, 11))
    expected = naive_ranks(queries @ gallery.T, positives, ties)
    np.testing.assert_array_equal(tie_rank(ours.ahead, ours.tied, ties), expected[0])
    backward = tie_rank(ours.gallery_ahead, ours.gallery_tied, ties)
    np.testing.assert_array_equal(backward[positives], expected[1])


@pytest.mark.parametrize("ties", TIES)
def test_many_blocks_and_threads_agree_with_the_naive_form(ties):
    rng = np.random.default_rng(1)
    queries = rng.integers(-3, 4, (2500, 24)).astype(np.float32)
    gallery = rng.integers(-3, 4, (3001, 24)).astype(np.float32)
    positives = rng.permutation(3001)[:2500]
    threaded, alone = (
        pair_retrieval(
            queries, gallery, positives=positives, similarity="dot", ties=ties, threads=threads
        )
        for threads in (3, 1)
    )
    expected = naive_ranks(queries @ gallery.T, positives, ties)
    for both in (threaded, alone):
        np.testing.assert_array_equal(both[0]["rank"], expected[0])
        np.testing.assert_array_equal(both[1]["rank"][positives], expected[1])


def test_all_queries_above_or_tied_overflow_no_counter():
    # 2040 x 300 comparisons that are all true: more than a byte counts, down and across.
    queries = np.ones((600, 1), np.float32)
    queries[0] = 2
    gallery = np.ones((2100, 1), np.float32)
    gallery[-1] = 0
    forward, backward = pair_retrieval(
        queries,
        gallery,
        positives=np.arange(1500, 2100),
        similarity="dot",
        ties="pessimistic",
        block=(600, 2040),
    )
    np.testing.assert_array_equal(forward["rank"], [*([2099] * 599), 2100])
    np.testing.assert_array_equal(backward["rank"][1500:], [1, *([600] * 599)])


def test_float_ranks_differ_only_where_scores_lie_within_a_millionth():
    rng = np.random.default_rng(2)
    queries = rng.standard_normal((1500, 64)).astype(np.float32)
    gallery = (queries + 2 * rng.standard_normal((1500, 64))).astype(np.float32)
    scores = vectors.unit_rows(queries, double=True) @ vectors.unit_rows(gallery, double=True).T
    own = np.diag(scores)
    for ties in TIES:
        both = pair_retrieval(queries, gallery, ties=ties)
        expected = naive_ranks(scores, np.arange(1500), ties)
        near = [np.abs(scores - own[:, None]) < 1e-6, np.abs(scores - own).T < 1e-6]
        for columns, rank, close in zip(both, expected, near, strict=True):
            assert (np.abs(columns["rank"] - rank) <= close.sum(1) - 1).all()
            assert np.mean(columns["rank"] != rank) < 0.05


@pytest.mark.parametrize("dim", [16, 64])
def test_identical_gallery_items_are_ties_wherever_they_stand(dim):
    rng = np.random.default_rng(dim)
    # The same 40 vectors over and over: a query's positive has 9 or 10 twins.
    distinct = rng.standard_normal((40, dim)).astype(np.float32)
    gallery = distinct[np.arange(393) % 40]
    queries = (gallery + 0.1 * rng.standard_normal(gallery.shape)).astype(np.float32)
    twins = np.bincount(np.arange(393) % 40)[np.arange(393) % 40] - 1
    for ties in TIES:
        forward, _ = pair_retrieval(queries, gallery, ties=ties, block=(50, 100))
        np.testing.assert_array_equal(forward["rank"], 1 + SHARE[ties] * twins)


def brute_average_precision(scores, relevant, ties):
    """Precision at the mean (or best, or worst) rank of the i-th positive over all tie orders."""
    orders = [
        order
        for order in itertools.permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]
    found = np.array([[1 + at for at, j in enumerate(order) if relevant[j]] for order in orders])
    rank = {"expected": found.mean(0), "optimistic": found.min(0), "pessimistic": found.max(0)}[
        ties
    ]
    return rank, np.mean(np.arange(1, len(rank) + 1) / rank)


@EXAMPLES
@given(
    hnp.arrays(np.float64, st.integers(2, 6), elements=st.integers(0, 2)),
    st.data(),
    st.sampled_from(TIES),
)
def test_average_precision_and_recall_over_all_orders_of_the_ties(scores, data, ties):
    relevant = data.draw(hnp.arrays(bool, len(scores)))
    assume(relevant.any())
    assume((scores != scores[0]).any())
    rank, precision = brute_average_precision(scores, relevant, ties)
    columns = label_retrieval(
        [[1.0]], scores[:, None], [1], relevant.astype(int), similarity="dot", ties=ties, ks=(1, 2)
    )
    assert columns["average_precision"][0] == pytest.approx(precision, abs=1e-12)
    assert columns["rank"][0] == pytest.approx(rank[0], abs=1e-12)
    assert columns["positives"][0] == relevant.sum()
    for k in (1, 2):
        assert columns[f"recall@{k}"][0] == pytest.approx(np.mean(rank <= k), abs=1e-12)


# --- properties ---------------------------------------------------------------------------------


@EXAMPLES
@given(pairs(), st.sampled_from(TIES))
def test_one_positive_by_label_is_the_same_as_by_pair(case, ties):
    queries, gallery, positives = case
    labels = np.full(len(gallery), -1)
    labels[positives] = np.arange(len(queries))
    by_label = label_retrieval(
        queries, gallery, np.arange(len(queries)), labels, similarity="dot", ties=ties
    )
    by_pair, _ = pair_retrieval(queries, gallery, positives=positives, similarity="dot", ties=ties)
    for name, values in by_pair.items():
        np.testing.assert_allclose(by_label[name], values, atol=1e-12, err_msg=name)


@EXAMPLES
@given(pairs(), st.randoms(use_true_random=False), st.sampled_from(TIES))
def test_the_order_of_queries_and_gallery_does_not_matter(case, random, ties):
    queries, gallery, positives = case
    labels = np.arange(len(gallery)) % 3
    by_query = np.array(random.sample(range(len(queries)), len(queries)))
    by_item = np.array(random.sample(range(len(gallery)), len(gallery)))
    place = np.argsort(by_item)
    options = {"similarity": "dot", "ties": ties}
    before = pair_retrieval(queries, gallery, positives=positives, **options)
    after = pair_retrieval(
        queries[by_query], gallery[by_item], positives=place[positives[by_query]], **options
    )
    for name in before[0]:
        np.testing.assert_array_equal(before[0][name][by_query], after[0][name])
        np.testing.assert_array_equal(before[1][name][by_item], after[1][name])
    before = label_retrieval(queries, gallery, labels[positives], labels, **options)
    after = label_retrieval(
        queries[by_query], gallery[by_item], labels[positives[by_query]], labels[by_item], **options
    )
    for name in before:
        np.testing.assert_allclose(before[name][by_query], after[name], atol=1e-12)


@EXAMPLES
@given(pairs())
def test_bounds_and_the_order_of_the_tie_rules(case):
    queries, gallery, positives = case
    labels = np.arange(len(gallery)) % 4
    scored = {
        ties: (
            pair_retrieval(queries, gallery, positives=positives, similarity="dot", ties=ties)[0],
            label_retrieval(
                queries, gallery, labels[positives], labels, similarity="dot", ties=ties
            ),
        )
        for ties in TIES
    }
    for columns in itertools.chain.from_iterable(scored.values()):
        assert (columns["rank"] >= 1).all()
        assert (columns["rank"] <= len(gallery)).all()
        for name in ("reciprocal_rank", "average_precision", "hit@1"):
            assert ((columns[name] >= 0) & (columns[name] <= 1)).all()
        assert (columns["hit@1"] <= columns["hit@5"]).all()
        assert (columns["hit@5"] <= columns["hit@10"]).all()
    for best, middle, worst in zip(
        *(scored[t] for t in ("optimistic", "expected", "pessimistic")), strict=True
    ):
        for name in ("reciprocal_rank", "average_precision", "hit@1", "hit@5"):
            assert (best[name] >= middle[name] - 1e-12).all()
            assert (middle[name] >= worst[name] - 1e-12).all()


@EXAMPLES
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 20), st.just(24)), elements=st.integers(0, 5)),
    st.data(),
    st.sampled_from(TIES),
)
def test_a_higher_score_of_a_positive_never_hurts(scores, data, ties):
    # Unit queries read the score matrix off the gallery exactly.
    labels = np.arange(24) % 5
    own = np.arange(len(scores)) % 5
    query = data.draw(st.integers(0, len(scores) - 1))
    item = data.draw(st.sampled_from(np.flatnonzero(labels == own[query]).tolist()))
    better = scores.copy()
    better[query, item] += data.draw(st.integers(1, 3))
    assume(all(np.ptp(s, axis=1).any() for s in (scores, better)))
    before, after = (
        label_retrieval(np.eye(len(s)), s.T, own, labels, similarity="dot", ties=ties)
        for s in (scores, better)
    )
    for name in ("average_precision", "reciprocal_rank"):
        assert after[name][query] >= before[name][query] - 1e-12
    assert after["rank"][query] <= before["rank"][query] + 1e-12


@EXAMPLES
@given(pairs(), st.sampled_from(TIES))
def test_own_items_left_out_are_as_if_they_were_not_there(case, ties):
    queries, gallery, positives = case
    labels = np.arange(len(gallery)) % 2
    options = {"similarity": "dot", "ties": ties}
    own = positives.copy()
    own[::3] = -1
    assume(
        any(
            (np.delete(labels, o) == labels[p]).any()
            for o, p in zip(own, positives, strict=True)
            if o >= 0
        )
    )
    columns = label_retrieval(queries, gallery, labels[positives], labels, own_items=own, **options)
    scores = queries @ gallery.T
    for i, item in enumerate(own):
        keep = np.arange(len(gallery)) != item
        relevant = labels[keep] == labels[positives[i]]
        if not relevant.any():
            assert columns["positives"][i] == 0
            assert np.isnan(columns["rank"][i])
            assert np.isnan(columns["recall@5"][i])
            continue
        _, _, rank = retrieval._ranks_of_positives(
            scores[i : i + 1, keep], relevant[None], ties, 0.0
        )
        assert columns["rank"][i] == rank.min()
        assert columns["positives"][i] == len(rank)


# --- rules and options --------------------------------------------------------------------------


def test_a_tie_at_the_top_is_half_a_rank_and_no_hit_at_one():
    queries = np.eye(2)
    gallery = np.array([[1.0, 0.0], [1.0, 0.5]])
    forward, _ = pair_retrieval(queries, gallery, similarity="dot", ks=(1, 2))
    np.testing.assert_array_equal(forward["rank"], [1.5, 1.0])
    np.testing.assert_array_equal(forward["hit@1"], [0, 1])
    np.testing.assert_array_equal(forward["hit@2"], [1, 1])
    np.testing.assert_allclose(forward["reciprocal_rank"], [1 / 1.5, 1])


def test_labels_may_be_strings_and_queries_without_positive_are_left_out():
    rng = np.random.default_rng(3)
    columns = label_retrieval(
        rng.standard_normal((3, 4)),
        rng.standard_normal((4, 4)),
        np.array(["dog", "cat", "cow"]),
        np.array(["cat", "dog", "dog", "bird"]),
    )
    np.testing.assert_array_equal(columns["positives"], [2, 1, 0])
    np.testing.assert_array_equal(np.isnan(columns["rank"]), [False, False, True])
    summary = retrieval_summary(columns)
    assert summary["queries"] == 2
    assert summary["MRR"] == pytest.approx(np.mean(columns["reciprocal_rank"][:2]))
    assert summary["mean_rank"] == pytest.approx(np.mean(columns["rank"][:2]))


def test_the_median_of_an_even_number_of_ranks_may_be_a_half():
    rank = np.array([1.0, 4.0, np.nan])
    summary = retrieval_summary(retrieval._pair_columns(rank, (1, 5)))
    assert summary["median_rank"] == 2.5
    assert summary["R@1"] == 0.5
    assert summary["R@5"] == 1.0


def test_cosine_ignores_length_and_dot_does_not():
    queries = np.eye(2)
    gallery = np.array([[1.0, 0.9], [9.0, 10.0]])
    cosine, _ = pair_retrieval(queries, gallery)
    dot, _ = pair_retrieval(queries, gallery, similarity="dot")
    np.testing.assert_array_equal(cosine["rank"], [1, 1])
    np.testing.assert_array_equal(dot["rank"], [2, 1])


def test_mixed_precision_takes_the_higher_one():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((20, 5))
    half = x.astype(np.float16)
    forward, _ = pair_retrieval(half, x)
    np.testing.assert_array_equal(forward["rank"], 1)


# --- failures -----------------------------------------------------------------------------------

GOOD = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gallery": np.ones((3, 2))}, "gallery: all 3 rows are equal"),
        ({"queries": GOOD * [[1], [np.nan], [1]]}, r"queries: 1 of 3 rows \(first: row 1\)"),
        ({"gallery": GOOD * [[1], [1], [0]]}, r"gallery: 1 of 3 rows \(first: row 2\) of length"),
        ({"gallery": np.eye(3)}, "queries have 2 dimensions and gallery 3"),
        ({"gallery": GOOD[:2]}, "3 queries and 2 gallery items"),
        ({"queries": GOOD[0]}, "queries: expected a matrix"),
        ({"ties": "mean"}, "ties: expected one of expected, optimistic, pessimistic, got 'mean'"),
        ({"similarity": "l2"}, "similarity: expected 'cosine' or 'dot', got 'l2'"),
        ({"ks": (0, 1)}, "ks: expected whole numbers from 1"),
        ({"ks": ()}, "ks: expected whole numbers from 1"),
        ({"positives": [0, 1]}, "positives: expected 3 row numbers"),
        ({"positives": [0.0, 1.0, 2.0]}, "positives: expected 3 row numbers, got float64"),
        ({"positives": [0, 1, 3]}, "positives: query 2 points to gallery row 3, of 3"),
        ({"positives": [0, 1, -1]}, "positives: query 2 points to gallery row -1"),
        ({"positives": [0, 2, 2]}, r"positives: 1 gallery rows \(first: row 2\) belong to several"),
    ],
)
def test_pair_retrieval_refuses(options, message):
    given_ = {"queries": GOOD, "gallery": GOOD[::-1]} | options
    with pytest.raises(ValueError, match=message):
        pair_retrieval(**given_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gallery": np.ones((3, 2))}, "gallery: all 3 rows are equal"),
        ({"query_labels": [0, 1]}, "query_labels: expected 3 labels"),
        ({"gallery_labels": [[0, 1, 2]]}, "gallery_labels: expected 3 labels"),
        ({"gallery_labels": [7, 8, 9]}, "no query has a positive"),
        ({"own_items": [0, 1, 2]}, "no query has a positive.* once own pairs are left out"),
        ({"own_items": [0, 1, 3]}, "own_items: query 2 points to gallery row 3"),
        ({"ties": "mean"}, "ties: expected one of"),
        ({"similarity": "l2"}, "similarity: expected"),
        ({"ks": (1.5,)}, "ks: expected whole numbers"),
    ],
)
def test_label_retrieval_refuses(options, message):
    given_ = {"queries": GOOD, "gallery": GOOD[::-1]}
    given_ |= {"query_labels": [0, 1, 2], "gallery_labels": [0, 1, 2]} | options
    with pytest.raises(ValueError, match=message):
        label_retrieval(**given_)


def test_dot_products_that_would_overflow_are_refused():
    huge = np.array([[1e20, 0], [0, 1e20]], dtype=np.float32)
    with pytest.raises(ValueError, match="overflow"):
        pair_retrieval(huge, huge, similarity="dot")


def test_counting_needs_ascending_positives():
    with pytest.raises(ValueError, match="ascending"):
        count_pairs(GOOD, GOOD, np.array([1, 0, 2]))


def test_nothing_to_aggregate_is_an_error():
    with pytest.raises(ValueError, match="no query has a positive"):
        retrieval_summary(retrieval._pair_columns(np.array([np.nan]), (1,)))


# --- torch --------------------------------------------------------------------------------------


@pytest.fixture
def on_torch(monkeypatch):
    """Keep CPU tensors as tensors, so that the path for accelerators runs without one."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(vectors, "as_array", lambda x: x)
    return torch.from_numpy


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("ties", TIES)
def test_torch_scores_as_numpy_does(on_torch, similarity, ties):
    rng = np.random.default_rng(5)
    queries = rng.integers(-2, 3, (90, 6)).astype(np.float64) + 0.5
    gallery = rng.integers(-2, 3, (110, 6)).astype(np.float64) + 0.5
    positives = rng.permutation(110)[:90]
    labels = rng.integers(0, 9, 110)
    options = {"similarity": similarity, "ties": ties}
    own = np.where(np.arange(90) % 2, positives, -1)

    def score(array):
        q, g = array(queries), array(gallery)
        pair = pair_retrieval(q, g, positives=positives, block=(32, 40), **options)
        return *pair, label_retrieval(q, g, labels[positives], labels, own_items=own, **options)

    for ours, expected in zip(score(on_torch), score(np.asarray), strict=True):
        for name, values in expected.items():
            assert isinstance(ours[name], np.ndarray)
            np.testing.assert_allclose(ours[name], values, atol=1e-12, err_msg=name)


def test_torch_tensors_on_the_cpu_are_scored_by_the_fast_path():
    torch = pytest.importorskip("torch")
    x = torch.eye(5, requires_grad=True)
    forward, backward = pair_retrieval(x, x, positives=torch.arange(5))
    np.testing.assert_array_equal(forward["rank"], 1)
    np.testing.assert_array_equal(backward["hit@1"], 1)
