"""Suites: TOML files that name tasks, representations, options and seeds.

Errors name the key and the line. A suite is plain data; nothing is imported to read one.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api.errors import UsageError
from mmbench.options import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "FitOn",
    "RepresentationChoice",
    "Suite",
    "TaskChoice",
    "fit_on_of",
    "parse_suite",
    "read_suite",
]


@dataclass(frozen=True)
class FitOn:
    """A training set that a suite names in place of the task's own.

    Attributes:
        dataset: Name of a dataset.
        train: Its training collection.
        valid: Its validation collection, if any.
        target: Column of the target, if the fit is supervised.
        target_kind: ``"class"`` or ``"value"``, where there is a target.
        options: Options of the dataset.
    """

    dataset: str
    train: str
    valid: str | None = None
    target: str | None = None
    target_kind: Literal["class", "value"] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RepresentationChoice:
    """One representation of a suite.

    Attributes:
        name: Its name in the registry.
        label: How it appears on the leaderboard; unique in the suite.
        options: Options that differ from its defaults.
        optional: Not installed means skipped with a reason, not an error.
        bind: Slot to stream, where two streams fit.
        line: Line in the suite's file (0 = the command line).
        given: Option to the ``-o ...`` that set it, for messages.
        joined: The distribution whose plugin made it join; "" for the suite's own entries.
    """

    name: str
    label: str
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    bind: Mapping[str, str] = field(default_factory=dict)
    line: int = 0
    given: Mapping[str, str] = field(default_factory=dict)
    joined: str = ""


@dataclass(frozen=True)
class TaskChoice:
    """One task of a suite; attributes as in :class:`RepresentationChoice`."""

    name: str
    label: str
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    fit_on: FitOn | None = None
    line: int = 0
    given: Mapping[str, str] = field(default_factory=dict)
    joined: str = ""


@dataclass(frozen=True)
class Suite:
    """Tasks x representations x seeds.

    Attributes:
        name: Names the results folder.
        tasks: In the order of the leaderboard.
        representations: In the order of the file.
        seeds: One cell each, where anything is seeded.
        description: One line.
        source: The file it was read from, for messages.
        against: Labels of representations that the leaderboard compares all others with.
    """

    name: str
    tasks: tuple[TaskChoice, ...]
    representations: tuple[RepresentationChoice, ...]
    seeds: tuple[int, ...] = (0,)
    description: str = ""
    source: str = "the command line"
    against: tuple[str, ...] = ()

    def select(
        self, representations: Sequence[str], tasks: Sequence[str], seeds: Sequence[int]
    ) -> Suite:
        """Keep only the named entries (by label or name); names it lacks are added.

        Whether an added name exists is the registry's to say.
        """
        suite = self
        if representations:
            kept = _pick(self.representations, representations, RepresentationChoice)
            suite = replace(suite, representations=kept)
        if tasks:
            suite = replace(suite, tasks=_pick(self.tasks, tasks, TaskChoice))
        return replace(suite, seeds=tuple(seeds)) if seeds else suite


def _pick(choices: Sequence[Any], names: Sequence[str], kind: Any) -> tuple[Any, ...]:
    """The entries of these labels or names, each once; new ones where there are none."""
    picked: dict[str, Any] = {}
    for name in names:
        by_label = [choice for choice in choices if choice.label == name]
        by_name = [choice for choice in choices if choice.name == name]
        picked.update((found.label, found) for found in by_label or by_name or [kind(name, name)])
    return tuple(picked.values())


def fit_on_of(data: Mapping[str, Any], *, where: str) -> FitOn:
    """A training set that a connector names for a base: checked as a suite's is.

    Raises:
        UsageError: A key is unknown, missing or ill-typed.
    """
    return _Reader("", where).fit_on(dict(data), 0)


def read_suite(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        UsageError: It can't be read, is not TOML, or has an unknown or ill-typed key; names the
            key and the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"can't read the suite: {error}", where=str(path)) from error
    return parse_suite(text, source=str(path), default_name=path.stem)


def parse_suite(text: str, *, source: str, default_name: str) -> Suite:
    """Parse a suite's text; errors as in :func:`read_suite`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is not valid TOML: {error}", where=source) from error
    return _Reader(text, source).suite(data, default_name)


class _Reader:
    """Turns the parsed TOML into a suite, and knows where in the text each key stands."""

    def __init__(self, text: str, source: str) -> None:
        self._lines = text.splitlines()
        self._source = source

    def suite(self, data: dict[str, Any], default_name: str) -> Suite:
        top = {
            "name": str, "description": str, "seeds": list, "task": list, "representation": list,
            "against": list,
        }  # fmt: skip
        self._check_keys(data, top, "", 0)
        seeds = data.get("seeds", [0])
        if not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
            self._fail("'seeds' must be a list of whole numbers from 0 up", "", 0, "seeds")
        tasks = tuple(self._task(each, n) for n, each in enumerate(data.get("task", [])))
        representations = tuple(
            self._representation(each, n) for n, each in enumerate(data.get("representation", []))
        )
        for section, choices in (("task", tasks), ("representation", representations)):
            self._check_labels(section, choices)
        against = data.get("against", [])
        for label in against:
            if label not in {choice.label for choice in representations}:
                what = f"'against' names {label!r}, which is no representation's label"
                self._fail(what, "", 0, "against", 'labels are set by label = "..."')
        name = data.get("name", default_name)
        if not re.fullmatch(r"[\w-][\w. -]*", name):
            self._fail(f"'name' names a folder, and {name!r} can't be one", "", 0, "name")
        return Suite(
            name=name,
            tasks=tasks,
            representations=representations,
            seeds=tuple(dict.fromkeys(seeds)),
            description=data.get("description", ""),
            source=self._source,
            against=tuple(dict.fromkeys(against)),
        )

    def _representation(self, data: Any, index: int) -> RepresentationChoice:
        known = {"name": str, "label": str, "options": dict, "optional": bool, "bind": dict}
        self._check_keys(data, known, "representation", index)
        for slot, stream in data.get("bind", {}).items():
            if not isinstance(stream, str):
                self._fail(
                    f"'bind.{slot}' must be the name of a stream", "representation", index, slot
                )
        return RepresentationChoice(
            name=data["name"],
            label=data.get("label", data["name"]),
            options=data.get("options", {}),
            optional=data.get("optional", False),
            bind=data.get("bind", {}),
            line=self._line("representation", index, "name"),
        )

    def _task(self, data: Any, index: int) -> TaskChoice:
        known = {"name": str, "label": str, "options": dict, "optional": bool, "fit_on": dict}
        self._check_keys(data, known, "task", index)
        fit_on = self.fit_on(data["fit_on"], index) if "fit_on" in data else None
        return TaskChoice(
            name=data["name"],
            label=data.get("label", data["name"]),
            options=data.get("options", {}),
            optional=data.get("optional", False),
            fit_on=fit_on,
            line=self._line("task", index, "name"),
        )

    def fit_on(self, data: Any, index: int) -> FitOn:
        """A training set.

        Raises:
            UsageError: It is ill-formed.
        """
        known = dict.fromkeys(("dataset", "train", "valid", "target", "target_kind"), str)
        required = ("dataset", "train")
        self._check_keys(data, {**known, "options": dict}, "task", index, required, "fit_on.")
        supervised, kind = "target" in data, data.get("target_kind")
        if supervised != (kind in ("class", "value")):
            what = "'fit_on.target' goes with 'fit_on.target_kind' = \"class\" or \"value\""
            self._fail(what, "task", index, "target" if supervised else "target_kind")
        return FitOn(**data)

    def _check_keys(
        self,
        data: Any,
        known: Mapping[str, Any],
        section: str,
        index: int,
        required: tuple[str, ...] = ("name",),
        prefix: str = "",
    ) -> None:
        """Refuse unknown keys, values of the wrong type, and missing required keys."""
        if not isinstance(data, dict):
            self._fail(f"'{section}' must be a table: write [[{section}]]", section, index, "")
        for key, value in data.items():
            if key not in known:
                advice = nearest(key, known, "known keys are")
                self._fail(f"unknown key '{prefix}{key}'", section, index, key, advice)
            if not isinstance(value, known[key]):
                wanted = {str: "a string", list: "a list", dict: "a table", bool: "true or false"}
                what = f"'{prefix}{key}' must be {wanted[known[key]]}"
                entries = not section and key in ("task", "representation")
                self._fail(what, section, index, key, f"write [[{key}]]" if entries else "")
        for key in ("name", "label") if section and not prefix else ():
            if not data.get(key, key).strip():
                self._fail(f"'{key}' is empty", section, index, key)
        for key in required if section else ():
            if key not in data:
                self._fail(f"a [[{section}]] lacks the key '{prefix}{key}'", section, index, "")

    def _check_labels(self, section: str, choices: Sequence[Any]) -> None:
        seen: dict[str, Any] = {}
        for choice in choices:
            if choice.label in seen:
                raise UsageError(
                    f"two entries of [[{section}]] are called {choice.label!r}",
                    where=f"{self._source}, line {choice.line}",
                    fix='give one of them a label of its own: label = "..."',
                )
            seen[choice.label] = choice

    def _fail(self, what: str, section: str, index: int, key: str, fix: str = "") -> None:
        line = f", line {self._line(section, index, key)}" if self._lines else ""
        where = f"{self._source}{line}"
        raise UsageError(what, where=where, fix=fix)

    def _line(self, section: str, index: int, key: str) -> int:
        """The line of ``key`` in the index-th ``[[section]]`` (or of the section, or 1)."""
        start, headers = 0, -1
        if section:
            for number, line in enumerate(self._lines):
                if re.match(rf"\s*\[\[\s*{section}\s*\]\]", line):
                    headers += 1
                    if headers == index:
                        start = number
                        break
        for number in range(start + (1 if section else 0), len(self._lines)):
            line = self._lines[number]
            if section and re.match(r"\s*\[\[", line):
                break
            if line.lstrip().startswith("#"):
                continue
            if key and re.search(rf"(^|[\s{{,.\[]){re.escape(key)}\s*[=\].]", line):
                return number + 1
        return start + 1
