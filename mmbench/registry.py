"""What the installed plugins bring, by name, and the classes that their specs name.

:mod:`mmbench.loading` finds and guards the plugins; here their specs are checked and entered. A
spec that is wrong, or takes the name of another, is left out and named as a :class:`Problem`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mmbench.api.errors import MmbenchError, PluginError, UsageError
from mmbench.api.specs import CommandSpec, DatasetSpec, RepresentationSpec, SuiteSpec, TaskSpec
from mmbench.loading import (
    LOAD_PLUGINS,
    NAME_RULE,
    PluginInfo,
    Problem,
    is_name,
    load_plugins,
    one_line,
    output_to_stderr,
)
from mmbench.options import nearest, resolve_options

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

__all__ = [
    "LOAD_PLUGINS",
    "Configured",
    "Entry",
    "PluginInfo",
    "Problem",
    "Registry",
    "load_object",
    "load_registry",
]

Spec = TypeVar("Spec", RepresentationSpec, DatasetSpec, TaskSpec, SuiteSpec, CommandSpec)
T = TypeVar("T")

_HOOKS: dict[str, type] = {
    "representations": RepresentationSpec,
    "datasets": DatasetSpec,
    "tasks": TaskSpec,
    "suites": SuiteSpec,
    "commands": CommandSpec,
}
#: What is printed as a spec says it, besides its name.
_SHOWN = ("summary", "protocol", "hint")
_NOUNS = {
    "representations": "representation",
    "datasets": "dataset",
    "tasks": "task",
    "suites": "suite",
}


@dataclass(frozen=True)
class Entry(Generic[Spec]):
    """A spec and the plugin that brought it."""

    spec: Spec
    plugin: PluginInfo


@dataclass(frozen=True)
class Configured(Generic[T]):
    """A plugin class with its options, built.

    Attributes:
        entry: The spec and plugin it comes from.
        options: Every option with its value.
        object: The instance.
        path: The import path of its class.
    """

    entry: Entry[Any]
    options: Mapping[str, Any]
    object: T
    path: str


@dataclass
class Registry:
    """All that the loaded plugins bring, by name."""

    representations: dict[str, Entry[RepresentationSpec]] = field(default_factory=dict)
    datasets: dict[str, Entry[DatasetSpec]] = field(default_factory=dict)
    tasks: dict[str, Entry[TaskSpec]] = field(default_factory=dict)
    suites: dict[str, Entry[SuiteSpec]] = field(default_factory=dict)
    commands: dict[str, Entry[CommandSpec]] = field(default_factory=dict)
    plugins: list[PluginInfo] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def find(self, group: str, name: str) -> Entry[Any]:
        """The entry called ``name``.

        Raises:
            UsageError: There is none; names the nearest.
        """
        known: dict[str, Entry[Any]] = getattr(self, group)
        if name in known:
            return known[name]
        noun = _NOUNS.get(group, group)
        raise UsageError(
            f"there is no {noun} called {name!r}",
            fix=f"{nearest(name, known, f'known {group}')} `mmbench list {group}` shows them all.",
        )

    def configure(
        self, group: str, name: str, given: Mapping[str, Any], *expected: type[T]
    ) -> Configured[T]:
        """Build the class that a spec names, with its options checked and filled in.

        Args:
            group: ``"representations"``, ``"datasets"`` or ``"tasks"``.
            name: The spec's.
            given: Options that differ from the spec's own.
            expected: What the class must be derived from, one of these.

        Raises:
            UsageError: Unknown name or option.
            PluginError: The class can't be imported, is of the wrong type, or its constructor
                raises.
        """
        entry = self.find(group, name)
        cls = load_object(entry.spec.path, entry)
        where = f"{_NOUNS.get(group, group)} {name}"
        if not (isinstance(cls, type) and issubclass(cls, expected)):
            kinds = [kind.__name__ for kind in expected]
            raise PluginError(
                f"{entry.spec.path} is not a {' or a '.join(kinds)}",
                where=entry.plugin.place,
                fix=f"derive the class from mmbench.api.{' or '.join(kinds)}",
            )
        options = resolve_options(cls, entry.spec.options, given, where=where)
        try:
            with output_to_stderr():
                built = cls(**options)
        except (MmbenchError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise PluginError(
                one_line(f"its constructor raised {type(error).__name__}: {error}"), where=where
            ) from error
        return Configured(entry, options, built, entry.spec.path)


def load_object(path: str, entry: Entry[Any]) -> Any:
    """Import ``"package.module:name"``.

    Raises:
        PluginError: It fails; names the distribution and the spec's hint.
    """
    module, _, name = path.partition(":")
    try:
        with output_to_stderr():
            return getattr(import_module(module), name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(
            one_line(f"can't import {path}: {type(error).__name__}: {error}"),
            where=entry.plugin.place,
            fix=getattr(entry.spec, "hint", "") or "`mmbench doctor` says more",
        ) from error


def load_registry(found: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every plugin, guarded, and collect what they bring.

    Args:
        found: Entry points to load instead of the installed ones (tests).
    """
    loaded, problems = load_plugins(found)
    registry = Registry(plugins=[plugin for plugin, _ in loaded], problems=problems)
    own = {
        (group, spec.name) for plugin, specs in loaded if plugin.builtin for group, spec in specs
    }
    # Of two that take one name, the one without a fault keeps it; of two such, the first.
    loaded.sort(key=lambda pair: not pair[0].builtin and _at_fault(pair[1], own))
    for plugin, specs in loaded:
        _enter_all(registry, specs, plugin)
    registry.problems += _unknown_joins(registry)
    return registry


def _unknown_joins(registry: Registry) -> list[Problem]:
    """Suites that entries want to join and that nothing installed brings."""
    entries: list[Entry[Any]] = [*registry.representations.values(), *registry.tasks.values()]
    return [
        Problem(
            entry.plugin,
            f"its {type(entry.spec).__name__} {entry.spec.name!r} joins the suite {suite!r}, "
            "which is not installed",
            nearest(suite, registry.suites, "known suites are"),
        )
        for entry in entries
        for suite in entry.spec.joins
        if suite not in registry.suites
    ]


def _at_fault(specs: list[tuple[str, Any]], own: set[tuple[str, str]]) -> bool:
    """Whether a plugin returns a spec that can't be entered, or takes a name of ours."""
    try:
        return any(
            _fault(spec, _HOOKS[group]) is not None or (group, spec.name) in own
            for group, spec in specs
        )
    except Exception:  # noqa: BLE001 - a stranger's subclass of a spec, or its repr
        return True


def _enter_all(registry: Registry, specs: list[tuple[str, Any]], plugin: PluginInfo) -> None:
    """Enter one plugin's specs; bad ones become problems."""
    for group, spec in specs:
        try:
            fault = _enter(getattr(registry, group), spec, _HOOKS[group], plugin)
        except Exception as error:  # noqa: BLE001 - a stranger's subclass of a spec, or its repr
            what = f"a {_HOOKS[group].__name__} of it raises {type(error).__name__}: {error}"
            fault = (what, "return plain specs of mmbench.api")
        if fault is not None:
            registry.problems.append(Problem(plugin, one_line(fault[0]), one_line(fault[1])))


def _enter(
    known: dict[str, Entry[Any]], spec: Any, kind: Any, plugin: PluginInfo
) -> tuple[str, str] | None:
    """Enter one spec under its name, or say why not and how to mend it."""
    fault = _fault(spec, kind)
    if fault is not None:
        return fault
    name = spec.name
    if name in known:
        holder = known[name].plugin
        return (
            f"its {kind.__name__} {name!r} has the name of one of {holder.distribution}'s",
            f"rename it, or {_without(plugin, holder)}",
        )
    clean: dict[str, Any] = {
        word: one_line(text)
        for word in _SHOWN
        if not (text := getattr(spec, word, "")).isprintable()
    }
    wrong = [word for word in ("joins", "joins_for") if not _names(getattr(spec, word, ()))]
    if wrong:
        clean["joins"] = ()
        if hasattr(spec, "joins_for"):
            clean["joins_for"] = ()
    known[name] = Entry(replace(spec, **clean) if clean else spec, plugin)
    if not wrong:
        return None
    word, said = wrong[0], getattr(spec, wrong[0])
    does = f"{word.replace('_', ' ')} {said!r}"
    example = "quickstart" if word == "joins" else "numbers-retrieval-audio-image"
    return (
        f"its {kind.__name__} {name!r} {does}, not a tuple of names; it joins none",
        f'write {word}=("{example}",), with the comma',
    )


def _names(found: Any) -> bool:
    """Whether this is a tuple of names."""
    return isinstance(found, tuple) and all(isinstance(name, str) for name in found)


def _without(*plugins: PluginInfo) -> str:
    """How to do without one of two plugins that don't go together."""
    strangers = dict.fromkeys(each.distribution for each in plugins if not each.builtin)
    return " or ".join(f"pip uninstall {name}" for name in strangers)


def _fault(spec: Any, kind: Any) -> tuple[str, str] | None:
    """Why a spec can't be entered under any name, and how to mend it."""
    if not isinstance(spec, kind):
        return (f"returned {spec!r} where a {kind.__name__} was expected", "mend its hook")
    if not (isinstance(spec.name, str) and spec.name and ":" in str(spec.path)):
        return (
            f"{kind.__name__}(name={spec.name!r}, path={spec.path!r}) is incomplete",
            'give it a name and a path of the form "package.module:Class"',
        )
    its = f"{kind.__name__} {spec.name!r}"
    if not is_name(spec.name):
        return (f"its {its} has a name that can't be used", f"rename it: {NAME_RULE}")
    options = getattr(spec, "options", {})
    if not isinstance(options, Mapping):
        return (f"the options of its {its} are {options!r}, not a mapping", "mend its hook")
    for word in ("path", "published", "builder", *_SHOWN):
        if not isinstance(getattr(spec, word, ""), str):
            return (f"the {word} of its {its} is {getattr(spec, word)!r}, no text", "mend its hook")
    return None
