"""Frozen dataclasses to plain JSON values and back, and the JSON Schema of a dataclass.

One walk over the type hints serves all three, so the published schema cannot drift from the code.
Understood: dataclasses, ``str | int | float | bool``, ``Any`` (plain JSON), ``Literal``,
``X | None``, ``tuple[X, ...]``, ``tuple[X, Y]`` and ``dict[str, X]``.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import math
import textwrap
import types
import typing
from pathlib import PurePath
from typing import Any, Literal, TypeVar

T = TypeVar("T")

_SCALARS: dict[Any, tuple[str, tuple[type, ...]]] = {
    str: ("a string", (str,)),
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
}
_SCHEMA_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def to_plain(value: Any) -> Any:  # noqa: PLR0911 - one return a kind of value
    """Plain JSON values of dataclasses, mappings, sequences, paths and numpy arrays or scalars.

    JSON has no NaN and no infinity: NaN becomes null, infinities the strings ``"inf"``, ``"-inf"``.

    Raises:
        TypeError: a value that JSON cannot hold.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return _plain_scalar(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, typing.Mapping):
        return {str(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(entry) for entry in value]
    if isinstance(value, (set, frozenset)):
        return sorted((to_plain(entry) for entry in value), key=str)
    if isinstance(value, PurePath):
        return _plain_scalar(str(value))
    if hasattr(value, "tolist"):  # a numpy array or scalar, without importing numpy
        return to_plain(value.tolist())
    raise TypeError(f"JSON can't hold a {type(value).__name__}: {value!r}")


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, str):  # a lone surrogate (an undecodable file name) is not Unicode
        return str(value) if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def from_plain(cls: type[T], value: Any, where: str = "") -> T:
    """Rebuild a dataclass from plain values, checking every type on the way.

    Args:
        cls: The dataclass.
        value: What :func:`to_plain` gave, or what ``json.loads`` read.
        where: The path of ``value`` in its document, for messages.

    Raises:
        ValueError: A field is unknown, missing or of another type; the message has its path.
    """
    if not isinstance(value, dict):
        raise _mismatch(where, "an object", value)
    hints = _hints(typing.cast("type", cls))
    unknown = sorted(value.keys() - hints.keys())
    if unknown:
        raise ValueError(f"{_at(where, unknown[0])}: unknown field")
    fields = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        path = _at(where, field.name)
        if field.name in value:
            fields[field.name] = _decode(hints[field.name], value[field.name], path)
        elif _required(field):
            raise ValueError(f"{path}: missing")
    return cls(**fields)


def json_schema(cls: type, *, title: str, identifier: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a dataclass; field docstrings become descriptions."""
    definitions: dict[str, Any] = {}
    schema = _object_schema(cls, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        "title": title,
        **schema,
        "$defs": dict(sorted(definitions.items())),
    }


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _required(field: dataclasses.Field[Any]) -> bool:
    absent = dataclasses.MISSING
    return field.default is absent and field.default_factory is absent


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _mismatch(where: str, expected: str, value: Any) -> ValueError:
    return ValueError(f"{where or 'the document'}: expected {expected}, got {value!r:.60}")


def _decode(hint: Any, value: Any, where: str) -> Any:  # noqa: PLR0911 - one return a kind of hint
    if hint is Any:
        return value
    if hint in _SCALARS:
        return _decode_scalar(hint, value, where)
    if dataclasses.is_dataclass(hint):
        return from_plain(typing.cast("type", hint), value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise _mismatch(where, " or ".join(map(repr, arguments)), value)
        return value
    if origin in {types.UnionType, typing.Union}:
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if value is None else _decode(inner, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise _mismatch(where, "an object", value)
        return {k: _decode(arguments[1], v, _at(where, k)) for k, v in value.items()}
    return _decode_tuple(arguments, value, where)


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    expected, accepted = _SCALARS[hint]
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        raise _mismatch(where, expected, value)
    return hint(value)


def _decode_tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _mismatch(where, "a list", value)
    if arguments[1:] == (...,):
        return tuple(_decode(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if len(value) != len(arguments):
        raise _mismatch(where, f"a list of {len(arguments)}", value)
    pairs = zip(arguments, value, strict=True)
    return tuple(_decode(hint, v, f"{where}[{i}]") for i, (hint, v) in enumerate(pairs))


def _object_schema(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints, described = _hints(cls), _descriptions(cls)
    properties = {}
    for field in dataclasses.fields(cls):
        schema = _hint_schema(hints[field.name], definitions)
        text = described.get(field.name)
        properties[field.name] = {**schema, "description": text} if text else schema
    return {
        "type": "object",
        "description": inspect.cleandoc(cls.__doc__ or "").splitlines()[0],
        "properties": properties,
        "required": [field.name for field in dataclasses.fields(cls)],
        "additionalProperties": False,
    }


def _hint_schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - as above
    if hint is Any:
        return {}
    if hint in _SCHEMA_TYPES:
        return {"type": _SCHEMA_TYPES[hint]}
    if dataclasses.is_dataclass(hint):
        cls = typing.cast("type", hint)
        if cls.__name__ not in definitions:
            definitions[cls.__name__] = {}  # holds the place against recursion
            definitions[cls.__name__] = _object_schema(cls, definitions)
        return {"$ref": f"#/$defs/{cls.__name__}"}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in {types.UnionType, typing.Union}:
        inner = next(argument for argument in arguments if argument is not type(None))
        return {"anyOf": [_hint_schema(inner, definitions), {"type": "null"}]}
    if origin is dict:
        return {
            "type": "object",
            "additionalProperties": _hint_schema(arguments[1], definitions),
        }
    if arguments[1:] == (...,):
        return {"type": "array", "items": _hint_schema(arguments[0], definitions)}
    entries = [_hint_schema(argument, definitions) for argument in arguments]
    return {"type": "array", "prefixItems": entries, "minItems": len(entries), "items": False}


def _descriptions(cls: type) -> dict[str, str]:
    """The docstring under each field, which Python itself throws away."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    described = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            described[statement.target.id] = " ".join(following.value.value.split())
    return described
