"""Missing modalities: references, strategies and heads, every named option, purity."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import (
    Array,
    ItemTable,
    MemoryCollection,
    Request,
    ScoreInputs,
    Stream,
    Text,
    UsageError,
)
from mmbench.metrics.affect import AFFECT_METRICS
from mmbench.options import declared_options, resolve_options
from mmbench.protocols.missing import MissingModalitiesTask
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

ORACLES = Path(__file__).parents[1] / "oracles"
AFFECT = json.loads((ORACLES / "affect_regression.json").read_text("utf-8"))
SIZES = {"train": 200, "valid": 60, "test": 130}


class Missing(MissingModalitiesTask):
    name = "toy"

    def splits(self, datasets):
        return datasets


def tables_of(kind="class", sizes=None, seed=0):
    rng = np.random.default_rng(seed)
    tables = {}
    for split, n in (sizes or SIZES).items():
        values = rng.uniform(-3, 3, n) if kind == "value" else rng.permutation(np.arange(n) % 5)
        ids = [f"{split}/{row}" for row in range(n)]
        tables[split] = ItemTable(ids, {"label": values.tolist(), "parent": ids})
    test = tables["test"]
    return tables | {f"test/{name}": test for name in ("a", "b", "c", "a+b", "a+c", "b+c")}


def inputs_of(task, level="random", seed=0, tables=None):
    tables = tables or tables_of(task.target_kind)
    rng = np.random.default_rng(seed)
    return ScoreInputs(task.reference_arrays(level, ScoreInputs({}, tables), rng), tables)


def values_of(task, inputs, resamples=200):
    values = evaluate_metrics(task.info, task.score(inputs), resamples=resamples)
    assert check_values(task.info, values) == []
    return values


VARIANTS = [
    {"target_kind": kind, "head": head, "strategy": strategy}
    for kind, head, strategy in product(
        ("class", "value"), ("probe", "predict"), ("drop", "zero", "mean")
    )
    if (head, strategy) != ("predict", "mean")
]
variants = pytest.mark.parametrize(
    "options", VARIANTS, ids=["-".join(each.values()) for each in VARIANTS]
)


@variants
def test_perfect_arrays_reach_the_ceiling(options):
    task = Missing(streams=("a", "b"), **options)
    inputs = inputs_of(task, "perfect")
    found = values_of(task, inputs)
    ceiling = task.reference_levels(inputs)["ceiling"]
    assert set(ceiling) == {metric.name for metric in task.info.metrics}
    averaged = options["target_kind"] == "value" and options["strategy"] == "mean"
    for name, value in found.items():
        if averaged and not name.startswith("complete"):
            continue  # half of what the probe relies on is filled with a mean
        # Ridge shrinks a little: a truth beside a class boundary may fall across it.
        assert value.value == pytest.approx(ceiling[name], abs=0.01), name


@variants
def test_random_arrays_score_chance_within_their_interval(options):
    task = Missing(streams=("a", "b"), **options)
    inputs = inputs_of(task, "random")
    chance = task.reference_levels(inputs)["chance"]
    found = values_of(task, inputs)
    if options["target_kind"] == "class":
        for name, value in found.items():
            half = 1.5 * (value.high - value.low)
            assert abs(value.value - chance[name]) <= half, name
    else:
        for label in ("a", "b", "complete"):
            correlation = found[f"{label} pearson"]
            assert abs(correlation.value) < 0.35
            assert found[f"{label} mae"].value > 0.9 * chance[f"{label} mae"]
            assert np.isnan(chance[f"{label} pearson"])


@variants
def test_constant_and_nan_arrays_are_refused(options):
    task = Missing(streams=("a", "b"), **options)
    inputs = inputs_of(task, "constant")
    with pytest.raises(ValueError, match=r"equal|same"):
        task.score(inputs)
    for name in inputs.arrays:
        arrays = dict(inputs_of(task, "random").arrays)
        arrays[name] = arrays[name].copy()
        arrays[name][3, 0] = np.nan
        with pytest.raises(ValueError, match=r"NaN|finite"):
            task.score(ScoreInputs(arrays, inputs.tables))


@variants
def test_the_order_of_items_does_not_matter(options):
    task = Missing(streams=("a", "b"), **options)
    inputs = noisy(task)
    order = {split: np.random.default_rng(1).permutation(n) for split, n in SIZES.items()}
    tables = {
        name: ItemTable(
            [table.ids[row] for row in order[name.split("/")[0]]],
            {
                key: [values[row] for row in order[name.split("/")[0]]]
                for key, values in table.columns.items()
            },
        )
        for name, table in inputs.tables.items()
    }
    arrays = {name: each[order[name.split(" ")[0]]] for name, each in inputs.arrays.items()}
    before = values_of(task, inputs, resamples=2)
    after = values_of(task, ScoreInputs(arrays, tables), resamples=2)
    for name, value in before.items():
        assert after[name].value == pytest.approx(value.value, abs=1e-6), name


def noisy(task, seed=0):
    """Perfect arrays under noise: neither chance nor ceiling."""
    inputs = inputs_of(task, "perfect")
    rng = np.random.default_rng(seed)
    arrays = {
        name: (each + rng.normal(scale=0.6, size=each.shape)).astype(np.float32)
        for name, each in inputs.arrays.items()
    }
    return ScoreInputs(arrays, inputs.tables)


@variants
def test_scoring_is_pure(options):
    task = Missing(streams=("a", "b"), **options)
    inputs = noisy(task)
    before = {name: each.copy() for name, each in inputs.arrays.items()}
    first, second = task.score(inputs), Missing(streams=("a", "b"), **options).score(inputs)
    assert first.parameters == second.parameters
    for name, column in first.tables["items"].columns.items():
        np.testing.assert_array_equal(column, second.tables["items"][name])
    for name, each in inputs.arrays.items():
        np.testing.assert_array_equal(each, before[name])


def test_every_subset_is_asked_for_and_scored():
    task = Missing(streams=("a", "b", "c"))
    assert [task.label(subset) for subset in task.subsets()] == [
        *("a", "b", "c", "a+b", "a+c", "b+c", "complete"),
    ]
    assert task.requests(None) == [
        Request("train complete", "train", ("a", "b", "c")),
        Request("valid complete", "valid", ("a", "b", "c")),
        *(Request(f"test {'+'.join(s)}", "test", s) for s in task.subsets()[:-1]),
        Request("test complete", "test", ("a", "b", "c")),
    ]
    names = [metric.name for metric in task.info.metrics]
    assert names[0] == task.info.primary == "missing accuracy"
    assert names[1:] == [f"{task.label(subset)} accuracy" for subset in task.subsets()]


def test_zero_filled_items_are_handed_over_complete():
    task = Missing(streams=("a", "b", "c"), strategy="zero", regularisation=1.0)
    assert task.requests(None) == [
        Request("train complete", "train", ("a", "b", "c")),
        *(
            Request(f"test {name}", f"test/{name}", ("a", "b", "c"))
            for name in ("a", "b", "c", "a+b", "a+c", "b+c")
        ),
        Request("test complete", "test", ("a", "b", "c")),
    ]


def test_mean_filling_asks_for_single_streams():
    task = Missing(streams=("a", "b"), strategy="mean")
    assert [(r.collection, r.streams) for r in task.requests(None)] == [
        (split, (stream,)) for split in ("train", "valid", "test") for stream in ("a", "b")
    ]


def test_predictions_ask_for_no_training_vectors():
    task = Missing(streams=("a", "b"), head="predict")
    assert {(r.collection, r.kind) for r in task.requests(None)} == {("test", "prediction")}
    spec = task.fit_spec()
    assert (spec.target, spec.target_kind, spec.streams) == ("label", "class", ("a", "b"))
    assert Missing().fit_spec().target is None  # a probe's representation sees no target


def test_a_missing_stream_costs_what_only_it_knew():
    task = Missing(streams=("a", "b"))
    inputs = inputs_of(task, "perfect")
    arrays = dict(inputs.arrays)
    arrays["test a"] = inputs_of(task, "random").arrays["test a"][:, :6]
    found = values_of(task, ScoreInputs(arrays, inputs.tables))
    assert found["b accuracy"].value == found["complete accuracy"].value == 1.0
    assert found["a accuracy"].value < 0.5
    mean = (found["a accuracy"].value + found["b accuracy"].value) / 2
    assert found["missing accuracy"].value == pytest.approx(mean)


def test_mean_filling_is_the_concatenation_with_training_means():
    options = {"strategy": "mean", "regularisation": 1.0, "target_kind": "value"}
    task = Missing(streams=("a", "b"), scaling="raw", **options)
    perfect = inputs_of(task, "perfect")
    rng = np.random.default_rng(0)
    arrays = {
        name: each[:, :1] + 0.1 * rng.normal(size=(len(each), 1))
        for name, each in perfect.arrays.items()
    }
    inputs = ScoreInputs(arrays, perfect.tables)
    found = task.score(inputs).tables["items"]
    both = np.concatenate([arrays["train a"], arrays["train b"]], axis=1)
    standard = (both - both.mean(axis=0)) / both.std(axis=0)
    y = np.array(inputs.tables["train"]["label"])
    weights = np.linalg.solve(standard.T @ standard + np.eye(2), standard.T @ (y - y.mean()))
    # A part filled with its mean adds nothing to the standardised score.
    only = (arrays["test a"] - both.mean(axis=0)[0]) / both.std(axis=0)[0]
    np.testing.assert_allclose(found["a prediction"], only[:, 0] * weights[0] + y.mean())


@pytest.mark.parametrize("strategy", ["drop", "mean"])
@pytest.mark.parametrize(
    ("scaling", "similarity", "used"),
    [
        ("similarity", "cosine", "unit"),
        ("similarity", "dot", "raw"),
        ("unit", "dot", "unit"),
        ("raw", "cosine", "raw"),
    ],
)
def test_the_probe_looks_at_what_the_representation_compares(scaling, similarity, used, strategy):
    task = Missing(streams=("a", "b"), target_kind="value", strategy=strategy, scaling=scaling)
    inputs = noisy(task)
    longer = {name: each * (5 if "test" in name else 1) for name, each in inputs.arrays.items()}
    plain = task.score(ScoreInputs(inputs.arrays, inputs.tables, similarity))
    scaled = task.score(ScoreInputs(longer, inputs.tables, similarity))
    assert plain.parameters["probe"]["scaling"] == used
    same = np.allclose(plain.tables["items"]["a mae"], scaled.tables["items"]["a mae"], rtol=1e-3)
    assert same == (used == "unit")


def test_the_missing_metric_is_the_mean_over_proper_subsets():
    task = Missing(streams=("a", "b", "c"), target_kind="value")
    found = values_of(task, noisy(task), resamples=2)
    proper = [task.label(subset) for subset in task.subsets()[:-1]]
    for name, metric in AFFECT_METRICS.items():
        if metric.aggregator == "mean":
            mean = np.mean([found[f"{label} {name}"].value for label in proper])
            assert found[f"missing {name}"].value == pytest.approx(mean)
        else:
            assert f"missing {name}" not in found


@pytest.mark.parametrize("label", ["image", "complete"])
@pytest.mark.parametrize("case", [name for name, each in AFFECT.items() if "expected" in each])
def test_sentiment_figures_are_the_references(case, label):
    truths, preds = AFFECT[case]["truths"], np.array(AFFECT[case]["preds"])
    task = Missing(streams=("image", "text"), target_kind="value", head="predict")
    table = ItemTable([str(row) for row in range(len(truths))], {"label": truths})
    other = np.random.default_rng(0).normal(size=(len(truths), 1))
    arrays = {f"test {name}": other for name in ("image", "text", "complete")}
    arrays[f"test {label}"] = preds  # [n] and [n, 1] both
    found = values_of(task, ScoreInputs(arrays, {"train": table, "test": table}), resamples=2)
    expected = AFFECT[case]["expected"]["full_precision"]
    ours = {
        "mae": "mae",
        "corr": "pearson",
        "acc2_non0": "acc2_non0",
        "f1w_non0_true_pred": "f1_non0",
        "f1w_non0_pred_true": "f1_mult_non0",
        "acc2_has0_ge": "acc2_has0_ge",
        "f1w_has0_ge_true_pred": "f1_has0_ge",
        "f1w_has0_ge_pred_true": "f1_mult_has0_ge",
        "acc2_has0_gt": "acc2_has0_gt",
        "acc7_round": "acc7",
        "acc5_round": "acc5",
        "acc3_round": "acc3",
        "acc7_sdk_rule": "acc7_sdk",
    }
    for theirs, name in ours.items():
        assert found[f"{label} {name}"].value == pytest.approx(expected[theirs], abs=1e-6), name


def test_one_stream_may_predict_a_constant_but_not_all():
    case = AFFECT["constant_preds"]
    task = Missing(streams=("image", "text"), target_kind="value", head="predict")
    table = ItemTable([str(row) for row in range(20)], {"label": case["truths"]})
    moving = np.random.default_rng(0).normal(size=20)
    arrays = {"test image": case["preds"], "test text": moving, "test complete": moving}
    tables = {"train": table, "test": table}
    evaluation = task.score(ScoreInputs(arrays, tables))
    assert evaluation.notes == ("predicts the same for every item from: image",)
    found = evaluate_metrics(task.info, evaluation, resamples=50)
    assert found["image pearson"].value is None
    assert found["image mae"].value > 0
    arrays["test complete"] = case["preds"]
    with pytest.raises(ValueError, match="complete"):
        task.score(ScoreInputs(arrays, tables))


@pytest.mark.parametrize(
    ("averaging", "expected"),
    [("sample", "sample_mean"), ("batch_mean", "gmc_mean_of_batch_means_bs64")],
)
def test_accuracy_is_averaged_as_gmc_does_or_over_items(averaging, expected):
    figures = json.loads((ORACLES / "mhd_accuracy.json").read_text("utf-8"))
    with np.load(ORACLES / "mhd_accuracy.npz") as stored:
        logits, labels = stored["logits"], stored["labels"]
    task = Missing(streams=("a", "b"), head="predict", averaging=averaging)
    table = ItemTable([str(row) for row in range(1000)], {"label": labels})
    arrays = {f"test {name}": logits for name in ("a", "b", "complete")}
    inputs = ScoreInputs(arrays, {"train": table, "test": table})
    evaluation = task.score(inputs)
    found = evaluate_metrics(task.info, evaluation, resamples=200)
    for value in found.values():  # the reference adds up in float32
        assert value.value == pytest.approx(figures[expected], abs=1e-6)
    assert found["a accuracy"].low < figures[expected] < found["a accuracy"].high
    assert evaluation.parameters.get("batch_size") == (64 if averaging == "batch_mean" else None)
    shares = np.bincount(labels) / 1000
    levels = task.reference_levels(inputs)
    slack = 1e-9 if averaging == "sample" else 0.01  # batches have shares of their own
    assert levels["chance"]["a accuracy"] == pytest.approx((shares**2).sum(), abs=slack)
    assert levels["majority"]["a accuracy"] == pytest.approx(shares.max(), abs=slack)


def test_a_class_that_training_lacks_lowers_the_ceiling():
    task = Missing(streams=("a", "b"))
    tables = tables_of()
    labels = list(tables["test"]["label"])
    labels[:13] = [9] * 13
    tables["test"] = ItemTable(tables["test"].ids, {"label": labels})
    levels = task.reference_levels(ScoreInputs({}, tables))
    assert levels["ceiling"]["a accuracy"] == 117 / 130
    assert levels["chance"]["a accuracy"] == pytest.approx(0.2 * 117 / 130)
    found = values_of(task, inputs_of(task, "perfect", tables=tables))
    assert found["a accuracy"].value <= 117 / 130


def test_what_was_fitted_and_filled_is_in_the_record():
    task = Missing(streams=("a", "b"), strategy="zero")
    parameters = task.score(inputs_of(task)).parameters
    assert parameters["strategy"] == "zero"
    assert parameters["subsets"] == ["a", "b", "complete"]
    assert parameters["probe"]["chosen_on"] == "validation items"
    json.dumps(parameters)
    for metric in task.info.metrics[:-1]:
        assert "the others zero-filled" in metric.description
    fixed = Missing(streams=("a", "b"), regularisation=0.5)
    probe = fixed.score(inputs_of(fixed)).parameters["probe"]
    assert (probe["estimator"], probe["value"]) == ("LogisticRegression", 0.5)


def test_without_validation_items_the_probe_is_plain():
    class Unvalidated(Missing):
        valid = None

    task = Unvalidated(streams=("a", "b"))
    assert [r.collection for r in task.requests(None)] == ["train", "test", "test", "test"]
    probe = task.score(inputs_of(task)).parameters["probe"]
    assert (probe["value"], probe["chosen_on"]) == (1.0, "default")


# --- zero-filled collections ----------------------------------------------------------------------


def toy_splits():
    streams = {name: Stream(name, name, "Array", (3,)) for name in ("a", "b")}
    streams["c"] = Stream("c", "text", "Text")

    def split(name, n):
        rng = np.random.default_rng(n)
        arrays = {s: [Array(rng.normal(size=3).astype(np.float32)) for _ in range(n)] for s in "ab"}
        arrays["b"][0] = None
        said = [Text(f"item {row}") for row in range(n)]
        columns = {"label": [row % 2 for row in range(n)]}
        ids = [f"{name}/{row}" for row in range(n)]
        return MemoryCollection(name, ids, streams, {**arrays, "c": said}, columns)

    return {name: split(name, n) for name, n in (("train", 4), ("valid", 3), ("test", 5))}


def test_zero_filled_streams_are_zero_and_the_others_untouched():
    splits = toy_splits()
    found = Missing(streams=("a", "b"), strategy="zero").collections(splits)
    assert set(found) == {"train", "valid", "test", "test/a", "test/b"}
    child, test = found["test/a"], splits["test"]
    assert child.parent is test
    assert list(child.columns["parent"]) == list(test.ids)
    assert not child.load(1, "b").values.any()
    np.testing.assert_array_equal(child.load(1, "a").values, test.load(1, "a").values)
    assert child.content_keys("a") == test.content_keys("a")
    assert child.content_keys("b")[0] is None  # what an item lacks is not filled
    assert all("zero" in key for key in child.content_keys("b")[1:])
    assert child.fingerprint() != test.fingerprint()


@pytest.mark.parametrize("strategy", ["drop", "mean"])
def test_only_zero_filling_derives_collections(strategy):
    assert set(Missing(streams=("a", "b"), strategy=strategy).collections(toy_splits())) == set(
        SIZES
    )


def test_text_has_no_zero():
    with pytest.raises(UsageError, match="'c' can't be filled with zeros: a Text has none"):
        Missing(streams=("a", "c"), strategy="zero").collections(toy_splits())


def test_zero_filled_items_must_be_the_test_items():
    task = Missing(streams=("a", "b"), strategy="zero")
    inputs = inputs_of(task)
    table = inputs.tables["test"]
    swapped = ItemTable(table.ids, {"parent": [table.ids[1], table.ids[0], *table.ids[2:]]})
    with pytest.raises(ValueError, match="not the test items"):
        task.score(ScoreInputs(inputs.arrays, {**inputs.tables, "test/a": swapped}))


class Answered(Missing):
    answers = ("c",)


def test_subsets_that_hold_the_answer_are_marked_and_not_averaged():
    task = Answered(streams=("a", "b", "c"))
    inputs = noisy(task)
    evaluation = task.score(inputs)
    columns = evaluation.tables["items"].columns
    assert columns["missing correct"] == pytest.approx(
        np.mean([columns[f"{name} correct"] for name in ("a", "b", "a+b")], axis=0)
    )
    said = {metric.name: metric.description for metric in task.info.metrics}
    marked = {name for name, each in said.items() if each.endswith("HOLDS THE ANSWER")}
    assert marked == {f"{name} accuracy" for name in ("c", "a+c", "b+c", "complete")}
    assert "do not hold the answer" in said["missing accuracy"]
    assert evaluation.parameters["answers"] == ["c"]
    plain = Missing(streams=("a", "b", "c"))
    assert "answers" not in plain.score(inputs).parameters


def test_gmcs_classifier_is_seeded_by_the_cell():
    task = Missing(streams=("a", "b"), probe="mlp", probe_epochs=3)
    assert task.info.seeded
    assert not Missing(streams=("a", "b")).info.seeded
    assert not Missing(streams=("a", "b"), probe="mlp", head="predict").info.seeded
    inputs = noisy(task)
    assert next(request.name for request in task.requests(None)) == "train complete"
    assert not any(request.collection == "valid" for request in task.requests(None))
    first, again, other = (
        task.score(ScoreInputs(inputs.arrays, inputs.tables, seed=seed)) for seed in (0, 0, 1)
    )
    assert first.parameters["probe"]["estimator"] == "MLPClassifier"
    assert first.parameters["probe"] == again.parameters["probe"]
    assert other.parameters["probe"]["seed"] == 1
    assert other.parameters["probe"]["loss"] != first.parameters["probe"]["loss"]


def test_gmcs_classifier_reaches_the_ceiling():
    task = Missing(streams=("a", "b"), probe="mlp", probe_epochs=60)
    found = values_of(task, inputs_of(task, "perfect"))
    assert {value.value for value in found.values()} == {1.0}


# --- options --------------------------------------------------------------------------------------

NAMED = {
    "target_kind": ["class", "value"],
    "head": ["probe", "predict"],
    "strategy": ["drop", "zero", "mean"],  # GMC; SCALE and M5Product fill with zeros
    "scaling": ["similarity", "unit", "raw"],
    "averaging": ["sample", "batch_mean"],  # GMC's test epoch
    "probe": ["linear", "mlp"],  # GMC's downstream classifier
}
REFUSED = [
    "strategy=frames",  # MMSA
    "strategy=noise",  # MultiBench
    "empty_subset=zero",
    "decimals=4",  # MMSA
    "selection=gmc",
    "selection=misa",
    "binning=round_half_away",
]
METRICS = [
    *("mae", "pearson", "acc2_non0", "acc2_has0_gt", "acc2_has0_ge", "acc3", "acc5", "acc7"),
    *("acc7_sdk", "f1_non0", "f1_has0_gt", "f1_has0_ge"),
    *("f1_mult_non0", "f1_mult_has0_gt", "f1_mult_has0_ge"),
]


@pytest.mark.parametrize(("option", "value"), [(o, v) for o, each in NAMED.items() for v in each])
def test_a_named_value_is_taken(option, value):
    options = resolve_options(Missing, {}, {option: value}, where="task x")
    assert getattr(Missing(**options), option) == value


def test_every_choice_on_offer_is_named_here():
    for option in declared_options(Missing).values():
        values = getattr(option.hint, "__args__", ())
        if option.name in NAMED:
            assert list(values) == NAMED[option.name]


@pytest.mark.parametrize("said", REFUSED)
def test_a_named_value_is_refused_with_a_reason(said):
    option, value = said.split("=")
    given = {option: int(value) if value.isdigit() else value}
    with pytest.raises(UsageError, match=f"declines {said}") as caught:
        resolve_options(Missing, {}, given, where="task x")
    assert len(caught.value.fix) > 20
    assert set(Missing.refused) == set(REFUSED)


@pytest.mark.parametrize("name", METRICS)
def test_every_named_sentiment_metric_is_reported_for_every_subset(name):
    reported = [metric.name for metric in Missing(target_kind="value").info.metrics]
    assert {f"{label} {name}" for label in ("image", "audio", "complete")} <= set(reported)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"streams": ("a",)}, "two or more"),
        ({"streams": ("a", "a")}, "each once"),
        ({"head": "predict", "strategy": "mean"}, "a prediction has none"),
        ({"target_kind": "value", "averaging": "batch_mean"}, "accuracies"),
        ({"batch_size": 0}, "batch_size"),
        ({"regularisation": 0.0}, "above 0"),
        ({"probe": "mlp", "target_kind": "value"}, "a classifier"),
        ({"probe": "mlp", "regularisation": 1.0}, "no regularisation"),
        ({"probe_epochs": 0}, "probe_epochs"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Missing(**options)


@pytest.mark.parametrize(
    ("kind", "shape", "wanted"),
    [("class", (130, 4), "5 scores"), ("class", (130,), "5 scores"), ("value", (130, 2), "one va")],
)
def test_predictions_of_another_shape_are_refused(kind, shape, wanted):
    task = Missing(streams=("a", "b"), head="predict", target_kind=kind)
    inputs = inputs_of(task)
    arrays = {**inputs.arrays, "test a": np.random.default_rng(0).normal(size=shape)}
    with pytest.raises(ValueError, match=f"predictions from a: expected {wanted}"):
        task.score(ScoreInputs(arrays, inputs.tables))
