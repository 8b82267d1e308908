"""Loads installed plugins, each behind a guard: what is wrong with one is a :class:`Problem`.

pluggy's own loader calls ``ep.load()`` unguarded, so one broken distribution would kill every
command. Here a plugin that can't be read, fails to import, names an unknown API version or a
wrong hook is left out and named; nothing changes for the others.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions, entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mmbench import __version__
from mmbench.api import API_VERSION, hookspecs
from mmbench.api.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

__all__ = [
    "GROUPS",
    "LOAD_PLUGINS",
    "NAME_RULE",
    "PluginInfo",
    "Problem",
    "is_name",
    "load_plugins",
    "one_line",
    "output_to_stderr",
]

#: Comma-separated entry-point names to load besides our own; empty = none; unset = all.
LOAD_PLUGINS = "MMBENCH_LOAD_PLUGINS"
#: What plugins bring; a hook each.
GROUPS = ("representations", "datasets", "tasks", "suites", "commands")
_HOOKS = {f"mmbench_{group}": group for group in GROUPS}
#: What names are made of: what can be typed, printed, and made part of a file name.
NAME_RULE = "up to 100 letters (a-z, A-Z), digits and . _ + -, a letter or a digit first"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_BUILTIN = "mmbench.builtin."


@dataclass(frozen=True)
class PluginInfo:
    """Where a plugin comes from.

    Attributes:
        distribution: Name of the installed distribution.
        version: Its version.
        entry_point: Name of the entry point.
        module: What the entry point names.
    """

    distribution: str
    version: str
    entry_point: str
    module: str

    @property
    def builtin(self) -> bool:
        """Whether it is mmbench's own."""
        return self.module.startswith(_BUILTIN)

    @property
    def place(self) -> str:
        """As messages name it."""
        return f"{self.distribution} {self.version} (entry point {self.entry_point})"


@dataclass(frozen=True)
class Problem:
    """A plugin, or one spec of it, that was left out.

    Attributes:
        plugin: The plugin.
        what: What is wrong with it.
        mend: What to do about it.
    """

    plugin: PluginInfo
    what: str
    mend: str


def is_name(text: object) -> bool:
    """Whether a plugin may call something so: see :data:`NAME_RULE`."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def one_line(text: object, limit: int = 500) -> str:
    """A stranger's text, fit for a screen: one line, control characters as their escapes.

    Without this a summary could colour the terminal, ring its bell or turn the line around.
    """
    line = " ".join(str(text).split())
    if len(line) > limit:
        line = f"{line[: limit - 3]}..."
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


@contextlib.contextmanager
def output_to_stderr() -> Iterator[None]:
    """What a stranger's code prints goes to standard error: our output may be JSON in a pipe."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Imports make much and drop little: looking for garbage meanwhile costs a tenth of them."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def load_plugins(
    found: Iterable[EntryPoint] | None = None,
) -> tuple[list[tuple[PluginInfo, list[tuple[str, Any]]]], list[Problem]]:
    """Load every plugin, guarded.

    Args:
        found: Entry points to load instead of the installed ones (tests).

    Returns:
        Each plugin with its ``(group, spec)`` pairs, the built-in one first and the others by the
        names of their distributions; and what is wrong with those that were left out.
    """
    problems: list[Problem] = []
    points = _installed(problems) if found is None else found
    loaded = []
    with output_to_stderr(), _no_collection():
        for plugin, point in _selected(points):
            try:
                module = point.load()
                problem = _wrong_version(module, plugin)
                if problem is None:
                    loaded.append((plugin, _specs_of(module)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever a stranger's import does
                said = error.what if isinstance(error, PluginError) else _said(error)
                problem = Problem(plugin, one_line(said), _mend(error, plugin))
            if problem is not None:
                problems.append(problem)
    return loaded, problems


def _installed(problems: list[Problem]) -> list[EntryPoint]:
    """Every entry point of our group."""
    try:
        return list(entry_points(group=hookspecs.PROJECT))
    except Exception:  # noqa: BLE001 - one damaged distribution hides all: go one by one
        return _one_by_one(problems)


def _one_by_one(problems: list[Problem]) -> list[EntryPoint]:
    """The entry points of the distributions that can be read; the others become problems."""
    points: list[EntryPoint] = []
    seen = set()
    for dist in distributions():
        name, version = _name_and_version(dist)
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue  # an earlier folder of the path holds it, and that one counts
        seen.add(key)
        try:
            points += (point for point in dist.entry_points if point.group == hookspecs.PROJECT)
        except Exception as error:  # noqa: BLE001 - the metadata of a stranger's distribution
            what = one_line(f"its entry points can't be read: {_said(error)}")
            mend = f"pip install --force-reinstall {name}, or pip uninstall {name}"
            problems.append(Problem(PluginInfo(name, version, "?", "?"), what, mend))
    return points


def _selected(points: Iterable[EntryPoint]) -> list[tuple[PluginInfo, EntryPoint]]:
    """Entry points in a fixed order, our own first, limited by ``MMBENCH_LOAD_PLUGINS``."""
    unique = {(point.name, point.value): point for point in points}
    plugins = [(_origin(point), point) for point in unique.values()]
    plugins.sort(key=lambda pair: (not pair[0].builtin, pair[0].distribution, pair[1].name))
    wanted = os.environ.get(LOAD_PLUGINS)
    if wanted is None:
        return plugins
    names = {name.strip() for name in wanted.split(",") if name.strip()}
    return [pair for pair in plugins if pair[0].builtin or pair[1].name in names]


def _origin(point: EntryPoint) -> PluginInfo:
    """Where an entry point comes from, also where its distribution's metadata is damaged."""
    name, version = _name_and_version(point.dist)
    return PluginInfo(name, version, one_line(point.name), one_line(point.value))


def _name_and_version(dist: Any) -> tuple[str, str]:
    """Of a distribution; ``?`` where its metadata doesn't say.

    They are read off the head of the metadata: parsing all of it, as ``dist.name`` does, costs
    more than importing the plugin.
    """
    found: dict[str, str] = {}
    try:
        text = dist.read_text("METADATA") or dist.read_text("PKG-INFO") or ""
        for line in text.partition("\n\n")[0].splitlines():
            key, _, value = line.partition(":")
            found.setdefault(key.lower(), value.strip())
    except Exception:  # noqa: BLE001 - the metadata of a stranger's distribution
        found = {}
    for key in ("name", "version"):
        if not found.get(key):
            try:
                found[key] = str(getattr(dist, key, None) or "?")
            except Exception:  # noqa: BLE001 - the same
                found[key] = "?"
    return one_line(found["name"]), one_line(found["version"])


def _wrong_version(module: object, plugin: PluginInfo) -> Problem | None:
    """What is wrong with the API version that a plugin names; nothing where it names none."""
    version = getattr(module, "MMBENCH_API_VERSION", API_VERSION)
    ours = f"this is mmbench {__version__} with API version {API_VERSION}"
    remove = f"pip uninstall {plugin.distribution}"
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        what = f"names {one_line(repr(version), 60)} as its API version, which is none; {ours}"
        mend = f"set MMBENCH_API_VERSION = {API_VERSION} in {plugin.module}, or {remove}"
    elif version > API_VERSION:
        what = f"was written for API version {version}, which is later; {ours}"
        mend = f"pip install -U mmbench, or {remove}"
    elif version < API_VERSION:
        what = f"was written for API version {version}; {ours}"
        mend = f"pip install -U {plugin.distribution} mmbench, or {remove}"
    else:
        return None
    return Problem(plugin, what, mend)


def _said(error: BaseException) -> str:
    """An exception in words, also where its own words raise."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - a stranger's exception
        return type(error).__name__


def _mend(error: BaseException, plugin: PluginInfo) -> str:
    """What to do about a plugin whose import or hooks raise."""
    name = plugin.distribution
    remove = f"pip uninstall {name}"
    asked = ((error.name or "") if isinstance(error, ImportError) else "").partition(".")[0]
    if asked == "mmbench":  # it was written for another mmbench
        return f"pip install -U mmbench {name}, or {remove}"
    missing = isinstance(error, ModuleNotFoundError)
    if missing and asked and asked != plugin.module.partition(".")[0]:
        return (
            f"install what brings the module {one_line(asked)!r} (pip install {name} brings what "
            f"it declares), or {remove}"
        )
    return f"pip install -U {name}, or {remove}"


def _specs_of(module: object) -> list[tuple[str, Any]]:
    """Call one plugin's hooks; all that it brings or, by raising, nothing.

    pluggy marks the hooks; its manager, which is made to call many plugins at once, would take
    longer to check one plugin than Python takes to import it.
    """
    hooks = {}
    held_by = vars(module) if isinstance(module, ModuleType) else _attributes(module)
    for name, held in held_by.items():
        mark = getattr(held, f"{hookspecs.PROJECT}_impl", None)
        if isinstance(mark, dict):
            hooks[mark.get("specname") or name] = held
    if not hooks:
        raise PluginError("it implements no hook: mark its functions with mmbench.api.hookimpl")
    for name in hooks:
        if name not in _HOOKS:
            raise PluginError(f"unknown hook {name!r}; hooks are {', '.join(_HOOKS)}")
    return [
        (group, spec)
        for name, group in _HOOKS.items()
        if name in hooks
        for spec in _returned(name, hooks[name])
    ]


def _attributes(plugin: object) -> dict[str, Any]:
    """What an object that is no module holds, inherited methods included."""
    return {name: getattr(plugin, name, None) for name in dir(plugin)}


def _returned(name: str, hook: Any) -> Iterable[Any]:
    """What a hook returns, if that can be specs."""
    returned = hook()
    if isinstance(returned, Iterable) and not isinstance(returned, str | bytes | Mapping):
        return returned
    raise PluginError(f"{name}() returned {one_line(repr(returned), 100)}, no list of specs")
