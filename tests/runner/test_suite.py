from __future__ import annotations

import pytest

from mmbench.api import UsageError
from mmbench.runner.suite import FitOn, Suite, parse_suite, read_suite

GOOD = """\
name = "mine"
description = "A try"
seeds = [0, 2, 2]

[[representation]]
name = "random"
label = "chance"
options = { dim = 8 }

[[representation]]
name = "clip"
optional = true
bind = { image = "photo" }

[[task]]
name = "retrieval"

[[task]]
name = "retrieval"
label = "other"
[task.options]
ties = "optimistic"
[task.fit_on]
dataset = "numbers"
train = "train"
valid = "valid"
target = "digit"
target_kind = "class"
options = { half = true }
"""


def parse(text: str, name: str = "given") -> Suite:
    return parse_suite(text, source="s.toml", default_name=name)


def test_everything_is_read() -> None:
    suite = parse(GOOD)

    assert (suite.name, suite.description, suite.seeds) == ("mine", "A try", (0, 2))
    chance, clip = suite.representations
    assert (chance.name, chance.label, chance.options) == ("random", "chance", {"dim": 8})
    assert (clip.label, clip.optional, clip.bind) == ("clip", True, {"image": "photo"})
    first, other = suite.tasks
    assert (first.label, first.fit_on, first.options) == ("retrieval", None, {})
    assert other.options == {"ties": "optimistic"}
    assert other.fit_on == FitOn("numbers", "train", "valid", "digit", "class", {"half": True})


def test_entries_know_their_line() -> None:
    suite = parse(GOOD)

    assert [choice.line for choice in suite.representations] == [6, 11]
    assert [choice.line for choice in suite.tasks] == [16, 19]


def test_defaults() -> None:
    suite = parse("", name="empty")

    assert suite == Suite("empty", (), (), (0,), "", "s.toml")


def test_rows_to_compare_with_are_labels() -> None:
    text = 'against = ["b", "b"]\n[[representation]]\nname = "a"\nlabel = "b"'
    assert parse(text).against == ("b",)


R, T = "[[representation]]\n", "[[task]]\n"


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ('nmae = "x"', "unknown key 'nmae'", 1),
        ('\n\ndescription = "x"\nseed = [1]', "unknown key 'seed'", 4),
        ("name = 3", "'name' must be a string", 1),
        ('\nname = "../up"', "'name' names a folder", 2),
        ('name = ""', "'name' names a folder", 1),
        ("seeds = 3", "'seeds' must be a list", 1),
        ("\nseeds = []", "'seeds' must be a list of whole numbers", 2),
        ("seeds = [0, -1]", "'seeds' must be a list of whole numbers", 1),
        ("seeds = [0.5]", "'seeds' must be a list of whole numbers", 1),
        ("seeds = [true]", "'seeds' must be a list of whole numbers", 1),
        ('against = "a"', "'against' must be a list", 1),
        ('\nagainst = ["c"]\n' + R + 'name = "a"', "'against' names 'c'", 2),
        ('against = ["a"]\n' + R + 'name = "a"\nlabel = "b"', "'against' names 'a'", 1),
        ("[task]", "'task' must be a list", 1),
        ("task = [3]", "'task' must be a table", 1),
        (R, "a [[representation]] lacks the key 'name'", 1),
        (T + 'name = "a"\nlabel = ""', "'label' is empty", 3),
        (R + 'name = " "', "'name' is empty", 2),
        (T + 'label = "x"', "a [[task]] lacks the key 'name'", 1),
        (R + 'name = "a"\nlable = "x"', "unknown key 'lable'", 3),
        (R + 'name = "a"\n' + R + 'name = "b"\noption = {}', "unknown key 'option'", 5),
        (R + "name = true", "'name' must be a string", 2),
        (R + 'name = "a"\noptional = "yes"', "'optional' must be true or false", 3),
        (R + 'name = "a"\noptions = 3', "'options' must be a table", 3),
        (R + 'name = "a"\nbind = "image"', "'bind' must be a table", 3),
        (R + 'name = "a"\nbind = { image = 3 }', "'bind.image' must be the name", 3),
        (R + 'name = "a"\nfit_on = {}', "unknown key 'fit_on'", 3),
        (T + 'name = "a"\nbind = {}', "unknown key 'bind'", 3),
        (T + 'name = "a"\nfit_on = { train = "x" }', "lacks the key 'fit_on.dataset'", 1),
        (T + 'name = "a"\nfit_on = { dataset = "x" }', "lacks the key 'fit_on.train'", 1),
        (
            T + 'name = "a"\n[task.fit_on]\ndataset = "x"\ntrain = "x"\ntarget = "y"',
            "'fit_on.target' goes with 'fit_on.target_kind'",
            6,
        ),
        (
            T + 'name = "a"\n[task.fit_on]\ndataset = "x"\ntrain = "x"\ntarget_kind = "value"',
            "'fit_on.target' goes with 'fit_on.target_kind'",
            6,
        ),
        (T + 'name = "a"\n[task.fit_on]\ndataset = 3\ntrain = "x"', "'fit_on.dataset' must", 4),
        (
            T + 'name = "a"\n[task.fit_on]\ndataset = "x"\ntrian = "x"',
            "unknown key 'fit_on.trian'",
            5,
        ),
        (R + 'name = "a"\n\n' + R + 'name = "a"', "two entries of [[representation]]", 5),
        (T + 'name = "a"\n' + T + 'name = "b"\nlabel = "a"', "two entries of [[task]]", 4),
        ('# nmae = 1\nname = "a"\nnmae = "x"', "unknown key 'nmae'", 3),
    ],
)
def test_errors_name_the_key_and_the_line(text, what, line) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert what in caught.value.what
    assert caught.value.where == f"s.toml, line {line}"
    assert caught.value.exit_code == 2


def test_an_unknown_key_comes_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean seeds"):
        parse("seedz = [1]")


def test_single_brackets_are_explained() -> None:
    with pytest.raises(UsageError, match=r"write \[\[task\]\]"):
        parse('[task]\nname = "a"')


def test_malformed_toml_names_the_line() -> None:
    with pytest.raises(UsageError, match=r"s.toml: is not valid TOML.*line 2"):
        parse('name = "a"\nseeds = = 2')


def test_files_that_cannot_be_read(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"no\.toml: can't read the suite"):
        read_suite(tmp_path / "no.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="can't read the suite"):
        read_suite(tmp_path / "bytes.toml")


def test_a_file_names_its_suite(tmp_path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(T + 'name = "a"', encoding="utf-8")

    assert read_suite(path).name == "tiny"
    assert read_suite(path).source == str(path)


def test_select_by_label_then_by_name_then_from_outside() -> None:
    suite = parse(GOOD)

    by_label = suite.select(["chance"], ["other"], [])
    assert [c.label for c in by_label.representations] == ["chance"]
    assert [c.label for c in by_label.tasks] == ["other"]
    by_name = suite.select(["random"], ["retrieval"], [5])
    assert [c.label for c in by_name.representations] == ["chance"]
    assert [c.label for c in by_name.tasks] == ["retrieval"]  # a label of its own comes first
    assert by_name.seeds == (5,)
    outside = suite.select(["new"], [], [])
    assert [(c.name, c.label, c.line) for c in outside.representations] == [("new", "new", 0)]
    assert outside.tasks == suite.tasks


def test_nothing_selected_is_everything() -> None:
    suite = parse(GOOD)

    assert suite.select([], [], []) == suite


def test_an_entry_selected_twice_is_one() -> None:
    suite = parse(GOOD).select(["chance", "random", "chance"], ["x", "x"], [])

    assert [c.label for c in suite.representations] == ["chance"]
    assert [c.label for c in suite.tasks] == ["x"]
