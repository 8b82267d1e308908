from __future__ import annotations

import pytest

from mmbench.api import UsageError
from mmbench.scaffold.naming import (
    LONGEST,
    check_name,
    class_name,
    distribution_name,
    package_name,
)

TAKEN = {"clip": "a representation of mmbench-clip", "clip-encoder": "one more"}


@pytest.mark.parametrize(
    "name", ["a", "mean-colour", "imagebind-2", "x1-y2", "mmbench-x", "unittest-mock"]
)
def test_a_good_name_is_taken_as_it_is(name):
    check_name(name, TAKEN, suffix="encoder")


@pytest.mark.parametrize(
    ("name", "what", "better"),
    [
        ("Mean_Colour", "lower-case letters, digits and single hyphens", "mean-colour"),
        ("MeanColour", "lower-case", "mean-colour"),
        ("CLIP2", "lower-case", "clip2"),
        ("mean colour!", "lower-case", "mean-colour"),
        ("-mean--colour-", "single hyphens", "mean-colour"),
        ("été", "lower-case letters", "ete"),
        ("3d-shapes", "beginning with a letter", "my-3d-shapes"),
        ("", "lower-case", "my-encoder"),
        ("名", "lower-case", "my-encoder"),
        ("a\nb", "lower-case", "a-b"),
        ("class", "a keyword of Python", "class-encoder"),
        ("random", "a module of Python's standard library", "random-encoder"),
        ("mmbench", "mmbench's own name", "mmbench-encoder"),
        ("clip", "is the name of a representation of mmbench-clip", "my-clip"),
        ("Clip", "lower-case", "my-clip"),
        ("a" * (LONGEST + 1), f"has {LONGEST + 1} characters", "a" * LONGEST),
    ],
)
def test_a_bad_name_is_refused_with_a_better_one(name, what, better):
    with pytest.raises(UsageError, match=what) as caught:
        check_name(name, TAKEN, suffix="encoder")
    assert caught.value.exit_code == 2
    assert caught.value.fix == f"{better!r} would do"
    check_name(better, TAKEN, suffix="encoder")


def test_a_suggestion_is_a_name_that_would_do_however_much_is_taken():
    taken = {"clip": "x", "clip-task": "x", "my-clip": "x", "clip-2": "x"}
    with pytest.raises(UsageError) as caught:
        check_name("clip", taken, suffix="task")
    assert caught.value.fix == "'clip-3' would do"


def test_the_other_names_follow():
    assert distribution_name("mean-colour") == "mmbench-mean-colour"
    assert distribution_name("mmbench-clip") == "mmbench-clip"
    assert package_name("mean-colour") == "mmbench_mean_colour"
    assert package_name("mmbench-clip") == "mmbench_clip"
    assert class_name("mean-colour2-x", "Encoder") == "MeanColour2XEncoder"
    assert class_name("mmbench-clip", "Task") == "ClipTask"
