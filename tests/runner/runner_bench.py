from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmbench.runner.run import Outcome, Run
from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice
from mmbench.runner.workshop import JobResult, Workshop

if TYPE_CHECKING:
    from mmbench.registry import Registry
    from mmbench.runner.plan import Plan
    from mmbench.runner.settings import RunSettings


def representation(name: str, label: str = "", **options: Any) -> RepresentationChoice:
    return RepresentationChoice(name, label or name, options)


def task(name: str = "pairs", label: str = "", **options: Any) -> TaskChoice:
    return TaskChoice(name, label or name, options)


class Bench:
    """Runs suites of the faulty plugin in this process, or with workers."""

    def __init__(self, registry: Registry, settings: RunSettings) -> None:
        self.registry = registry
        self.settings = settings

    def suite(
        self,
        representations: list[RepresentationChoice] | None = None,
        tasks: list[TaskChoice] | None = None,
        seeds: tuple[int, ...] = (0,),
    ) -> Suite:
        chosen = representations or [representation("steady")]
        return Suite("test", tuple(tasks or [task()]), tuple(chosen), seeds)

    def run(self, *args: Any, **fields: Any) -> Run:
        """A run of this suite, not executed; keywords of RunSettings override."""
        return Run(self.suite(*args), self.registry, replace(self.settings, **fields))

    def plan(self, *args: Any, **fields: Any) -> Plan:
        return self.run(*args, **fields).plan()

    def do(self, *args: Any, **fields: Any) -> tuple[Outcome, dict[str, JobResult]]:
        """Do every job in this process; errors are raised."""
        running = self.run(*args, **fields)
        results = do_jobs(running, self.registry)
        return running.outcome(), results

    def execute(self, *args: Any, **fields: Any) -> Outcome:
        """Do every job in worker processes."""
        return self.run(*args, **fields).execute()


def do_jobs(running: Run, registry: Registry) -> dict[str, JobResult]:
    reported: list[Any] = []
    shop = Workshop(
        registry, running.settings, running.suite.name, "cpu", lambda *said: reported.append(said)
    )
    results: dict[str, JobResult] = {}
    for job in running.plan().jobs.values():
        results[job.key] = shop.do(job, {need: results[need] for need in job.needs})
    shop.catalog.hashes.close()
    return results
