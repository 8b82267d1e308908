"""The built-in tasks without scenes pass the kit; the others have a file of their own."""

from __future__ import annotations

import pytest
from builtin_runs import BUILTINS, SCENES, assert_conforms

TASKS = {
    name: entry.spec.protocol
    for name, entry in BUILTINS.tasks.items()
    if entry.spec.protocol not in SCENES
}


def test_every_protocol_is_among_them():
    assert sorted(set(TASKS.values())) == ["alignment", "missing", "retrieval", "zero-shot"]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_passes(name, tmp_path):
    assert_conforms("tasks", name, tmp_path)
