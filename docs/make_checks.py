"""Write docs/conformance.md from the checks' own words: `python docs/make_checks.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.testing import all_checks

if TYPE_CHECKING:
    from mmbench.testing import CheckSpec

HEAD = """\
# The conformance kit

Made from the checks' docstrings by `python docs/make_checks.py`; a test holds that it is up to
date.

A plugin that passes these {count} checks keeps its contracts: its numbers don't depend on the batch
size, the order, the process or the time of day, its keys change when its weights do, and it costs
nothing to those who only list it. No data, no weights of others and no network are needed: items
are generated from the declared streams, and a dataset is checked on the sample that it writes.

## Make them

```console
mmbench plugin check mean-colour                # a representation, a task or a dataset
mmbench plugin check mmbench-swatches --all     # all that a distribution brings, a line a check
mmbench plugin check arrays -o folder=vectors   # configured
mmbench plugin check --explain output_is_finite # what one check means
```

The exit code is 1 if a check failed. In pytest each check is a test of its own:

```python
from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("mean-colour", "swatches")
def test_conformance(check: Check) -> None:
    check()
```

A check ends in one of five ways.

| status | meaning |
|---|---|
| passed | the contract is kept |
| failed | it is not: the message says what was expected, what was seen, and what to change |
| expected | it failed as the class said it would |
| blocked | something else, with a check of its own that fails, has to be mended first |
| skipped | it says nothing about this plugin: no dense maps, no folder on disk, one slot only |

## Failures that are meant

A class that breaks a contract on purpose says which and why, for everybody who checks it to see:

```python
class Probe(Representation):
    expected_failures = {{"items_are_told_apart": "a floor: it says the same of every item"}}
```

`parametrize_with_checks(..., expected_failures={{...}})` and `mmbench plugin check --expect
CHECK=REASON` say it from outside. An expected failure that passes has failed: its reason is out of
date.

## What is generated

For each slot a payload of its main kind and its declared shape, free axes at a length of our
choice. Override `Representation.example` where not every such payload is valid: ids of a small
vocabulary, a table with certain columns. Open slots are bound to an image, a sound and a text, or
to the streams that you name (`--stream pose:pose:Sequence:20x8`). A trained representation learns
from 48 generated items whose streams go together, once; make its training short by an option of
its own (`-o epochs=1`).
"""
GROUPS = {
    "representations": "Representations",
    "connectors": "Connectors",
    "datasets": "Datasets",
    "tasks": "Tasks",
}


def section(group: str, checks: list[CheckSpec]) -> str:
    """The checks of one group, by family."""
    parts = [f"## {GROUPS[group]}", f"{len(checks)} checks."]
    for family in dict.fromkeys(check.family for check in checks):
        parts.append(f"### {GROUPS[group]}: {family}")
        parts += [
            f"**`{check.name}`** {check.summary}\n\n{check.explanation}".strip()
            for check in checks
            if check.family == family
        ]
    return "\n\n".join(parts)


def text() -> str:
    """The whole page; a check of several groups stands with the first of them."""
    checks = all_checks()
    parts = [HEAD.format(count=len(checks)).rstrip()]
    for group in GROUPS:
        own = [check for check in checks if _first(check) == group]
        parts.append(section(group, own))
    return "\n\n".join(parts) + "\n"


def _first(check: CheckSpec) -> str:
    return next(group for group in GROUPS if group in check.groups)


if __name__ == "__main__":
    Path(__file__).with_name("conformance.md").write_text(text(), encoding="utf-8")
