"""What importing a module costs is measured honestly, and one by one."""

from __future__ import annotations

import sys

import pytest

from mmbench import import_cost
from mmbench.import_cost import BUDGET_MS, ImportCost, import_costs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder on the path of this process and so of the one that measures."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_each_module_is_measured_as_if_it_were_the_only_one(folder):
    (folder / "light_one.py").write_text("print('to nobody')\n")
    for name in ("first_heavy", "second_heavy"):
        (folder / f"{name}.py").write_text("import h5py\n")
    (folder / "h5py.py").write_text("")
    costs = import_costs(["first_heavy", "light_one", "second_heavy"])
    assert list(costs) == ["first_heavy", "light_one", "second_heavy"]
    assert costs["first_heavy"].heavy == costs["second_heavy"].heavy == ("h5py",)
    assert not costs["second_heavy"].light
    assert costs["light_one"].light
    assert 0 < costs["light_one"].milliseconds < BUDGET_MS
    assert "light_one" not in sys.modules


def test_a_slow_module_is_over_the_budget(folder, monkeypatch):
    (folder / "slow_one.py").write_text("import time; time.sleep(0.2)\n")
    monkeypatch.setattr(import_cost, "BUDGET_MS", 150.0)
    cost = import_costs(["slow_one"])["slow_one"]
    assert cost.milliseconds >= 200
    assert cost.heavy == ()
    assert not cost.light


def test_the_better_of_two_measurements_counts(folder, monkeypatch):
    marker = folder / "seen"
    (folder / "cold_one.py").write_text(
        f"import pathlib, time\nmarker = pathlib.Path({str(marker)!r})\n"
        "time.sleep(0 if marker.exists() else 0.3)\nmarker.touch()\n"
    )
    assert import_costs(["cold_one"])["cold_one"].milliseconds < BUDGET_MS


@pytest.mark.parametrize(
    "source", ["1 / 0", "raise SystemExit(0)", "import os; os._exit(1)", "import os; os.close(1)"]
)
def test_a_module_that_fails_hides_no_other(folder, source):
    (folder / "failing_one.py").write_text(source)
    (folder / "light_one.py").write_text("")
    assert "light_one" in import_costs(["failing_one", "light_one"])


def test_a_module_that_hangs_is_given_up(folder, monkeypatch):
    (folder / "hanging_one.py").write_text("import time; time.sleep(60)")
    (folder / "light_one.py").write_text("")
    monkeypatch.setattr(import_cost, "_LIMIT_S", 1)
    assert list(import_costs(["hanging_one", "light_one"])) == ["light_one"]


def test_light_is_within_the_budget_and_nothing_heavy():
    assert ImportCost(BUDGET_MS, ()).light
    assert not ImportCost(BUDGET_MS + 1, ()).light
    assert not ImportCost(1.0, ("torch",)).light
