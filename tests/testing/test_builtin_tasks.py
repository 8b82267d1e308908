"""The built-in tasks without scenes pass the kit; the others have a file of their own."""

from __future__ import annotations

import pytest
from builtin_runs import BUILTINS, SCENES, assert_conforms

TASKS = {
    name: entry.spec.protocol
    for name, entry in BUILTINS.tasks.items()
    if entry.spec.protocol not in SCENES
}
#: One of every protocol is always checked; the others, of the same classes, where there is time.
FIRST = {protocol: name for name, protocol in reversed(TASKS.items())}
SLOW = [name for name in TASKS if name not in FIRST.values()]


def test_every_protocol_is_among_them():
    assert sorted(FIRST) == ["alignment", "missing", "retrieval", "zero-shot"]


@pytest.mark.parametrize("name", FIRST.values())
def test_a_task_passes(name, tmp_path):
    assert_conforms("tasks", name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_another_task_of_the_same_protocol_passes(name, tmp_path):
    assert_conforms("tasks", name, tmp_path)
