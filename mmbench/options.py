"""Options of plugin classes: keyword arguments of ``__init__``, checked by their type hints."""

from __future__ import annotations

import inspect
import types
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from mmbench.api.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Option", "declared_options", "nearest", "parse_assignment", "resolve_options"]


@dataclass(frozen=True)
class Option:
    """One keyword argument of a plugin class.

    Attributes:
        name: What users type before the ``=``.
        default: Its default; :data:`inspect.Parameter.empty` where it is required.
        hint: The resolved type hint, or ``object`` where there is none.
    """

    name: str
    default: Any
    hint: Any

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def values(self) -> str:
        """Its type in words: ``int``, ``'l2' | 'none'``, ..."""
        if get_origin(self.hint) is Literal:
            return " | ".join(repr(value) for value in get_args(self.hint))
        return getattr(self.hint, "__name__", str(self.hint))


def declared_options(cls: type) -> dict[str, Option]:
    """The options that a plugin class declares, in order."""
    init = cls.__init__  # type: ignore[misc]
    try:
        hints = get_type_hints(init)
    except (NameError, TypeError):
        hints = {}  # a hint that only a type checker can resolve: accept any value
    return {
        name: Option(name, parameter.default, hints.get(name, object))
        for name, parameter in inspect.signature(init).parameters.items()
        if name != "self"
        and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }


def resolve_options(
    cls: type, preset: Mapping[str, Any], given: Mapping[str, Any], *, where: str
) -> dict[str, Any]:
    """All options of ``cls`` with their values: defaults, then the preset, then what was given.

    Raises:
        UsageError: An unknown option (with the nearest names), a missing required one, a value
            of another type than the hint, or one that the class refuses by name.
    """
    declared = declared_options(cls)
    resolved = {name: option.default for name, option in declared.items() if not option.required}
    refused: Mapping[str, str] = getattr(cls, "refused", {})
    for name, value in {**preset, **given}.items():
        if f"{name}={value}" in refused:
            raise UsageError(
                f"declines {name}={value}", where=where, fix=refused[f"{name}={value}"]
            )
        if name not in declared:
            raise UsageError(
                f"has no option {name!r}",
                where=where,
                fix=nearest(name, declared, "its options are"),
            )
        resolved[name] = _checked(declared[name], value, where)
    missing = [name for name in declared if name not in resolved]
    if missing:
        raise UsageError(
            f"needs the option {missing[0]!r}",
            where=where,
            fix=f"give it with -o {missing[0]}=... or in the suite's options",
        )
    return resolved


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split ``key=value``; the value is read as TOML, and as a plain string where it is none.

    Raises:
        UsageError: There is no ``=``.
    """
    import tomllib

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{text!r} is not of the form key=value", where="-o")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """``did you mean ...?`` with the nearest known names, or the list of all of them."""
    names = sorted(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"{otherwise}: {', '.join(names) if names else 'none'}."


def _checked(option: Option, value: Any, where: str) -> Any:
    """The value, with lists made tuples and ints made floats where the hint asks for it."""
    value = _adapted(option.hint, value)
    if not _matches(option.hint, value):
        fix = f"it takes {option.values}" + _quoting(option, value)
        raise UsageError(f"option {option.name!r} is {value!r}", where=where, fix=fix)
    return value


def _quoting(option: Option, value: Any) -> str:
    """How to give as text what was read as a number or a truth value, where a text would fit."""
    if not isinstance(value, (bool, int, float)):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not _matches(option.hint, text):
        return ""
    return f""": a text needs quotes, -o '{option.name}="{text}"'"""


def _adapted(hint: Any, value: Any) -> Any:
    """TOML has no tuples, and writes 1 for 1.0."""
    if tuple in (hint, get_origin(hint)) and isinstance(value, list):
        inner = _element_hints(hint, len(value))
        fits = len(inner) == len(value)
        return tuple(map(_adapted, inner, value) if fits else value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if _is_union(hint):
        for inner in get_args(hint):
            adapted = _adapted(inner, value)
            if _matches(inner, adapted):
                return adapted
    return value


def _element_hints(hint: Any, length: int) -> tuple[Any, ...]:
    """The hints of a tuple's elements: ``tuple[int, ...]`` repeats its one."""
    inner = get_args(hint)
    return (inner[0],) * length if len(inner) == 2 and inner[1] is Ellipsis else inner


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _matches(hint: Any, value: Any) -> bool:
    """Whether a value fits a hint; hints beyond plain types are not second-guessed."""
    origin = get_origin(hint)
    if origin is Literal:
        # Not `in`: True equals 1.
        return any(value == each and type(value) is type(each) for each in get_args(hint))
    if _is_union(hint):
        return any(_matches(inner, value) for inner in get_args(hint))
    if origin is tuple and isinstance(value, tuple):
        inner = _element_hints(hint, len(value))
        return len(inner) == len(value) and all(map(_matches, inner, value))
    # Of list[str] or Mapping[str, int] the outside is checked.
    plain = type(None) if hint is None else origin or hint
    if plain is int and isinstance(value, bool):
        return False
    try:
        return isinstance(value, plain)
    except TypeError:  # Any, a type variable, a protocol: no type to check by
        return True
