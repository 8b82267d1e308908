"""Two hundred plugins: all are listed, and nothing of them is imported besides their hooks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import installing
import pytest

PERF = Path(__file__).parents[1] / "benchmarks" / "perf"
#: Lists in JSON; then which modules of the plugins were imported, on standard error.
LIST = """
import sys
from mmbench.cli.main import run_cli
assert run_cli(["list", "--json"]) == 0
print(*(name for name in sys.modules if name.startswith("mmbench_made")), file=sys.stderr)
print(*(name for name in ("numpy", "torch", "pandas") if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("layout", ["package", "module", "nested"])
def test_two_hundred_plugins_are_listed_and_only_their_hooks_imported(
    tmp_path, monkeypatch, layout
):
    monkeypatch.syspath_prepend(PERF)
    from many_plugins import fabricate

    monkeypatch.delenv("MMBENCH_LOAD_PLUGINS", raising=False)
    site = fabricate(tmp_path / "site", 200, layout)
    done = subprocess.run(
        [sys.executable, "-c", LIST], env=installing.environment(site),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    names = [f"made-{number:03d}" for number in range(200)]
    made = [row["distribution"] for row in listed["plugins"] if "made" in row["entry_point"]]
    assert made == [f"mmbench-{name}" for name in names]
    for group, end in (("representations", "model"), ("tasks", "task")):
        found = [row["name"] for row in listed[group] if "made" in row["name"]]
        assert found == [f"{name}-{end}" for name in names]
    imported, heavy = done.stderr.splitlines()
    expected = {f"mmbench_made_{number:03d}" for number in range(200)}
    if layout == "nested":
        expected |= {f"{package}.plugin" for package in expected}
    assert set(imported.split()) == expected
    assert heavy == ""
