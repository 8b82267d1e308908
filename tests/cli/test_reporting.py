"""What a run says of its plan, of dropped items and of an interrupt."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from faulty_plugin import faulty_plugin
from rich.console import Console

from mmbench.cli.reporting import say_dropped, say_interrupted
from mmbench.results.store import RecordStore
from mmbench.runner.plan import CellPlan, Plan
from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice

__all__ = ["faulty_plugin"]


@pytest.fixture
def faulty(faulty_plugin, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "faulty")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=1000, highlight=False)


def text(console: Console) -> str:
    return console.file.getvalue()


@pytest.mark.usefixtures("faulty")
def test_dropped_items_are_on_the_screen(call, tmp_path) -> None:
    run = ("run", "-r", "steady", "-t", "pairs", "--resamples", "50")
    assert "dropped" not in call(*run).err

    said = call(*run, "-o", 'broken=["test-002", "test-005"]', "--cache", tmp_path / "another")

    (line,) = [line for line in said.err.splitlines() if line.startswith("dropped")]
    assert line.startswith("dropped  steady on pairs: 2 items of 12 dropped from pairs: ")
    assert "first 'test-002': ItemError: " in line
    assert line.endswith("(all are in the record)")


@pytest.mark.usefixtures("faulty")
def test_cells_that_lack_the_same_items_share_a_line(call, console, tmp_path) -> None:
    call(
        *("run", "-r", "steady", "-r", "seeded", "-t", "pairs", "--seeds", "0,1"),
        *("-o", 'broken=["test-002"]', "--resamples", "50"),
    )

    say_dropped(RecordStore(tmp_path / "results" / "adhoc").records(), console)

    lines = text(console).splitlines()
    assert sorted(line.split(":")[0] for line in lines) == [
        "dropped  seeded on pairs", "dropped  steady on pairs"
    ]  # fmt: skip
    assert all("1 item of 12 dropped" in line for line in lines)


@pytest.mark.usefixtures("faulty")
def test_the_plan_tells_seeds_apart(call) -> None:
    plan = ("run", "-r", "seeded", "-r", "steady", "-t", "pairs", "--dry-run")
    one = call(*plan).out.splitlines()
    assert not any("seed" in line.split() and "items" in line for line in one)

    several = call(*plan, "--seeds", "0,7").out.splitlines()

    (head,) = [line for line in several if "first for" in line]
    assert head.split() == ["representation", "work", "first", "for", "seed", "items", "to", "do"]
    work = [line.split() for line in several if " encode " in line]
    seeded = [line for line in work if line[0] == "seeded"]
    assert len(seeded) == len({tuple(line) for line in seeded}) == 4
    assert {line[-3] for line in seeded} == {"0", "7"}
    assert [line[-3] for line in work if line[0] == "steady"] == ["pairs", "pairs"]


def test_an_interrupt_counts_what_was_to_be_done(console) -> None:
    choice, task = RepresentationChoice("steady", "steady"), TaskChoice("pairs", "pairs")
    states = {"a": "planned", "b": "planned", "c": "planned", "d": "done", "e": "skipped"}
    cells = [CellPlan(choice, task, None, key=key, state=state) for key, state in states.items()]
    status = {"a": "ok", "b": "failed", "d": "ok"}
    outcome = SimpleNamespace(
        plan=Plan(Suite("mine", (task,), (choice,)), cells),
        records={key: SimpleNamespace(status=each) for key, each in status.items()},
    )

    say_interrupted(outcome, console)

    assert text(console).startswith("Interrupted: 1 of 3 cells to do are finished and kept.")
