from __future__ import annotations

import pytest
from runner_bench import representation, task

from mmbench.api import UsageError
from mmbench.runner.overrides import apply_options


@pytest.fixture
def suite(bench):
    return bench.suite(
        [representation("steady", "a", scale=2.0), representation("steady", "b"),
         representation("learnt")],
        [task("pairs"), task("pairs", "more", items=9)],
    )  # fmt: skip


def test_a_key_goes_wherever_it_is_declared(suite, registry) -> None:
    changed = apply_options(suite, ["delay=0.5", "items=7"], registry)

    assert [dict(c.options) for c in changed.representations] == [
        {"scale": 2.0, "delay": 0.5}, {"delay": 0.5}, {"delay": 0.5}
    ]  # fmt: skip
    assert [dict(c.options) for c in changed.tasks] == [{"items": 7}, {"items": 7}]


def test_a_name_or_a_label_narrows_it(suite, registry) -> None:
    changed = apply_options(suite, ["b.scale=3", "pairs.items=8", "learnt.noise=1.5"], registry)

    assert [dict(c.options) for c in changed.representations] == [
        {"scale": 2.0}, {"scale": 3}, {"noise": 1.5}
    ]  # fmt: skip
    assert [dict(c.options) for c in changed.tasks] == [{"items": 8}, {"items": 8}]


def test_the_last_one_wins_and_values_are_toml(suite, registry) -> None:
    changed = apply_options(suite, ["query=left", 'query="right"', 'broken=["x"]'], registry)

    assert changed.tasks[0].options == {"query": "right", "broken": ["x"]}


@pytest.mark.parametrize(
    ("assignment", "what"),
    [
        ("sclae=2", "nothing that runs here has an option 'sclae'"),
        ("c.scale=2", "nothing called 'c' here has an option 'scale'"),
        ("learnt.scale=2", "nothing called 'learnt' here has an option 'scale'"),
        ("scale", "not of the form key=value"),
        ("=2", "not of the form key=value"),
    ],
)
def test_what_nobody_declares_is_misuse(suite, registry, assignment, what) -> None:
    with pytest.raises(UsageError) as caught:
        apply_options(suite, [assignment], registry)

    assert what in caught.value.what
    assert caught.value.exit_code == 2


def test_the_nearest_option_is_named(suite, registry) -> None:
    with pytest.raises(UsageError, match="did you mean scale"):
        apply_options(suite, ["sclae=2"], registry)


def test_what_is_not_installed_or_broken_declares_nothing(bench, registry) -> None:
    suite = bench.suite([representation("unimportable"), representation("not-there")])

    with pytest.raises(UsageError, match="has an option 'scale'"):
        apply_options(suite, ["scale=2"], registry)


def test_what_is_wanted_as_text_stays_text(suite, registry) -> None:
    changed = apply_options(suite, ["only=nan", "a.only=2024", "delay=1"], registry)

    assert [c.options["only"] for c in changed.representations[:2]] == ["2024", "nan"]
    assert changed.representations[1].options["delay"] == 1


def test_an_entry_knows_what_the_command_line_set(suite, registry) -> None:
    changed = apply_options(suite, ["delay=0.5", "a.scale=3"], registry)

    a, b, _ = changed.representations
    assert a.given == {"delay": "-o delay", "scale": "-o a.scale"}
    assert b.given == {"delay": "-o delay"}
    assert all(not each.given for each in suite.representations)
