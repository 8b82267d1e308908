"""Options: found in signatures, checked by hints, named in errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.api import UsageError
from mmbench.options import declared_options, nearest, parse_assignment, resolve_options

if TYPE_CHECKING:
    from nowhere import Unknown


class Plain:
    refused: ClassVar[dict[str, str]] = {"rule=loud": "it wakes the neighbours"}

    def __init__(
        self,
        *,
        dim: int = 8,
        scale: float = 1.0,
        rule: Literal["l2", "none"] = "l2",
        layer: int | None = None,
        sizes: tuple[int, ...] = (1, 2),
        pair: tuple[int, str] = (1, "a"),
        names: list[str] | None = None,
        flag: bool = False,
        anything: Any = None,
    ) -> None: ...


class Required:
    def __init__(self, *, stream: str, other: str = "x") -> None: ...


class Unresolvable:
    def __init__(self, *, thing: Unknown = None, count: int = 1) -> None: ...


class Nothing:
    pass


class Catching:
    def __init__(self, dim=3, *rest: int, **more: int) -> None: ...


def resolve(cls=Plain, preset=None, **given):
    return resolve_options(cls, preset or {}, given, where="task x")


def test_defaults_then_preset_then_given():
    assert resolve() == {
        "dim": 8,
        "scale": 1.0,
        "rule": "l2",
        "layer": None,
        "sizes": (1, 2),
        "pair": (1, "a"),
        "names": None,
        "flag": False,
        "anything": None,
    }
    found = resolve(preset={"dim": 16, "rule": "none"}, rule="l2")
    assert (found["dim"], found["rule"]) == (16, "l2")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("scale", 2, 2.0),
        ("layer", 3, 3),
        ("layer", None, None),
        ("sizes", [4, 5, 6], (4, 5, 6)),
        ("sizes", [], ()),
        ("pair", [2, "b"], (2, "b")),
        ("names", ["a"], ["a"]),
        ("anything", object, object),
    ],
)
def test_values_are_adapted_to_their_hints(name, value, expected):
    found = resolve(**{name: value})[name]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dim", "8"),
        ("dim", 8.0),
        ("dim", True),
        ("scale", "1"),
        ("scale", True),
        ("rule", "L2"),
        ("layer", "top"),
        ("sizes", 3),
        ("sizes", ["a"]),
        ("sizes", "12"),
        ("pair", [2, "b", 3]),
        ("pair", [2]),
        ("pair", ["b", 2]),
        ("names", "abc"),
        ("flag", 1),
        ("flag", "true"),
    ],
)
def test_values_of_another_type_are_refused(name, value):
    with pytest.raises(UsageError, match=f"task x: option '{name}' is .*\n.*it takes") as caught:
        resolve(**{name: value})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("typed", "quoted"), [("2", '"2"'), ("0.5", '"0.5"'), ("true", '"true"')])
def test_a_number_for_a_text_is_answered_with_its_quotes(typed, quoted):
    class Gain:
        def __init__(self, *, gain: str | None = None) -> None: ...

    assert resolve(Gain, **dict([parse_assignment(f"gain={quoted}")])) == {"gain": typed}
    with pytest.raises(UsageError, match=re.escape(f"needs quotes, -o 'gain={quoted}'")):
        resolve(Gain, **dict([parse_assignment(f"gain={typed}")]))


def test_quotes_are_no_answer_where_a_text_does_not_fit():
    with pytest.raises(UsageError) as caught:
        resolve(dim=8.0)
    assert "quotes" not in str(caught.value)


def test_a_choice_of_numbers_takes_no_truth_values():
    class Choice:
        def __init__(self, *, k: Literal[0, 1] = 0) -> None: ...

    assert resolve(Choice, k=1) == {"k": 1}
    with pytest.raises(UsageError, match=r"it takes 0 \| 1"):
        resolve(Choice, k=True)


def test_an_unknown_option_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"has no option 'dims'.*\n.*did you mean dim"):
        resolve(dims=3)
    with pytest.raises(UsageError, match=r"has no option 'x'\n.*its options are: none"):
        resolve(Nothing, x=3)


def test_a_missing_required_option_is_asked_for():
    assert resolve(Required, stream="image") == {"stream": "image", "other": "x"}
    with pytest.raises(UsageError, match=r"needs the option 'stream'\n.*-o stream="):
        resolve(Required)


def test_a_refused_value_says_why():
    with pytest.raises(UsageError, match=r"declines rule=loud\n.*wakes the neighbours"):
        resolve(rule="loud")


def test_hints_that_only_a_type_checker_resolves_accept_anything():
    assert resolve(Unresolvable, thing=object, count="many")["count"] == "many"


def test_var_arguments_are_no_options():
    assert list(declared_options(Catching)) == ["dim"]
    assert resolve(Catching, dim="untyped") == {"dim": "untyped"}


def test_types_are_said_in_words():
    options = declared_options(Plain)
    assert options["rule"].values == "'l2' | 'none'"
    assert options["dim"].values == "int"
    assert options["layer"].values == "int | None"
    assert declared_options(Required)["stream"].required


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dim=8", ("dim", 8)),
        ("scale = 1e-3", ("scale", 0.001)),
        ("rule=l2", ("rule", "l2")),
        ('rule="8"', ("rule", "8")),
        ("flag=true", ("flag", True)),
        ("sizes=[1, 2]", ("sizes", [1, 2])),
        ("path=/a=b", ("path", "/a=b")),
        ("id=007", ("id", "007")),
        ("empty=", ("empty", "")),
    ],
)
def test_assignments_are_read_as_toml_or_as_text(text, expected):
    key, value = parse_assignment(text)
    assert (key, value) == expected
    assert type(value) is type(expected[1])


@pytest.mark.parametrize("text", ["dim", "=8", " =8", ""])
def test_what_is_no_assignment_is_refused(text):
    with pytest.raises(UsageError, match="not of the form key=value"):
        parse_assignment(text)


@given(st.text(max_size=30))
def test_any_value_can_be_assigned_as_text(text):
    key, value = parse_assignment(f"k={text}")
    assert key == "k"
    assert value == text or not isinstance(value, str) or text.strip()[:1] in "\"'"


def test_nearest_names():
    known = ["clip-vit", "clap", "random"]
    assert nearest("clip", known, "known") == "did you mean clap or clip-vit?"
    assert nearest("zzz", known, "known").removesuffix(".") == "known: clap, clip-vit, random"
    assert nearest("zzz", [], "known").removesuffix(".") == "known: none"


def test_mapping_hints_check_the_outside():
    class Mapped:
        def __init__(self, *, table: dict[str, int] | None = None) -> None: ...

    assert resolve(Mapped, table={"a": 1}) == {"table": {"a": 1}}
    with pytest.raises(UsageError, match="option 'table'"):
        resolve(Mapped, table=[1])
