"""What the rows are called: the suite's label, and what sets two of one label apart."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from mmbench.results.boards import RepresentationRow
from mmbench.results.codec import to_plain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mmbench.results.record import Record, RepresentationEntry

__all__ = [
    "is_shown",
    "label_of",
    "option_text",
    "options_text",
    "representation_rows",
    "row_labels",
]

#: Options that take more characters than this say less than the hash.
_LONGEST = 60

Labels = dict[tuple[str, str], str]


def is_shown(record: Record) -> bool:
    """Whether a record is a row of its own: measured, finished, and on all of the data."""
    return record.status == "ok" and record.source == "measured" and not record.partial


def row_labels(records: Sequence[Record]) -> Labels:
    """Label and fingerprint to what the leaderboards call it, one name a fingerprint.

    Where a label stands for several things, its name lists the options that differ,
    ``cca (shrinkage = 0.1)``; where none does (other weights), or where they are long, the start of
    the fingerprint. A name is the same on every table.
    """
    variants: dict[str, dict[str, RepresentationEntry]] = {}
    for record in records:
        if is_shown(record):
            entry = record.representation
            variants.setdefault(entry.label, {}).setdefault(entry.fingerprint, entry)
    named = {}
    for label, entries in variants.items():
        texts = _differences(entries)
        counts = Counter([*texts.values(), *(fingerprint[:8] for fingerprint in texts)])
        for fingerprint, text in texts.items():
            if len(entries) == 1:
                name = label
            elif text and counts[text] == 1 and len(text) <= _LONGEST:
                name = f"{label} ({text})"
            else:
                start = fingerprint[:8] if counts[fingerprint[:8]] == 1 else fingerprint
                name = f"{label} [{start}]"
            named[label, fingerprint] = name
    return named


def label_of(record: Record, labels: Mapping[tuple[str, str], str]) -> str:
    """The name of a record's row; the suite's label where it is on no table."""
    entry = record.representation
    return labels.get((entry.label, entry.fingerprint), entry.label)


def representation_rows(
    records: Sequence[Record], labels: Labels, shown: Collection[str]
) -> tuple[RepresentationRow, ...]:
    """What the rows of the tables are, by name.

    Args:
        records: All records, by key.
        labels: From :func:`row_labels`.
        shown: The names that are on a table.
    """
    entries: dict[str, list[RepresentationEntry]] = {}
    for record in records:
        name = label_of(record, labels)
        if is_shown(record) and name in shown:
            entries.setdefault(name, []).append(record.representation)
    return tuple(_row(name, entries[name]) for name in sorted(entries))


def options_text(options: Mapping[str, Any]) -> str:
    """``k = v, k = v``, by name."""
    return ", ".join(f"{name} = {option_text(options[name])}" for name in sorted(options))


def option_text(value: Any) -> str:
    """An option's value as text: a string as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(to_plain(value), ensure_ascii=False)


def _row(name: str, entries: Sequence[RepresentationEntry]) -> RepresentationRow:
    first = entries[0]
    return RepresentationRow(
        label=name,
        name=first.name,
        version=first.version,
        distribution=first.distribution,
        # The fingerprint is of class, options and weights: releases of one plugin may share it.
        distribution_version=", ".join(sorted({entry.distribution_version for entry in entries})),
        options=first.options,
        fingerprint=first.fingerprint,
        family=first.family,
        parameters=first.parameters,
    )


def _differences(entries: Mapping[str, RepresentationEntry]) -> dict[str, str]:
    """Of each fingerprint, what is not the same in all of these entries."""
    facts = {
        fingerprint: {
            "representation": entry.name,
            "version": entry.version,
            **{name: option_text(value) for name, value in entry.options.items()},
        }
        for fingerprint, entry in entries.items()
    }
    names = sorted({name for fact in facts.values() for name in fact})
    differing = [name for name in names if len({fact.get(name) for fact in facts.values()}) > 1]
    return {
        fingerprint: ", ".join(f"{name} = {fact[name]}" for name in differing if name in fact)
        for fingerprint, fact in facts.items()
    }
