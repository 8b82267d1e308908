"""Every option value that the papers' protocols name is taken, or refused by name with a reason.

Retrieval: AVE and Flickr-SoundNet audio-image retrieval, CLIP_benchmark, MTEB. Zero-shot: ULIP,
OpenShape, Uni3D on ModelNet40. What belongs to a reader of a dataset (frame policy, up axis,
sampling of points) is that dataset's option, not the protocol's.
"""

from __future__ import annotations

import pytest

from mmbench.api import UsageError
from mmbench.builtin.tasks.retrieval import NumbersRetrieval
from mmbench.builtin.tasks.zeroshot import NumbersZeroShot
from mmbench.options import declared_options, resolve_options
from mmbench.protocols.zeroshot import fill_templates

IMPLEMENTED = [
    (NumbersRetrieval, "relevance", "instance"),  # AVE as C-MCR, Flickr-SoundNet
    (NumbersRetrieval, "relevance", "class"),  # MTEB's AVE
    (NumbersRetrieval, "duplicates", "first"),  # AVE's 4,097 of 4,143 rows
    (NumbersRetrieval, "duplicates", "joint"),  # equal ids as joint positives
    (NumbersRetrieval, "duplicates", "distinct"),
    (NumbersRetrieval, "own_pair", True),
    (NumbersRetrieval, "own_pair", False),
    (NumbersRetrieval, "ties", "expected"),
    (NumbersRetrieval, "ties", "optimistic"),
    (NumbersRetrieval, "ties", "pessimistic"),
    (NumbersZeroShot, "per_template", "l2"),  # ULIP, OpenShape, Uni3D
    (NumbersZeroShot, "per_template", "none"),  # the raw mean
    (NumbersZeroShot, "absent_classes", "skip"),
    (NumbersZeroShot, "absent_classes", "nan"),  # OpenShape
    (NumbersZeroShot, "ties", "expected"),
    (NumbersZeroShot, "ties", "optimistic"),
    (NumbersZeroShot, "ties", "pessimistic"),
]
REFUSED = [
    (NumbersRetrieval, "ties", "topk"),  # CLIP_benchmark's torch.topk
    (NumbersRetrieval, "median", "floor"),  # some code floors the median rank
    (NumbersZeroShot, "averaging", "batch_mean"),
]
METRICS = [
    (NumbersRetrieval, {}, ["R@1", "R@5", "R@10", "MRR", "mAP", "median rank"]),
    (NumbersRetrieval, {"relevance": "class"}, ["R@1", "recall@10", "mAP", "median rank"]),
    (NumbersZeroShot, {}, ["top-1", "top-3", "top-5", "mean class accuracy"]),
]
CONTEXT = {("own_pair", False): {"relevance": "class"}}


def said(cls, option, value):
    return f"{cls.__name__} {option}={value}"


@pytest.mark.parametrize(
    ("cls", "option", "value"), IMPLEMENTED, ids=[said(*each) for each in IMPLEMENTED]
)
def test_a_named_value_is_taken(cls, option, value):
    given = {option: value, **CONTEXT.get((option, value), {})}
    options = resolve_options(cls, {}, given, where="task x")
    task = cls(**options)
    assert getattr(task, option) == value
    assert task.info.metrics


@pytest.mark.parametrize(("cls", "option", "value"), REFUSED, ids=[said(*each) for each in REFUSED])
def test_a_named_value_is_refused_with_a_reason(cls, option, value):
    with pytest.raises(UsageError, match=f"declines {option}={value}") as caught:
        resolve_options(cls, {}, {option: value}, where="task x")
    assert len(caught.value.fix) > 20


@pytest.mark.parametrize("cls", [NumbersRetrieval, NumbersZeroShot])
def test_no_value_is_both_taken_and_refused(cls):
    taken = {f"{name}={value}" for each, name, value in IMPLEMENTED if each is cls}
    assert not taken & set(cls.refused)
    assert set(cls.refused) == {f"{name}={value}" for each, name, value in REFUSED if each is cls}


@pytest.mark.parametrize("cls", [NumbersRetrieval, NumbersZeroShot])
def test_every_choice_on_offer_is_listed_here(cls):
    """A value that is added must be named in the table above."""
    listed = {(name, value) for each, name, value in IMPLEMENTED if each is cls}
    for option in declared_options(cls).values():
        for value in getattr(option.hint, "__args__", ()):
            assert (option.name, value) in listed


@pytest.mark.parametrize(("cls", "options", "names"), METRICS)
def test_named_metrics_are_reported(cls, options, names):
    reported = [metric.name for metric in cls(**options).info.metrics]
    for name in names:
        ways = 2 if cls is NumbersRetrieval else 1  # both directions
        assert sum(each == name or each.endswith(f" {name}") for each in reported) == ways


@pytest.mark.parametrize("rule", ["space", "keep"])
def test_class_names_are_spelt_both_ways(rule):
    """ModelNet40's prompts say "flower pot"; Uni3D's Objaverse-LVIS keeps underscores."""
    spelt = "a flower pot" if rule == "space" else "a flower_pot"
    assert fill_templates(["flower_pot"], ["a {}"], underscores=rule) == {"flower_pot": [spelt]}
