"""The zero-shot protocol: references, every option, prompts, absent classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import DataError, ItemTable, ScoreInputs
from mmbench.protocols.zeroshot import KS, ZeroShotTask, fill_templates, prompt_collection
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

ORACLES = Path(__file__).parents[1] / "oracles"
CLASSES = [f"class {i}" for i in range(8)]
#: The last class has no items; the first has most.
LABELS = [CLASSES[min(i // 3, 6) if i > 8 else 0] for i in range(30)]


class Named(ZeroShotTask):
    name = "named"

    def collections(self, datasets):
        raise NotImplementedError


def inputs_of(arrays=None, labels=LABELS, classes=CLASSES, templates=3):
    prompts = prompt_collection({each: [str(t) for t in range(templates)] for each in classes})
    return ScoreInputs(
        arrays or {},
        {
            "items": ItemTable([f"item-{i}" for i in range(len(labels))], {"label": labels}),
            "prompts": ItemTable(prompts.ids, prompts.columns),
        },
    )


def with_arrays(task, level, inputs, seed=0):
    arrays = task.reference_arrays(level, inputs, np.random.default_rng(seed))
    return ScoreInputs(arrays, inputs.tables)


def values_of(task, inputs):
    values = evaluate_metrics(task.info, task.score(inputs), resamples=50)
    assert check_values(task.info, values) == []
    return {name: metric.value for name, metric in values.items()}


VARIANTS = {
    "default": {},
    "raw mean": {"per_template": "none"},
    "optimistic": {"ties": "optimistic"},
    "pessimistic": {"ties": "pessimistic"},
}
variants = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


@variants
def test_perfect_arrays_are_always_right(options):
    task = Named(**options)
    found = values_of(task, with_arrays(task, "perfect", inputs_of()))
    assert found == {"top-1": 1, "top-3": 1, "top-5": 1, "mean class accuracy": 1}


@variants
def test_random_arrays_score_chance(options):
    task = Named(**options)
    inputs = inputs_of()
    chance = task.reference_levels(inputs)["chance"]
    assert chance == {
        "top-1": 1 / 8,
        "top-3": 3 / 8,
        "top-5": 5 / 8,
        "mean class accuracy": 1 / 8,
    }
    trials = [values_of(task, with_arrays(task, "random", inputs, seed)) for seed in range(60)]
    for name, expected in chance.items():
        drawn = np.array([trial[name] for trial in trials])
        assert abs(drawn.mean() - expected) <= 4.5 * drawn.std(ddof=1) / np.sqrt(len(drawn)), name


@variants
def test_constant_and_broken_arrays_are_refused(options):
    task = Named(**options)
    with pytest.raises(ValueError, match="constant"):
        task.score(with_arrays(task, "constant", inputs_of()))
    for name in ("items", "prompts"):
        inputs = with_arrays(task, "random", inputs_of())
        inputs.arrays[name][2, 1] = np.nan
        with pytest.raises(ValueError, match="NaN or infinite"):
            task.score(inputs)
        inputs.arrays[name][2] = 0
        # A prompt that is all zero may be averaged away only where prompts are not scaled.
        if name == "items" or task.per_template == "l2":
            with pytest.raises(ValueError, match="length zero"):
                task.score(inputs)


@variants
def test_scoring_is_pure_and_does_not_depend_on_the_order_of_items_or_prompts(options):
    task = Named(**options)
    inputs = with_arrays(task, "random", inputs_of())
    before = {name: array.copy() for name, array in inputs.arrays.items()}
    first, again = (task.score(inputs).tables["items"] for _ in range(2))
    for name, array in before.items():
        np.testing.assert_array_equal(array, inputs.arrays[name])
    rng = np.random.default_rng(3)
    items, prompts = rng.permutation(30), rng.permutation(24)
    tables = {
        name: ItemTable(
            [table.ids[i] for i in order],
            {column: [values[i] for i in order] for column, values in table.columns.items()},
        )
        for (name, table), order in zip(inputs.tables.items(), (items, prompts), strict=True)
    }
    arrays = {"items": inputs.arrays["items"][items], "prompts": inputs.arrays["prompts"][prompts]}
    moved = task.score(ScoreInputs(arrays, tables)).tables["items"]
    for name, column in first.columns.items():
        np.testing.assert_array_equal(column, again[name])
        np.testing.assert_array_equal(moved[name], np.asarray(column)[items], err_msg=name)


def test_majority_class_is_a_reference_level():
    levels = Named().reference_levels(inputs_of())
    counts = sorted((LABELS.count(each) for each in CLASSES), reverse=True)
    assert levels["majority class"] == {
        **{f"top-{k}": pytest.approx(sum(counts[:k]) / 30) for k in KS},
        "mean class accuracy": pytest.approx(1 / 5),
    }


def test_an_absent_class_is_skipped_or_leaves_the_mean_undefined():
    skipped, strict = Named(), Named(absent_classes="nan")
    inputs = with_arrays(skipped, "random", inputs_of())
    found = evaluate_metrics(strict.info, strict.score(inputs), resamples=50)
    assert found["mean class accuracy"].value is None
    assert values_of(skipped, inputs)["mean class accuracy"] is not None
    assert np.isnan(strict.reference_levels(inputs)["chance"]["mean class accuracy"])

    present = inputs_of(labels=CLASSES * 2)
    inputs = with_arrays(skipped, "random", present)
    assert values_of(strict, inputs) == pytest.approx(values_of(skipped, inputs))


def test_mean_class_accuracy_weighs_classes_alike():
    classes = ["a", "b"]
    vectors = np.eye(2, 4, dtype=np.float32)
    items = vectors[[0, 0, 0, 0, 0]]
    items[4] += 0.01  # still an "a"
    inputs = inputs_of(
        {"items": items, "prompts": vectors}, labels=list("aaaab"), classes=classes, templates=1
    )
    evaluation = Named().score(inputs)
    assert evaluation.tables["items"]["prediction"] == list("aaaaa")
    found = values_of(Named(), inputs)
    assert found["top-1"] == 0.8
    assert found["mean class accuracy"] == 0.5


def test_scaling_prompts_before_the_mean_changes_the_class_vector():
    # Class "a" has one long prompt far off and one short prompt at the item.
    prompts = np.array([[0, 10, 0], [1, 0, 0], [0.6, 0.8, 0.5], [0.6, 0.8, 0.5]], np.float32)
    items = np.array([[1, 0.2, 0], [0.6, 0.8, 0.5]], np.float32)
    inputs = inputs_of(
        {"items": items, "prompts": prompts}, labels=["a", "b"], classes=["a", "b"], templates=2
    )
    right = {
        rule: Named(per_template=rule).score(inputs).tables["items"]["prediction"]
        for rule in ("l2", "none")
    }
    assert right == {"l2": ["a", "b"], "none": ["b", "b"]}


@pytest.mark.parametrize(("rule", "top1"), [("l2", 88.66667175292969), ("none", 89.33332824707031)])
def test_oracle(rule, top1):
    said = json.loads((ORACLES / "zeroshot_cls.json").read_text())
    with np.load(ORACLES / "zeroshot_cls.npz") as arrays:
        features, templates = arrays["features"], arrays["template_embeddings"]
        labels = arrays["labels"].tolist()
    inputs = inputs_of(
        {"items": features, "prompts": templates.reshape(-1, templates.shape[-1])},
        labels=labels,
        classes=list(range(len(templates))),
        templates=templates.shape[1],
    )
    found = values_of(Named(per_template=rule), inputs)
    assert 100 * found["top-1"] == pytest.approx(top1, abs=1e-4)
    if rule == "l2":
        for name, expected in zip(
            ("top-1", "top-3", "top-5"), said["ulip_top1_top3_top5"], strict=True
        ):
            assert 100 * found[name] == pytest.approx(expected, abs=1e-4)
        expected = said["mean_class_acc_over_present"]
        assert found["mean class accuracy"] == pytest.approx(expected, abs=1e-9)
        strict = Named(absent_classes="nan")
        assert (
            evaluate_metrics(strict.info, strict.score(inputs), resamples=50)[
                "mean class accuracy"
            ].value
            is None
        )  # OpenShape's nan


def test_an_item_of_an_unknown_class_is_named():
    task = Named()
    arrays = task.reference_arrays("random", inputs_of(), np.random.default_rng(0))
    with pytest.raises(DataError, match=r"1 classes of the items have no prompt: 'class_4'"):
        task.score(inputs_of(arrays, labels=["class_4", *LABELS[1:]]))


def test_prompts_are_auxiliary_and_may_differ_in_number():
    prompts = prompt_collection({"a": ["an a", "the a"], "b": ["a b"]}, stream="caption")
    assert prompts.auxiliary
    assert prompts.columns == {"class": ["a", "a", "b"], "template": [0, 1, 0]}
    assert [prompts.load(row, "caption").text for row in range(3)] == ["an a", "the a", "a b"]
    assert len(set(prompts.ids)) == 3


@pytest.mark.parametrize("texts", [{}, {"a": ["x"]}, {"a": ["x"], "b": []}])
def test_prompts_that_tell_nothing_apart_are_refused(texts):
    with pytest.raises(DataError):
        prompt_collection(texts)


@pytest.mark.parametrize(("rule", "said"), [("space", "a flower pot."), ("keep", "a flower_pot.")])
def test_underscores_in_class_names_are_an_option(rule, said):
    filled = fill_templates(["flower_pot", "lamp"], ["a {}.", "{{}} {}"], underscores=rule)
    assert filled["flower_pot"][0] == said
    assert filled["lamp"][1] == "{lamp} lamp"


def test_class_names_may_differ_from_what_prompts_say():
    assert fill_templates({3: "tv_stand"}, ["a {}"]) == {3: ["a tv stand"]}


@pytest.mark.parametrize(
    ("names", "templates", "said"),
    [(["a", "b"], ["a photo"], "no {} for"), (["a", "b", "a"], ["{}"], "'a' is listed more")],
)
def test_bad_templates_and_names_are_refused(names, templates, said):
    with pytest.raises(DataError, match=said):
        fill_templates(names, templates)


def test_the_length_of_an_items_vector_does_not_matter():
    task = Named()
    inputs = with_arrays(task, "random", inputs_of())
    longer = {**inputs.arrays, "items": inputs.arrays["items"] * np.arange(1, 31)[:, None]}
    for similarity in ("cosine", "dot"):
        scored = task.score(ScoreInputs(longer, inputs.tables, similarity)).tables["items"]
        assert scored["prediction"] == task.score(inputs).tables["items"]["prediction"]
