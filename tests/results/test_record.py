from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from record_samples import make_record

import mmbench.results.record as record_module
from mmbench.api.errors import StoreError
from mmbench.results import codec
from mmbench.results.record import (
    ErrorEntry,
    from_json,
    record_schema,
    seal,
    to_json,
)

PUBLISHED = Path(record_module.__file__).with_name("record.schema.json")

SAMPLES = {
    "ok": make_record(),
    "seeded": make_record(seed=3, notes=("two ids have no box",)),
    "failed": make_record(status="failed", error=ErrorEntry(type="ValueError", message="NaN")),
    "skipped": make_record(status="skipped", reason="no audio"),
    "published": make_record(source="published", verified=False),
    "unicode": make_record("zahl→ton 数字"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_round_trip(name):
    text = to_json(SAMPLES[name])
    assert text.endswith("}\n")
    assert from_json(text) == seal(SAMPLES[name])
    assert to_json(from_json(text)) == text


def test_schema_file_is_current():
    assert PUBLISHED.read_text(encoding="utf-8") == record_schema(), (
        "regenerate it: python -c 'from mmbench.results.record import record_schema as s; "
        'print(s(), end="")\' > mmbench/results/record.schema.json'
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_satisfy_the_published_schema(name):
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(to_json(SAMPLES[name])), schema)


def test_published_schema_refuses_what_the_code_refuses():
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    document = json.loads(to_json(SAMPLES["ok"]))
    for change in ({"status": "fine"}, {"extra": 1}, {"items_used": "4"}, {"seed": 1.5}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **change}, schema)


def test_every_field_is_described():
    schema = json.loads(record_schema())
    bare = [
        f"{name}.{field}"
        for name, entry in {"Record": schema, **schema["$defs"]}.items()
        if name != "MetricInfo"  # the API documents its attributes in the class docstring
        for field, described in entry["properties"].items()
        if "description" not in described
    ]
    assert bare == []


def test_numpy_values_options_and_non_finite_numbers_become_plain():
    record = make_record(
        parameters={
            "T": np.int64(3),
            "grid": np.array([0.5, np.nan]),
            "limit": float("inf"),
            "path": Path("a/b"),
            "names": {"b", "a"},
            "undecodable": "\udc80",
        },
        references={"chance": {"R@1": float("nan")}},
    )
    stored = from_json(to_json(record))
    assert stored.parameters == {
        "T": 3,
        "grid": [0.5, None],
        "limit": "inf",
        "path": "a/b",
        "names": ["a", "b"],
        "undecodable": "\\udc80",
    }
    assert stored.references == {"chance": {"R@1": None}}


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(StoreError, match="can't hold a object"):
        to_json(make_record(parameters={"x": object()}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "fine"}, "status: expected 'ok' or 'failed' or 'skipped', got 'fine'"),
        ({"items_used": 1.5}, r"items_used: expected a whole number"),
        ({"items_used": True}, r"items_used: expected a whole number"),
        ({"partial": 1}, "partial: expected true or false"),
        ({"notes": "text"}, "notes: expected a list"),
        ({"metrics": [1]}, "metrics: expected an object"),
        ({"cost": 3}, "cost: expected an object"),
        ({"references": {"chance": {"R@1": "x"}}}, r"references.chance.R@1: expected a number"),
        ({"created": "yesterday"}, "Invalid isoformat"),
        ({"created": "2026-11-22T05:00:00"}, "no time zone"),
    ],
)
def test_wrong_types_are_refused_by_path(change, message):
    with pytest.raises(StoreError, match=message):
        to_json(replace(SAMPLES["ok"], **change))


def edited(**change: Any) -> str:
    """A record edited by hand, with a checksum that fits again."""
    document = {**json.loads(to_json(SAMPLES["ok"])), **change}
    document = {name: value for name, value in document.items() if value is not ...}
    document["checksum"] = record_module._checksum(document)
    return json.dumps(document)


def test_unknown_and_missing_fields():
    with pytest.raises(StoreError, match="colour: unknown field"):
        from_json(edited(colour=1))
    with pytest.raises(StoreError, match="key: missing"):
        from_json(edited(key=...))
    with pytest.raises(StoreError, match=r"task.equal\[0\]: expected a list of 2"):
        from_json(edited(task={**json.loads(edited())["task"], "equal": [["a"]]}))
    assert from_json(edited(reason=...)).reason == ""


def test_truncated_altered_newer_and_foreign_files_are_refused():
    text = to_json(SAMPLES["ok"])
    with pytest.raises(StoreError, match=r"x\.json: not JSON"):
        from_json(text[:-20], where="x.json")
    with pytest.raises(StoreError, match="checksum"):
        from_json(text.replace('"items_used": 4', '"items_used": 5'))
    with pytest.raises(StoreError, match="newer mmbench"):
        from_json(edited(schema=record_module.SCHEMA + 1))
    for foreign in ("[]", "{}", '{"schema": "1"}'):
        with pytest.raises(StoreError, match="not a record"):
            from_json(foreign)


def test_older_records_are_migrated(monkeypatch):
    old = edited(schema=0, reason=..., why="no audio")
    with pytest.raises(StoreError, match="schema 0 is unknown"):
        from_json(old)

    def rename(document: dict[str, Any]) -> dict[str, Any]:
        changed = dict(document)
        changed["reason"] = changed.pop("why")
        return changed

    monkeypatch.setitem(record_module.MIGRATIONS, 0, rename)
    record = from_json(old)
    assert record.reason == "no audio"
    assert record.schema == record_module.SCHEMA
    assert record == seal(record)


def test_metric_of_a_task_entry():
    assert SAMPLES["ok"].task.metric("R@5").ladder == ("R", 5.0)


def test_schema_of_a_recursive_class():
    schema = codec.json_schema(Node, title="node", identifier="x")
    assert schema["$defs"]["Node"]["properties"]["below"]["items"] == {"$ref": "#/$defs/Node"}


@dataclass(frozen=True)
class Node:
    """A tree."""

    below: tuple[Node, ...] = ()
    """What hangs below."""
