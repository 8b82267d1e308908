"""The built-in tasks on scenes pass the kit; a file of their own, to be run beside the others."""

from __future__ import annotations

import pytest
from builtin_runs import BUILTINS, SCENES, assert_conforms

TASKS = {
    name: entry.spec.protocol
    for name, entry in BUILTINS.tasks.items()
    if entry.spec.protocol in SCENES
}


def test_both_protocols_are_among_them():
    assert set(TASKS.values()) == set(SCENES)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_passes(name, tmp_path):
    assert_conforms("tasks", name, tmp_path)
