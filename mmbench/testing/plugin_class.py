"""Checks: the class that a spec names keeps its contract, and its options are plain data."""

from __future__ import annotations

import inspect
import json
import re
import time
from copy import deepcopy
from typing import TYPE_CHECKING, Any, get_type_hints

from mmbench.api import Connector, Dataset, Representation, Task, UsageError
from mmbench.options import declared_options, resolve_options
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.testing.connectors import ConnectorSubject
    from mmbench.testing.datasets import DatasetSubject
    from mmbench.testing.representations import RepresentationSubject
    from mmbench.testing.tasks import TaskSubject

    Subject = RepresentationSubject | ConnectorSubject | TaskSubject | DatasetSubject

#: Building an instance, its modules being imported, may take so many seconds.
BUILDING_SECONDS = 0.25
#: A measurement that is over its budget is repeated: the machine may have been busy.
_ATTEMPTS = 3

_BASES = (Representation, Connector, Task, Dataset)


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def class_derives_from_its_contract(subject: Subject) -> None:
    """The class that its spec names derives from the contract that it keeps.

    ``Representation`` (or one of those below it), ``Connector``, ``Task`` or ``Dataset`` of
    ``mmbench.api``; mmbench refuses to build another.
    """
    base = _contract(subject)
    if not (isinstance(subject.cls, type) and issubclass(subject.cls, base)):
        fail(
            expected=f"{subject.entry.spec.path} to be a class that derives from {base.__name__}",
            seen=f"{subject.cls!r}",
            change=f"derive it: class Mine(mmbench.api.{base.__name__})",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def class_is_documented(subject: Subject) -> None:
    """Its class has a docstring.

    It says what the model, the task or the data are, with the paper. Somebody who compares two
    rows of a leaderboard reads it.
    """
    if not _documentation(subject).strip():
        fail(
            expected=f"{subject.entry.spec.path} to have a docstring",
            seen="it has none",
            change=f"write one below class {subject.cls.__name__}: what it is, and its source",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def options_are_documented(subject: Subject) -> None:
    """The docstring of its class names every option.

    Below ``Args:``, a line an option: what it does, in which unit.
    """
    said = _documentation(subject)
    if not said.strip():
        raise Blocked("it has no docstring: see class_is_documented")
    silent = [name for name in declared_options(subject.cls) if not re.search(rf"\b{name}\b", said)]
    if silent:
        fail(
            expected="every option to be named in the docstring of its class",
            seen=f"nothing about {' and '.join(map(repr, silent))}",
            change=f"add it below Args: '{silent[0]}: What it does.'",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def options_are_named_arguments(subject: Subject) -> None:
    """Every argument of the constructor is an option that can be given by its name.

    ``*args`` and ``**kwargs`` are refused: mmbench can't list, check or record what they take, so
    a misspelt option would pass unseen. So are arguments before a ``/``.
    """
    for name, parameter in _arguments(subject).items():
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            continue
        fail(
            expected="arguments of __init__ that are given by name",
            seen=f"{parameter.kind.description} argument {str(parameter).split(':')[0]!r}",
            change=f"name the options one by one: def __init__(self, *, {name}: ... = ...)",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def options_have_type_hints(subject: Subject) -> None:
    """Every option has a type hint that can be read when mmbench runs.

    Values from the command line and from suites are checked by it; without one, anything passes.
    What the hint names must be imported when the module is: not below ``TYPE_CHECKING``.
    """
    for name, parameter in _arguments(subject).items():
        if parameter.annotation is parameter.empty:
            fail(
                expected=f"a type hint for the option {name!r}",
                seen="none",
                change=f"write it: {name}: float = 1.0",
            )
    try:
        get_type_hints(subject.cls.__init__)
    except (NameError, TypeError) as error:
        fail(
            expected="type hints that can be read at run time",
            seen=f"{error}, so that no option is checked",
            change="import the name at the top of the module, not below TYPE_CHECKING",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def defaults_fit_their_hints(subject: Subject) -> None:
    """Every option's default is of the type that its hint says.

    Otherwise the default can't be given by hand, and the hint misleads who reads it.
    """
    declared = declared_options(subject.cls)
    required = {name: subject.options[name] for name in declared if declared[name].required}
    for name in declared.keys() - required.keys():
        default = declared[name].default
        try:
            resolve_options(subject.cls, required, {name: default}, where="")
        except UsageError:
            fail(
                expected=f"a default of {name!r} that its hint allows: {declared[name].values}",
                seen=f"{default!r}",
                change=f"change one of them; '{declared[name].values} | None' allows None",
            )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def options_are_plain_data(subject: Subject) -> None:
    """Options are plain data: text, numbers, booleans, None, and lists or tables of these.

    They are written into records and suites and are part of every key, on every machine. Take a
    path as text and a class by its name.
    """
    for name, value in subject.options.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            fail(
                expected=f"the option {name!r} to be plain data",
                seen=f"its value is a {type(value).__name__}, {value!r}",
                change="take text or a number, and make the object of it in __init__",
            )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def constructor_is_quick(subject: Subject) -> None:
    """An instance is built in less than 0.25 s.

    Planning builds one for every cell of a suite. ``__init__`` keeps its options; a representation
    brings its weights in ``load``, a task or dataset reads its files in ``collections``.
    """
    best = float("inf")
    for _ in range(_ATTEMPTS):
        start = time.perf_counter()
        _build(subject, deepcopy(subject.options))
        best = min(best, time.perf_counter() - start)
        if best <= BUILDING_SECONDS:
            return
    fail(
        expected=f"{subject.cls.__name__}() to be built within {BUILDING_SECONDS} s",
        seen=f"{best:.2f} s at best, of {_ATTEMPTS} times",
        change="do the slow part in load() or collections()",
    )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def constructor_leaves_options_alone(subject: Subject) -> None:
    """The constructor changes no list or table that it is handed as an option.

    The same object is handed to the next instance and is written into the record. Copy it before
    you change it.
    """
    try:
        before = json.dumps(subject.options)
    except (TypeError, ValueError) as error:
        raise Blocked(f"{error}: see options_are_plain_data") from error
    if not any(isinstance(value, (list, dict)) for value in subject.options.values()):
        raise NotRelevant("no option is a list or a table")
    handed = deepcopy(subject.options)
    _build(subject, handed)
    for name, value in json.loads(before).items():
        if json.loads(json.dumps(handed[name], default=str)) != value:
            fail(
                expected=f"the option {name!r} to be as it was handed over, {value!r}",
                seen=f"{handed[name]!r} once an instance was built",
                change=f"copy it in __init__: self.{name} = list({name})",
            )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def expected_failures_are_known(subject: Subject) -> None:
    """``expected_failures`` names checks that there are, each with a reason.

    A misspelt name excuses nothing, and an excuse without a reason says nothing to those who check
    the plugin.
    """
    from mmbench.testing.catalogue import all_checks

    known = {check.name for check in all_checks()}
    for name, reason in subject.cls.expected_failures.items():
        if name not in known or not str(reason).strip():
            fail(
                expected="expected_failures of the form {'name_of_a_check': 'why it fails'}",
                seen=f"{name!r}: {reason!r}",
                change="take the name from docs/conformance.md, and give a reason",
            )


def _build(subject: Subject, options: Mapping[str, Any]) -> None:
    """Build an instance."""
    try:
        subject.cls(**options)
    except (Exception, SystemExit) as error:
        raise Blocked(f"__init__() raised {described(error)}: see info_is_complete") from error


def _contract(subject: Subject) -> type:
    """The class of mmbench.api that its class derives from."""
    kind = type(subject).__name__.removesuffix("Subject")
    return next(base for base in _BASES if base.__name__ == kind)


def _documentation(subject: Subject) -> str:
    """Docstrings of its class, its constructor and what they inherit from, up to the contract."""
    own = [each for each in inspect.getmro(subject.cls) if each not in _BASES[0].__mro__]
    own = [each for each in own if not each.__module__.startswith("mmbench.api.")]
    said = [vars(each).get("__doc__") for each in own]
    said += [getattr(vars(each).get("__init__"), "__doc__", None) for each in own]
    return "\n".join(text for text in said if text)


def _arguments(subject: Subject) -> dict[str, inspect.Parameter]:
    """The arguments of its constructor; none where it has no constructor of its own."""
    if subject.cls.__init__ is object.__init__:
        return {}
    found = dict(inspect.signature(subject.cls.__init__).parameters)
    found.pop(next(iter(found)))
    return found
