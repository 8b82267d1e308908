"""Tables of a record's fields, from its JSON Schema; `make_tables.py` puts them into the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mmbench.results.record import record_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The order of the page: what a record refers to, as it comes.
ORDER = (
    "RepresentationEntry",
    "BaseEntry",
    "TaskEntry",
    "MetricInfo",
    "MetricValue",
    "CollectionEntry",
    "StreamEntry",
    "DroppedItem",
    "Cost",
    "Environment",
    "ErrorEntry",
)


def record_tables(
    more: Mapping[str, Mapping[str, str]],
    table: Callable[[Any, Any], str],
    spoken: Callable[[str], str],
) -> str:
    """One table for the record, and one for each object in it.

    Args:
        more: Object to field to description, where the schema has none.
        table: Makes a table of a head and rows.
        spoken: Turns a docstring's words into Markdown.
    """
    schema = json.loads(record_schema())
    objects = {"Record": schema, **{name: schema["$defs"][name] for name in ORDER}}
    left = set(schema["$defs"]) - set(ORDER)
    assert not left, f"not in the page's order: {left}"
    parts = []
    for name, each in objects.items():
        rows = [
            (f"`{field}`", _type(hint), spoken(hint.get("description") or more[name][field]))
            for field, hint in each["properties"].items()
        ]
        said = spoken(each["description"])
        parts.append(f"### {name}\n\n{said}\n\n" + table(("field", "type", "what it is"), rows))
    return "\n".join(parts)


def _type(hint: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one return a kind of schema
    """A schema in words."""
    if "$ref" in hint:
        name = hint["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in hint:
        return f"`{hint['const']}`"
    if "enum" in hint:
        return " or ".join(f"`{value}`" for value in hint["enum"])
    if "anyOf" in hint:
        return " or ".join(_type(each) for each in hint["anyOf"])
    if hint.get("type") == "array":
        if "prefixItems" in hint:
            return f"[{', '.join(_type(each) for each in hint['prefixItems'])}]"
        return f"list of {_type(hint['items'])}"
    if hint.get("type") == "object":
        return f"object of {_type(hint['additionalProperties'])}"
    return str(hint.get("type", "any"))
