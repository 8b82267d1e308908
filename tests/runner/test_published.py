from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from runner_bench import do_jobs, representation, task

from mmbench.api import PluginError
from mmbench.results.store import RecordStore
from mmbench.runner.published import published_on, published_records
from mmbench.runner.run import Run
from mmbench.runner.suite import RepresentationChoice

FIGURE = """
[[figure]]
task = "pairs"
model = "Paper"
citation = "table 1"
verified = true
metrics = {{ "{metric}" = 0.25 }}
"""


@pytest.fixture
def papers(registry, tmp_path, monkeypatch):
    """The registry with figures published on the task ``pairs``, and what its file says."""
    package = tmp_path / "site" / "mmbench_papers"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(package.parent)
    entry = registry.tasks["pairs"]
    spec = replace(entry.spec, published="mmbench_papers:papers.toml")
    known = replace(registry, tasks={**registry.tasks, "pairs": replace(entry, spec=spec)})
    metric = known.configure("tasks", "pairs", {}, object).object.info.primary
    file = package / "papers.toml"
    file.write_text("checked = 2026-11-22\n" + FIGURE.format(metric=metric), "utf-8")
    yield known, file
    sys.modules.pop("mmbench_papers", None)


def finished(bench, known, **settings):
    """Nothing is measured: the one representation is not installed."""
    absent = RepresentationChoice("absent", "absent", optional=True)
    suite = bench.suite([absent], [task(), task("pairs", "again")])
    return Run(suite, known, replace(bench.settings, **settings), suite).execute()


def shown(records):
    return sorted(
        (r.representation.label, r.task.label) for r in records if r.source == "published"
    )


def test_they_are_on_the_board_and_in_the_folder(bench, papers):
    known, _ = papers
    outcome = finished(bench, known)
    both = [("Paper", "again"), ("Paper", "pairs")]
    assert shown(outcome.board) == both
    assert shown(outcome.records.values()) == []
    folder = bench.settings.results
    assert shown(RecordStore(folder).records()) == both
    before = {path: path.stat().st_mtime_ns for path in folder.glob("records/*.json")}
    finished(bench, known)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("records/*.json")} == before


def test_a_value_put_right_replaces_the_wrong_one(bench, papers):
    known, file = papers
    for value in ("0.75", "0.125", "0.5"):
        text = file.read_text("utf-8")
        start = text.rindex("= ") + 2
        file.write_text(text[:start] + value + " }\n", "utf-8")
        finished(bench, known)
        found = [
            r for r in RecordStore(bench.settings.results).records() if r.source == "published"
        ]
        assert [[m.value for m in r.metrics.values()] for r in found] == [[float(value)]] * 2


def test_a_part_of_the_data_keeps_none(bench, papers):
    known, _ = papers
    finished(bench, known, limit=2)
    assert shown(RecordStore(bench.settings.results).records()) == []


def test_generated_data_alone_has_none(papers, bench):
    known, _ = papers
    running = bench.run([representation("steady")])
    do_jobs(running, bench.registry)
    (first,) = running.outcome().records.values()
    tasks = [("pairs", "pairs")]
    made_up = replace(first, provenance="generated")
    measured = replace(first, provenance="real")
    assert published_records(tasks, [made_up], known) == []
    assert len(published_records(tasks, [made_up, measured], known)) == 1
    assert len(published_records(tasks, [], known)) == 1
    assert len(published_records(tasks, [replace(made_up, status="failed")], known)) == 1


@pytest.mark.parametrize("broken", ["missing", "toml", "option", "package"])
def test_a_broken_file_is_named_and_left_out(papers, caplog, broken):
    known, file = papers
    if broken == "missing":
        file.unlink()
    elif broken == "toml":
        file.write_text("checked", "utf-8")
    elif broken == "option":
        file.write_text(file.read_text("utf-8") + "options = { nonsense = 1 }\n", "utf-8")
    else:
        entry = known.tasks["pairs"]
        spec = replace(entry.spec, published="no_such_package:papers.toml")
        known.tasks["pairs"] = replace(entry, spec=spec)
    assert published_records([("pairs", "pairs")], [], known) == []
    assert "figures published on pairs are left out" in caplog.text
    assert "papers.toml" in caplog.text or "nonsense" in caplog.text


def test_a_task_without_such_a_file_has_none(registry):
    assert published_on("pairs", "pairs", registry) == []
    entry = registry.tasks["pairs"]
    spec = replace(entry.spec, published="mmbench:nothing.toml")
    with pytest.raises(PluginError, match="can't be read"):
        published_on(
            "pairs", "pairs", replace(registry, tasks={"pairs": replace(entry, spec=spec)})
        )
