"""The retrieval protocol: references, every option, closed-form chance against simulation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import DataError, ItemTable, ScoreInputs, UsageError
from mmbench.protocols.retrieval import KS, RetrievalTask
from mmbench.protocols.retrieval_levels import random_ranking
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

ORACLES = Path(__file__).parents[1] / "oracles"
WAYS = ("image→text", "text→image")


class Pairs(RetrievalTask):
    name = "pairs"

    def collections(self, datasets):
        raise NotImplementedError


def inputs_of(arrays=None, n=40, **columns):
    ids = [f"item-{i}" for i in range(n)]
    return ScoreInputs(arrays or {}, {"pairs": ItemTable(ids, columns)})


def with_arrays(task, level, inputs, seed=0):
    arrays = task.reference_arrays(level, inputs, np.random.default_rng(seed))
    return ScoreInputs(arrays, inputs.tables, inputs.similarity, inputs.seed)


def values_of(task, inputs):
    evaluation = task.score(inputs)
    values = evaluate_metrics(task.info, evaluation, resamples=50)
    assert check_values(task.info, values) == []
    return {name: metric.value for name, metric in values.items()}


LABELS = [i % 7 for i in range(40)]
GROUPS = [i // 2 if i < 10 else i for i in range(40)]
VARIANTS = {
    "instance": {},
    "optimistic": {"ties": "optimistic"},
    "pessimistic": {"ties": "pessimistic"},
    "class": {"relevance": "class"},
    "class, others only": {"relevance": "class", "own_pair": False},
    "class, first": {"relevance": "class", "duplicates": "first"},
    "joint": {"duplicates": "joint"},
    "first": {"duplicates": "first"},
}
variants = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


@variants
def test_perfect_arrays_reach_the_ceiling(options):
    task = Pairs(**options)
    inputs = with_arrays(task, "perfect", inputs_of(label=LABELS, group=GROUPS))
    ceiling = task.reference_levels(inputs)["ceiling"]
    assert values_of(task, inputs) == pytest.approx(ceiling, abs=1e-12)
    assert set(ceiling) == {metric.name for metric in task.info.metrics}


@variants
def test_random_arrays_score_chance(options):
    task = Pairs(**options)
    inputs = inputs_of(label=LABELS, group=GROUPS)
    chance = task.reference_levels(inputs)["chance"]
    trials = [values_of(task, with_arrays(task, "random", inputs, seed)) for seed in range(40)]
    for name, expected in chance.items():
        drawn = np.array([trial[name] for trial in trials])
        slack = 4.5 * drawn.std(ddof=1) / np.sqrt(len(drawn)) + 1e-9
        # A sample's median is not quite unbiased for the distribution's.
        assert abs(drawn.mean() - expected) <= slack + (0.5 if "median" in name else 0), name


@variants
def test_constant_arrays_are_refused(options):
    task = Pairs(**options)
    with pytest.raises(ValueError, match="constant"):
        task.score(with_arrays(task, "constant", inputs_of(label=LABELS, group=GROUPS)))


@variants
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_broken_vectors_are_refused(options, broken):
    task = Pairs(**options)
    inputs = with_arrays(task, "random", inputs_of(label=LABELS, group=GROUPS))
    inputs.arrays["text"][4, 5] = broken
    with pytest.raises(ValueError, match="NaN or infinite"):
        task.score(inputs)


@variants
def test_scoring_is_pure_and_does_not_depend_on_the_order_of_items(options):
    if options.get("duplicates") == "first":
        options = options | {"duplicates": "distinct"}  # which one is first depends on the order
    task = Pairs(**options)
    inputs = with_arrays(task, "random", inputs_of(label=LABELS, group=GROUPS))
    before = {name: array.copy() for name, array in inputs.arrays.items()}
    first, again = task.score(inputs), task.score(inputs)
    for name, column in first.tables["items"].columns.items():
        np.testing.assert_array_equal(column, again.tables["items"][name])
    for name, array in before.items():
        np.testing.assert_array_equal(array, inputs.arrays[name])

    order = np.random.default_rng(1).permutation(40)
    shuffled = inputs_of(
        {name: array[order] for name, array in inputs.arrays.items()},
        label=[LABELS[i] for i in order],
        group=[GROUPS[i] for i in order],
    )
    moved = task.score(shuffled).tables["items"]
    for name, column in first.tables["items"].columns.items():
        np.testing.assert_allclose(moved[name], np.asarray(column)[order], err_msg=name)


def test_tie_rules_are_ordered():
    vectors = np.repeat(np.eye(4, 8, dtype=np.float32), 3, axis=0)
    inputs = inputs_of({"image": vectors, "text": vectors.copy()}, n=12)
    mean = {
        ties: values_of(Pairs(ties=ties), inputs)
        for ties in ("optimistic", "expected", "pessimistic")
    }
    ranks = [mean[ties]["image→text median rank"] for ties in mean]
    assert ranks == [1.0, 2.0, 3.0]
    assert [mean[ties]["image→text R@1"] for ties in mean] == [1.0, 0.0, 0.0]


def test_joint_duplicates_are_positives_of_each_other():
    # Items 0 and 1 are one video: each is nearer to the other's text than to its own.
    image = np.eye(3, 4, dtype=np.float32)
    text = image[[1, 0, 2]]
    columns = {"n": 3, "group": ["a", "a", "b"]}
    distinct = values_of(Pairs(), inputs_of({"image": image, "text": text}, **columns))
    joint = values_of(
        Pairs(duplicates="joint"), inputs_of({"image": image, "text": text}, **columns)
    )
    assert distinct["image→text R@1"] == pytest.approx(1 / 3)
    assert joint["image→text R@1"] == 1.0
    assert joint["image→text recall@1"] == pytest.approx((0.5 + 0.5 + 1) / 3)


def test_later_duplicates_are_left_out_and_noted():
    task = Pairs(duplicates="first")
    inputs = with_arrays(task, "random", inputs_of(label=LABELS, group=GROUPS))
    evaluation = task.score(inputs)
    kept = [0, 2, 4, 6, 8, *range(10, 40)]
    assert list(evaluation.tables["items"].ids) == [f"item-{i}" for i in kept]
    assert evaluation.parameters["candidates"] == 35
    assert "5 items repeat" in evaluation.notes[0]
    alone = inputs_of({name: array[kept] for name, array in inputs.arrays.items()}, n=35)
    assert values_of(task, inputs) == values_of(Pairs(), alone)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"query": "text"}, "both 'text'"),
        ({"own_pair": False}, "no positive"),
        ({"relevance": "class", "duplicates": "joint"}, "no meaning"),
    ],
)
def test_contradicting_options_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        Pairs(**options)


@pytest.mark.parametrize(
    ("options", "columns", "said"),
    [
        ({"relevance": "class"}, {"tens": LABELS}, "no column 'label'.*\n.*tens"),
        ({"duplicates": "joint"}, {}, "no column 'group'"),
        ({"relevance": "class"}, {"label": [None, *LABELS[1:]]}, "1 items have no 'label'"),
        ({"relevance": "class"}, {"label": [float("nan"), *LABELS[1:]]}, "1 items have no"),
        ({"relevance": "class", "own_pair": False}, {"label": list(range(40))}, "none is positive"),
    ],
)
def test_columns_that_an_option_needs_are_asked_for(options, columns, said):
    task = Pairs(**options)
    arrays = Pairs().reference_arrays("random", inputs_of(), np.random.default_rng(0))
    with pytest.raises(DataError, match=said):
        task.score(inputs_of(arrays, **columns))


@pytest.mark.parametrize("name", ["random", "easy"])
def test_oracle(name):
    said = json.loads((ORACLES / "retrieval.json").read_text())[name]
    with np.load(ORACLES / "retrieval.npz") as arrays:
        a, v, label = (arrays[f"{name}_{what}"] for what in ("a", "v", "label"))
    tables = {"pairs": ItemTable([str(i) for i in range(len(a))], {"label": label.tolist()})}
    inputs = ScoreInputs({"audio": a, "image": v}, tables)
    found = values_of(Pairs(query="audio", gallery="image"), inputs)
    for short, way in (("a2v", "audio→image"), ("v2a", "image→audio")):
        for k in KS:
            assert found[f"{way} R@{k}"] == pytest.approx(said[f"{short}_R@{k}"], abs=1e-6)
        assert found[f"{way} median rank"] == said[f"{short}_medr"]
        assert found[f"{way} MRR"] == pytest.approx(said[f"{short}_mrr"], abs=1e-9)
        assert found[f"{way} mAP"] == pytest.approx(said[f"{short}_instance_mAP_sklearn"], abs=1e-9)
    by_class = values_of(Pairs(query="audio", gallery="image", relevance="class"), inputs)
    for k in KS:
        for ours, theirs in ((f"R@{k}", f"hit@{k}"), (f"recall@{k}", f"recall@{k}")):
            expected = said[f"class_a2v_{theirs}"]
            assert by_class[f"audio→image {ours}"] == pytest.approx(expected, abs=1e-6)
    for short, way in (("a2v", "audio→image"), ("v2a", "image→audio")):
        expected = said[f"{short}_class_mAP_sklearn"]
        assert by_class[f"{way} mAP"] == pytest.approx(expected, abs=1e-9)


def simulate(codes, *, own_pair, rounds, rng):
    """Score random rankings one by one, from the definitions."""
    n = len(codes)
    totals = {name: [] for name in ("MRR", "mAP", *(f"R@{k}" for k in KS))}
    totals |= {f"recall@{k}": [] for k in KS}
    best = []
    for _ in range(rounds):
        for query in range(n):
            others = np.array([i for i in range(n) if own_pair or i != query])
            relevant = codes[rng.permutation(others)] == codes[query]
            at = np.flatnonzero(relevant) + 1
            if not len(at):
                continue
            best.append(at[0])
            totals["MRR"].append(1 / at[0])
            totals["mAP"].append(np.mean(np.arange(1, len(at) + 1) / at))
            for k in KS:
                totals[f"R@{k}"].append(at[0] <= k)
                totals[f"recall@{k}"].append(np.mean(at <= k))
    return totals, np.array(best)


CODES = {
    "instance": list(range(12)),
    "uneven": [0] * 3 + [1] * 4 + [2] + [3] * 6,
    "tiny": [0, 0, 1],
    "two classes": [0] * 8 + [1] * 7,
}


@pytest.mark.parametrize(
    ("labelled", "own_pair"),
    [(name, own) for name in CODES for own in (True, False) if own or name != "instance"],
)
def test_chance_in_closed_form_agrees_with_simulation(labelled, own_pair):
    codes = np.array(CODES[labelled])
    chance, ceiling = random_ranking(codes, KS, own_pair=own_pair)
    drawn, best = simulate(
        codes, own_pair=own_pair, rounds=6_000 // len(codes), rng=np.random.default_rng(5)
    )
    for name, values in drawn.items():
        slack = 4.5 * np.std(values) / np.sqrt(len(values)) + 1e-12
        assert chance[name] == pytest.approx(np.mean(values), abs=slack), name
        assert chance[name] <= ceiling[name] + 1e-12
    # A median has at least half of the draws on either side of it.
    slack = 4.5 * 0.5 / np.sqrt(len(best))
    assert np.mean(best <= np.ceil(chance["median rank"])) >= 0.5 - slack
    assert np.mean(best >= np.floor(chance["median rank"])) >= 0.5 - slack


@pytest.mark.parametrize("n", [1, 2, 5, 400, 50_000])
def test_chance_of_instance_retrieval_is_exact(n):
    chance, _ = random_ranking(np.arange(n), KS, own_pair=True)
    assert chance["median rank"] == (n + 1) / 2
    assert chance["R@5"] == pytest.approx(min(5 / n, 1))
    assert chance["MRR"] == pytest.approx(np.sum(1 / np.arange(1, n + 1)) / n)
    assert chance["mAP"] == pytest.approx(chance["MRR"])


def test_chance_is_undefined_without_positives():
    chance, ceiling = random_ranking(np.arange(4), KS, own_pair=False)
    assert all(np.isnan(value) for value in (*chance.values(), *ceiling.values()))


def test_info_names_each_metric_once_and_ladders_by_direction():
    info = Pairs(relevance="class").info
    names = [metric.name for metric in info.metrics]
    assert len(set(names)) == len(names)
    assert info.primary == "image→text R@1"
    assert info.equal == ()
    assert Pairs().info.equal == tuple((f"{way} MRR", f"{way} mAP") for way in WAYS)
    assert {metric.ladder[0] for metric in info.metrics if metric.ladder} == {
        f"{way} {what}" for way in WAYS for what in ("R", "recall")
    }


def test_a_representation_that_compares_by_dot_product_is_ranked_by_it():
    # The second text is longest, so by dot product it is everybody's nearest.
    image = np.array([[1, 0.1], [0.1, 1]], np.float32)
    text = np.array([[1, 0], [9, 9]], np.float32)
    tables = inputs_of(n=2).tables
    ranks = {
        similarity: Pairs()
        .score(ScoreInputs({"image": image, "text": text}, tables, similarity))
        .tables["items"]["image→text rank"]
        .tolist()
        for similarity in ("cosine", "dot")
    }
    assert ranks == {"cosine": [1.0, 1.0], "dot": [2.0, 1.0]}
