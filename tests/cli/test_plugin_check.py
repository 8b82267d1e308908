"""``mmbench plugin check`` as a person types it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmbench.testing import all_checks

ONE = ("--only", "output_is_finite")


def test_a_table_of_families_and_a_last_line(call):
    done = call("plugin", "check", "random", *ONE)
    assert done.code == 0
    assert "representation random (mmbench" in done.out
    assert done.out.rstrip().endswith("1 passed")


def test_a_line_a_check(call):
    done = call("plugin", "check", "random", "--all", *ONE, "--only", "one_row_an_item")
    lines = [line.split() for line in done.out.splitlines()]
    assert ["output_is_finite", "passed"] in lines
    assert ["one_row_an_item", "passed"] in lines


def test_what_was_skipped_is_explained_by_another_option(call):
    only = ("--only", "unknown_ids_are_not_invented")
    done = call("plugin", "check", "random", *only)
    assert done.out.splitlines()[-2:] == ["1 skipped", "`--all` says why a check was skipped."]
    assert "says why a check was" not in call("plugin", "check", "random", "--all", *only).out


def test_json_says_the_same(call):
    done = call("plugin", "check", "random", "--json", *ONE)
    (said,) = json.loads(done.out)
    assert (said["group"], said["name"]) == ("representations", "random")
    assert [(each["check"], each["status"]) for each in said["checks"]] == [
        ("output_is_finite", "passed")
    ]


def test_a_failed_check_says_what_to_change_and_exits_with_1(call):
    # an expected failure that passes has failed: the only failure that a sound plugin can have
    done = call("plugin", "check", "random", *ONE, "--expect", "output_is_finite=never was")
    assert done.code == 1
    assert "failed  output_is_finite" in done.out
    assert "expected: to fail, because: never was" in done.out
    assert "change: take 'output_is_finite' out of expected_failures" in done.out


def test_an_option_configures_what_is_checked(call, tmp_path):
    ids = [f"kit-{row}" for row in range(6)]
    (tmp_path / "ids.txt").write_text("\n".join(ids) + "\n")
    rng = np.random.default_rng(0)
    np.save(tmp_path / "image.npy", rng.normal(size=(6, 8)).astype(np.float32))
    folder = f"folder={tmp_path}"
    assert call("plugin", "check", "arrays", "-o", folder, *ONE).code == 0
    missing = call("plugin", "check", "arrays", *ONE)
    assert missing.code == 2
    assert "needs the option 'folder'" in missing.err


def test_a_distribution_is_checked_whole_but_for_what_needs_an_option(call):
    done = call("plugin", "check", "mmbench", *ONE, "--only", "summary_is_one_line")
    assert done.code == 0
    assert "skipped  representation arrays" in done.err
    for name in ("representation cca", "task numbers-localization", "dataset numbers"):
        assert f"{name} (mmbench" in done.out


def test_a_stream_binds_open_slots(call):
    done = call("plugin", "check", "random", "--stream", "pose:pose:Sequence:20x8", "--json", *ONE)
    assert done.code == 0
    assert json.loads(done.out)[0]["checks"][0]["status"] == "passed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a representation"),
        (("randm",), "did you mean random?"),
        (("random", "-o", "dims=3"), "has no option 'dims'"),
        (("random", "--only", "output_is_finit"), "did you mean output_is_finite"),
        (("random", "--expect", "output_is_finite"), "is not of the form CHECK=REASON"),
        (("random", "--expect", "x=y"), "there is no check called 'x'"),
        (("random", "--stream", "pose"), "name:modality:Kind"),
        (("random", "--stream", "pose:pose:Sequences"), "no kind 'Sequences'"),
        (("random", "--stream", "pose:pose:Sequence:a"), "'a' is no shape"),
        (("random", "--stream", "pose:pose:Sequence:2x3:4"), "name:modality:Kind"),
        (("--explain", "output_is_finit"), "did you mean output_is_finite"),
    ],
)
def test_misuse_exits_with_2_and_one_message(call, arguments, said):
    done = call("plugin", "check", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["output_is_finite", all_checks()[-1].name])
def test_a_check_explains_itself(call, name):
    done = call("plugin", "check", "--explain", name)
    assert done.code == 0
    assert next(check.summary for check in all_checks() if check.name == name) in done.out
