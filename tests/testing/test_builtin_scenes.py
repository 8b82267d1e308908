"""The built-in tasks on scenes pass the kit; a file of their own, to be run beside the others."""

from __future__ import annotations

import pytest
from builtin_runs import BUILTINS, SCENES, assert_conforms

NAMES = [name for name, entry in BUILTINS.tasks.items() if entry.spec.protocol in SCENES]


def test_both_protocols_are_among_them():
    assert sorted(NAMES) == [
        "numbers-counterfactual", "numbers-localization", "numbers-localization-boxes",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["numbers-localization", "numbers-counterfactual"])
def test_a_task_passes(name, tmp_path):
    assert_conforms("tasks", name, tmp_path)


@pytest.mark.slow
def test_localization_by_boxes_passes(tmp_path):
    assert_conforms("tasks", "numbers-localization-boxes", tmp_path)
