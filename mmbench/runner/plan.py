"""The plan: every cell of a suite, what it needs, and the jobs that will make it.

Nothing is computed here. The plan says what will run, what exists already, and why a cell is
skipped, before anything starts.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from mmbench.api import MmbenchError, NotApplicable, PluginError, UsageError
from mmbench.runner.artifacts import ArtifactStore
from mmbench.runner.interacting import interaction_key
from mmbench.runner.matching import groups_of, match
from mmbench.runner.sharing import Demands, SharedItems
from mmbench.runner.strictness import missing_items
from mmbench.runner.trainings import Trainings
from mmbench.runner.vectors import VectorStore

if TYPE_CHECKING:
    from mmbench.api import Request
    from mmbench.results.record import Record
    from mmbench.results.store import RecordStore
    from mmbench.runner.catalog import Catalog
    from mmbench.runner.matching import Match
    from mmbench.runner.settings import RunSettings
    from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice

__all__ = ["CellPlan", "Job", "Plan", "cell_keys", "make_plan"]

log = logging.getLogger("mmbench.plan")

JobKind = Literal["fit", "encode", "project", "interact", "score"]
State = Literal["planned", "done", "skipped", "broken"]


@dataclass(frozen=True)
class Job:
    """One step of work, as plain data; doing it twice does no harm.

    Attributes:
        key: Names it; equal work has an equal key.
        kind: ``fit`` -> ``encode`` -> ``score``; what a connector's bases encoded, it projects. Of
            a task that interacts, ``fit`` -> ``interact`` -> ``score``.
        representation: The cell's.
        task: The task whose collections it works on.
        seed: The run's seed it belongs to.
        needs: Keys of the jobs that must have ended well.
        request: Name of the request (``encode`` only).
        items: How many items it works on.
        missing: How many of them are not in the store, as far as the plan can tell.
        base: Leads from a connector to the base that does it; empty for the representation itself.
        subject: Identity of what does it.
        worker: Whose worker does it; equal for what has the same model.
    """

    key: str
    kind: JobKind
    representation: RepresentationChoice
    task: TaskChoice
    seed: int
    needs: tuple[str, ...] = ()
    request: str = ""
    items: int = 0
    missing: int = 0
    base: tuple[str, ...] = ()
    subject: str = ""
    worker: str = ""

    @property
    def label(self) -> str:
        """Whose work it is: the representation's, or that of a connector's base."""
        return self.worker or self.representation.label


@dataclass(frozen=True)
class CellPlan:
    """One (representation, task, seed).

    Attributes:
        representation: The representation's choice.
        task: The task's choice.
        seed: None where neither is seeded.
        key: Names the record; empty where the two could not be matched.
        state: ``planned``, ``done`` (its record exists), ``skipped`` or ``broken`` with a reason.
        reason: Why it is skipped or broken.
        error: The error behind ``broken``.
        job: Key of its score job.
        lacking: The finished record that lacks items, where ``--strict`` wants them all.
    """

    representation: RepresentationChoice
    task: TaskChoice
    seed: int | None
    key: str = ""
    state: State = "planned"
    reason: str = ""
    error: MmbenchError | OSError | None = None
    job: str = ""
    lacking: Record | None = None


@dataclass
class Plan:
    """All cells of a suite, and the jobs for those that are not done.

    Attributes:
        suite: What was asked for.
        cells: One a pair and seed.
        jobs: By key.
        damage: Records, vectors, trained states and what interactions gave, where they were found
            damaged, one line each; they are made again.
        shared: What the jobs would decode more than once.
    """

    suite: Suite
    cells: list[CellPlan] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    shared: SharedItems = field(default_factory=SharedItems)

    def count(self, state: State) -> int:
        """Cells in a state."""
        return sum(cell.state == state for cell in self.cells)

    def counters(self) -> dict[str, int]:
        """What the jobs amount to: fits, items to encode, items found in the store, scores."""
        encodes = [job for job in self.jobs.values() if job.kind == "encode"]
        return {
            "fits": sum(job.kind == "fit" for job in self.jobs.values()),
            "encodes": sum(job.missing for job in encodes),
            "reused": sum(job.items - job.missing for job in encodes),
            "scores": sum(job.kind == "score" for job in self.jobs.values()),
        }


def make_plan(suite: Suite, catalog: Catalog, records: RecordStore, settings: RunSettings) -> Plan:
    """Expand a suite to cells and jobs.

    Raises:
        UsageError: A name or an option of the suite is wrong. Nothing has been started.
    """
    plan = Plan(suite)
    planner = _Planner(catalog, records, settings, plan)
    for task in suite.tasks:
        for choice in suite.representations:
            planner.add(choice, task)
    planner.note_damage()
    plan.shared = planner.demands.shared()
    return plan


def cell_keys(suite: Suite, catalog: Catalog, settings: RunSettings) -> set[str]:
    """Keys of all cells of a suite whose two sides fit together; the others have no record."""
    keys = set()
    for task in suite.tasks:
        for choice in suite.representations:
            for seed in suite.seeds:
                try:
                    found = match(catalog, choice, task, seed, settings.record_key())
                except Exception:  # what does not run today has nothing to show
                    log.debug("%s on %s has no key", choice.label, task.label, exc_info=True)
                    break  # whatever keeps them apart, it does so for every seed
                keys.add(found.key)
    return keys


def _is_a_guest(choice: RepresentationChoice, task: TaskChoice) -> bool:
    """Whether one of them joined the suite, and nobody set an option of either.

    What is wrong with a plugin that joined must not stop the suite's own cells.
    """
    return bool(choice.joined or task.joined) and not (choice.given or task.given)


class _Planner:
    """Carries what the cells of one plan share."""

    def __init__(
        self, catalog: Catalog, records: RecordStore, settings: RunSettings, plan: Plan
    ) -> None:
        self.catalog = catalog
        self.records = records
        self.settings = settings
        self.plan = plan
        self.vectors = VectorStore(settings.cache)
        self.artifacts = ArtifactStore(settings.cache)
        self.trainings = Trainings(self.artifacts, settings.precision)
        self.demands = Demands(catalog)
        self._damaged: list[str] = []

    def add(self, choice: RepresentationChoice, task: TaskChoice) -> None:
        """Plan the cells of one pair, one a seed where anything is seeded."""
        seen: set[str] = set()
        for seed in self.plan.suite.seeds:
            cell = CellPlan(choice, task, None)
            try:
                found = self._match(choice, task, seed)
                if found.key not in seen:
                    self._end(self._planned(found, cell, seed))
                seen.add(found.key)
            except NotApplicable as reason:
                self._end(replace(cell, state="skipped", reason=str(reason)))
                return
            except UsageError as error:
                if _is_a_guest(choice, task):
                    self._end(replace(cell, state="skipped", reason=str(error)))
                    return
                raise self._placed(error, choice, task) from error
            except (MmbenchError, OSError) as error:
                self._end(replace(cell, state="broken", reason=str(error), error=error))
                return
            except Exception as error:
                log.exception("can't plan %s on %s", choice.label, task.label)
                wrapped = PluginError(
                    f"planning raised {type(error).__name__}: {error}",
                    where=f"{choice.label} on {task.label}",
                )
                self._end(replace(cell, state="broken", reason=str(wrapped), error=wrapped))
                return

    def _planned(self, found: Match, cell: CellPlan, seed: int) -> CellPlan:
        """The cell with its jobs, or as done where its record is there."""
        cell = replace(cell, seed=found.seed, key=found.key)
        record = self.records.read(found.key)
        self._damaged += [f"{path}: {why}" for path, why in self.records.damaged]
        if record is not None and record.status == "ok":
            error = missing_items(record) if self.settings.strict else None
            if error is not None:  # the record stays: it is true, and not what was asked for
                cell = replace(cell, key="", state="broken", lacking=record)
                return replace(cell, reason=str(error), error=error)
            return replace(cell, state="done")
        job = self._jobs(found, cell.representation, cell.task, seed)
        return replace(cell, job=job)

    def note_damage(self) -> None:
        """Tell the plan what was found damaged on the way, each thing once."""
        found = [*self._damaged, *self.artifacts.damage]
        self.plan.damage = list(dict.fromkeys(found))

    def _match(self, choice: RepresentationChoice, task: TaskChoice, seed: int) -> Match:
        """Match a pair; what is optional and not there is no error."""
        for group, each in (("representations", choice), ("tasks", task)):
            if each.optional and each.name not in getattr(self.catalog.registry, group):
                raise NotApplicable(f"{each.name} is optional and not installed")
        return match(self.catalog, choice, task, seed, self.settings.record_key())

    def _end(self, cell: CellPlan) -> None:
        self.plan.cells.append(cell)

    def _placed(
        self, error: UsageError, choice: RepresentationChoice, task: TaskChoice
    ) -> UsageError:
        """The error with the ``-o`` or the suite's line of the entry that it is about."""
        about_task = error.where.startswith("task") or task.name in error.what
        if task.fit_on is not None and repr(task.fit_on.dataset) in error.what:
            about_task = True
        about = task if about_task else choice
        place = f"{self.plan.suite.source}, line {about.line}" if about.line else ""
        for option, given in about.given.items():
            named = re.search(rf"\b{re.escape(option)}\b", error.what)
            if named or error.where == str(about.options[option]):
                place = given
        where = ", ".join(part for part in (place, error.where) if part)
        return UsageError(error.what, where=where, fix=error.fix)

    def _jobs(self, found: Match, choice: RepresentationChoice, task: TaskChoice, seed: int) -> str:
        """Enter the jobs of one cell; jobs that another cell entered already are shared."""
        cell = Job("", "score", choice, task, seed)
        if found.interacts:
            needs = self._interaction(found, cell)
        else:
            needs = self._enter(found, cell, (), {request.name for request in found.requests})
        score = replace(
            cell, key=f"score:{found.key}", needs=needs, subject=found.identity,
            worker=choice.label,
        )  # fmt: skip
        self.plan.jobs.setdefault(score.key, score)
        return score.key

    def _enter(
        self, found: Match, cell: Job, path: tuple[str, ...], wanted: set[str]
    ) -> tuple[str, ...]:
        """Enter the jobs that make these requests' vectors; returns all that have to end first."""
        subject = found.subject
        job = replace(cell, base=path, subject=subject.identity, worker=subject.choice.label)
        artifact = self.trainings.artifact(subject)
        fit: tuple[str, ...] = ()
        if subject.recipe is not None and artifact is None:
            fit = self._fit(found, job)
        needs, missing = dict.fromkeys(fit), {}
        for request in found.requests:
            if request.name in wanted:
                key = f"encode:{found.encode_key(request, self.settings.precision)}"
                missing[request.name] = (key, self._missing(key, found, request, artifact))
        for request in found.requests:
            if request.name not in missing:
                continue
            key, count = missing[request.name]
            first = fit
            if subject.connector is not None and count:
                name = found.route(request)
                first += self._enter(found.base(name), cell, (*path, name), {request.name})
            kind: JobKind = "encode" if subject.connector is None else "project"
            items = len(found.collection(request))
            made = replace(
                job, key=key, kind=kind, needs=first, request=request.name, items=items,
                missing=count,
            )  # fmt: skip
            self.plan.jobs.setdefault(key, made)
            needs |= dict.fromkeys((*first, key))
        return tuple(needs)

    def _interaction(self, found: Match, cell: Job) -> tuple[str, ...]:
        """Enter a task's interaction with its representation, unless it has been; its keys."""
        needs = self._enter(found, cell, (), set())  # the training
        precision, artifact = self.settings.precision, self.trainings.artifact(found.subject)
        if (found.recipe is None or artifact is not None) and self.artifacts.find(
            interaction_key(found, artifact, precision)
        ):
            return needs
        key = f"interact:{interaction_key(found, found.recipe, precision)}"
        job = replace(
            cell, key=key, kind="interact", needs=needs, subject=found.identity,
            worker=found.subject.choice.label,
        )  # fmt: skip
        self.plan.jobs.setdefault(key, job)
        return (*needs, key)

    def _fit(self, found: Match, job: Job) -> tuple[str, ...]:
        """Enter a training, and what a connector learns from; returns its key."""
        key = f"fit:{found.recipe}"
        needs: dict[str, None] = {}
        for name in found.subject.bases:
            corpora = {e.key for e in found.subject.corpora if e.request.base == name}
            base = found.base(name)
            needs |= dict.fromkeys(self._enter(base, job, (*job.base, name), corpora))
        if key not in self.plan.jobs:
            if found.fit is not None:
                self.demands.fit(key, found)
            self.plan.jobs[key] = replace(job, key=key, kind="fit", needs=tuple(needs))
        return (key,)

    def _missing(self, job: str, found: Match, request: Request, artifact: str | None) -> int:
        """How many items of a request the store lacks; all of them before a fit."""
        if job in self.plan.jobs:
            return self.plan.jobs[job].missing
        trained = artifact or found.recipe
        collection, binding = found.collection(request), found.bindings[request.collection]
        total = 0
        for group in groups_of(found, request, self.catalog):
            key = found.space(request.kind, group.slots, trained, self.settings.precision)
            missing = np.arange(len(group.rows))
            if trained == artifact:
                space = self.vectors.space(key)
                space.refresh()
                self._damaged += [f"{each.shard}: {each.reason}" for each in space.damage]
                missing = np.flatnonzero(space.find(group.digests) < 0)
            total += len(missing)
            if found.subject.connector is None:  # what is projected is not decoded
                self.demands.encode(job, key, found, collection, binding, group, missing)
        return total
