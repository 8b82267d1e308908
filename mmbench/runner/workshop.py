"""Does jobs: the part of a worker that knows what fit, encode and score mean."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Context,
    PluginError,
    Representation,
    TrainedRepresentation,
)
from mmbench.results.record import Cost
from mmbench.results.store import RecordStore
from mmbench.runner.artifacts import ArtifactStore
from mmbench.runner.bundle import BundleStore
from mmbench.runner.catalog import Catalog
from mmbench.runner.connecting import Embedded, Projector
from mmbench.runner.decoding import Loader
from mmbench.runner.drafting import Drafting
from mmbench.runner.encoding import Encoded, Encoder
from mmbench.runner.fitting import called, fit_connector, fit_representation
from mmbench.runner.interacting import interact, interaction_key, interaction_seed
from mmbench.runner.matching import groups_of, match, single_slot
from mmbench.runner.memory import forget_peak_memory, peak_memory
from mmbench.runner.scoring import score_bundle
from mmbench.runner.spool import Spool
from mmbench.runner.strictness import missing_items, missing_list
from mmbench.runner.trainings import Trainings
from mmbench.runner.vectors import SpaceWriter, VectorStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mmbench.api import Connector, Request
    from mmbench.registry import Registry
    from mmbench.results.record import Record
    from mmbench.runner.matching import Group, Match
    from mmbench.runner.plan import Job
    from mmbench.runner.settings import RunSettings
    from mmbench.runner.subjects import Subject
    from mmbench.runner.vectors import Space

__all__ = ["JobResult", "Workshop"]

log = logging.getLogger("mmbench.worker")


@dataclass(frozen=True)
class JobResult:
    """How a job ended; plain data that crosses the process boundary.

    Attributes:
        key: The job's.
        error: None, or (type, message, log).
        fits: Trainings done.
        encoded: Items encoded.
        reused: Items found in the store.
        dropped: Item id to the reason it could not be decoded.
        seconds: Wall time.
        peak_memory_mb: Highest resident memory of the worker during this job, where known.
        lacking: Under ``--strict``: the draft of a record that lacks items, with all of them.
    """

    key: str
    error: tuple[str, str, str] | None = None
    fits: int = 0
    encoded: int = 0
    reused: int = 0
    dropped: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory_mb: float | None = None
    lacking: Record | None = None


class Workshop:
    """One worker's tools: its opened collections and the model it has loaded.

    Args:
        registry: The loaded plugins.
        settings: The run's.
        suite: Name of the suite, for the records.
        device: Where this worker's model lives.
        progress: ``progress(done, total, what)``.
    """

    def __init__(
        self,
        registry: Registry,
        settings: RunSettings,
        suite: str,
        device: str,
        progress: Callable[[int, int, str], None],
    ) -> None:
        self.settings = settings
        self.suite = suite
        self.device = device
        self.progress = progress
        self.catalog = Catalog(registry, settings.data_root, settings.cache, settings.limit)
        self.vectors = VectorStore(settings.cache)
        self.artifacts = ArtifactStore(settings.cache)
        self.bundles = BundleStore(settings.cache)
        self.records = RecordStore(settings.results)
        spool = Spool(settings.spool, settings.spool_bytes or 0) if settings.spool else None
        self.loader = Loader(self.catalog.content_keys, spool)
        self.trainings = Trainings(self.artifacts, settings.precision)
        self.embedded = Embedded(self.catalog, self.vectors, self.trainings)
        self._loaded: tuple[Any, Any] | None = None
        self._measured = False

    def do(self, job: Job, results: Mapping[str, JobResult]) -> JobResult:
        """Do one job.

        Args:
            job: What to do.
            results: How the jobs that it needs ended.
        """
        start = time.perf_counter()
        self._measured = forget_peak_memory()
        self.loader.begin()
        cell = match(
            self.catalog, job.representation, job.task, job.seed, self.settings.record_key()
        )
        found = cell.at(job.base)
        done = getattr(self, f"_{job.kind}")(job, found, results)
        assert isinstance(done, JobResult)
        seconds = time.perf_counter() - start
        return replace(done, seconds=seconds, peak_memory_mb=self._peak())

    def _fit(self, job: Job, found: Match, _results: Mapping[str, JobResult]) -> JobResult:
        """Train, unless another run has published this recipe meanwhile."""
        recipe = self._recipe(found)
        if self.artifacts.find(recipe) is not None:
            return JobResult(job.key)
        start = time.perf_counter()
        folder = self._folder(recipe)
        context = replace(self._context(found, job), checkpoint=folder)
        if found.subject.connector is None:
            state = fit_representation(found, context, self.loader)
            told: list[dict[str, Any]] = []
        else:
            shared = self._folder(self.trainings.shared(found.subject))
            state, told = fit_connector(found, replace(context, shared=shared), self.embedded)
        described = {
            "representation": job.label,
            "seconds": round(time.perf_counter() - start, 6),
            "corpora": told,
        }
        self.artifacts.publish(recipe, state, described)
        shutil.rmtree(folder, ignore_errors=True)
        return JobResult(job.key, fits=1)

    def _project(self, job: Job, found: Match, _results: Mapping[str, JobResult]) -> JobResult:
        """Project what the store lacks of one request; its base has encoded it."""
        request = next(r for r in found.requests if r.name == job.request)
        connector = found.subject.connector
        assert connector is not None
        key = (found.identity, self._artifact(found))
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = None
            self._restore(found, connector, job)
            self._loaded = (key, connector)
        projector = Projector(self._loaded[1], job.label, self.embedded, self.progress, self.device)
        space, slots = projector.fill(found, request)
        space.discard_damaged()
        if len(space):
            space.describe(_space_note(found, request.kind, slots))
        return JobResult(job.key)

    def _restore(self, found: Match, connector: Connector, job: Job) -> None:
        """Give a connector the state that was learnt."""
        state = self.artifacts.load(self.trainings.content(found.subject) or "")
        context = self._context(found, job)
        called(lambda: connector.load(context), "load", job.label)
        called(lambda: connector.load_state(state), "load_state", job.label)

    def _encode(self, job: Job, found: Match, _results: Mapping[str, JobResult]) -> JobResult:
        """Encode what the store lacks of one request."""
        request = next(r for r in found.requests if r.name == job.request)
        artifact = self._artifact(found)
        collection = found.collection(request)
        binding = found.bindings[request.collection]
        total = Encoded()
        for group in groups_of(found, request, self.catalog):
            space = self.vectors.space(
                found.space(request.kind, group.slots, artifact, self.settings.precision)
            )
            space.refresh()
            if len(group.rows) and (space.find(group.digests) < 0).any():
                encoder = self._encoder(found, job, request.kind)
                part = self._fused(found, job, request, group, space)
                part = part or encoder.fill(space, collection, binding, group)
                space.describe(_space_note(found, request.kind, group.slots))
            else:
                part = Encoded(reused=len(group.rows))
                space.discard_damaged()  # nobody else will: what was in it is a miss
            total.add(part)
        return JobResult(job.key, encoded=total.encoded, reused=total.reused, dropped=total.dropped)

    def _fused(
        self, found: Match, job: Job, request: Request, group: Group, space: Space
    ) -> Encoded | None:
        """Vectors of a subset from those of its single slots, where the representation can."""
        whole = found.info.offer
        singles = [frozenset({slot}) for slot in group.slots]
        encoder = self._encoder(found, job, request.kind)
        representation = encoder.representation
        if (
            len(group.slots) < 2
            or request.kind != "global"
            or type(representation).fuse is Representation.fuse
            or not all(whole("global", single) for single in singles)
        ):
            return None
        # None of no rows is None of any: its single slots are not encoded in vain, then.
        nothing = {
            slot: np.zeros((0, offer.dim or 1), np.float32)
            for slot, single in zip(group.slots, singles, strict=True)
            if (offer := whole("global", single)) is not None
        }
        if called(lambda: representation.fuse(nothing), "fuse", job.label) is None:
            return None
        collection = found.collection(request)
        binding = found.bindings[request.collection]
        done, parts = Encoded(), {}
        keep = np.ones(len(group.rows), dtype=np.bool_)
        found_at = {}
        for slot in group.slots:
            single = single_slot(found, request, group, slot, self.catalog)
            place = found.space("global", [slot], self._artifact(found), self.settings.precision)
            slot_space = self.vectors.space(place)
            done.add(
                self._encoder(found, job, "global").fill(slot_space, collection, binding, single)
            )
            slot_space.describe(_space_note(found, "global", (slot,)))
            places = slot_space.find(single.digests)
            keep &= places >= 0
            found_at[slot] = (slot_space, places)
        for slot, (slot_space, places) in found_at.items():
            parts[slot] = slot_space.gather(places[keep])
        vectors = called(lambda: representation.fuse(parts), "fuse", job.label)
        if vectors is None:
            return None
        writer = SpaceWriter(space, device=self.device)
        writer.add(group.digests[keep], encoder.validated(vectors, int(keep.sum())), 0.0)
        writer.flush()
        space.discard_damaged()
        return done

    def _interact(self, job: Job, found: Match, _results: Mapping[str, JobResult]) -> JobResult:
        """Have the representation in the task's loop, unless another run has meanwhile."""
        key = interaction_key(found, self._artifact(found), self.settings.precision)
        if self.artifacts.find(key) is not None:
            return JobResult(job.key)
        start = time.perf_counter()
        encoder = self._encoder(found, job, "global")
        folder = self._folder(key)
        context = replace(
            self._context(found, job),
            seed=interaction_seed(found),
            checkpoint=folder,
            log=logging.getLogger(f"mmbench.plugin.{job.task.name}"),
        )
        state = interact(found, encoder, context)
        seconds = round(time.perf_counter() - start, 6)
        described = {"representation": job.label, "task": job.task.label, "seconds": seconds}
        self.artifacts.publish(key, state, described)
        shutil.rmtree(folder, ignore_errors=True)
        return JobResult(job.key)

    def _score(self, job: Job, found: Match, results: Mapping[str, JobResult]) -> JobResult:
        """Bundle, score, record."""
        reasons: dict[str, dict[str, str]] = {}
        encoded = reused = 0
        for collection, key in _encodes(found, self.settings.precision):
            result = results.get(key)
            if result is not None:
                reasons.setdefault(collection, {}).update(result.dropped)
                encoded += result.encoded
                reused += result.reused
        trainings = self.trainings
        seconds = {"fit": self._fit_seconds(found.subject)} if found.recipe else {}
        bases = [base for _, base in found.subject.tree() if base.recipe is not None]
        if bases:
            seconds["fit of bases"] = sum(map(self._fit_seconds, bases))
        if found.interacts:
            key = interaction_key(found, self._artifact(found), self.settings.precision)
            seconds["interact"] = self.artifacts.seconds(key)
        cost = Cost(
            seconds=seconds,
            items_encoded=encoded,
            items_reused=reused,
            device=self.device,
            dtype=self.settings.precision,
        )
        drafting = Drafting(found, self.catalog, trainings, self.settings, reasons)
        bundle = drafting.bundle(job.representation, job.task, self.suite, cost)
        if self.settings.strict and (error := missing_items(bundle.draft)) is not None:
            listed = missing_list(bundle.draft)
            log.error("%s: %s", bundle.draft.task.label, listed)
            failed = (type(error).__name__, str(error), listed)
            return JobResult(job.key, error=failed, lacking=bundle.draft)
        self.bundles.write(bundle)
        record, tables = score_bundle(bundle, found.opened.task, self.vectors)
        peaks = [results[need].peak_memory_mb for need in job.needs if need in results]
        known = [peak for peak in (*peaks, self._peak()) if peak is not None]
        cost = replace(record.cost, peak_memory_mb=max(known, default=None))
        self.records.write(replace(record, cost=cost), tables)
        return JobResult(job.key)

    def _peak(self) -> float | None:
        """The highest resident memory of this job, in MB; None where it can't be measured."""
        return peak_memory() if self._measured else None

    def _artifact(self, found: Match) -> str | None:
        """What the keys of this cell's vectors hold of trained states."""
        if found.recipe is None:
            return None
        artifact = self.trainings.artifact(found.subject)
        if artifact is None:
            raise PluginError("its trained state is gone", fix="run again: it is trained anew")
        return artifact

    def _recipe(self, found: Match) -> str:
        """Under what its trained state is, or will be, published."""
        recipe = self.trainings.recipe(found.subject)
        if recipe is None:
            raise PluginError("a base's trained state is gone", fix="run again: it is trained anew")
        return recipe

    def _fit_seconds(self, subject: Subject) -> float:
        recipe = self.trainings.recipe(subject)
        return self.artifacts.seconds(recipe) if recipe is not None else 0.0

    def _folder(self, name: str) -> Path:
        folder = self.settings.cache / "checkpoints" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _encoder(self, found: Match, job: Job, kind: Any) -> Encoder:
        """The loaded representation; loaded once for all jobs that use it alike."""
        key = (found.identity, found.recipe, found.info.slots)
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = None  # free the old model before the new one arrives
            representation = found.representation
            context = self._context(found, job)
            called(lambda: representation.load(context), "load", job.label)
            if isinstance(representation, TrainedRepresentation):
                trained = representation
                state = self.artifacts.load(self._artifact(found) or "")
                called(lambda: trained.load_state(state), "load_state", job.label)
            self._loaded = (key, representation)
        representation = self._loaded[1]
        size = self.settings.batch_size or representation.batch_size
        label, precision = job.label, self.settings.precision
        return Encoder(
            representation, label, kind, size, self.progress, precision, self.device, self.loader
        )

    def _context(self, found: Match, job: Job) -> Context:
        return Context(
            seed=job.seed if found.info.seeded else 0,
            device=self.device,
            dtype=self.settings.precision,
            progress=self.progress,
            log=logging.getLogger(f"mmbench.plugin.{found.subject.choice.name}"),
        )


def _encodes(found: Match, precision: str) -> Iterator[tuple[str, str]]:
    """A cell's collections, and the keys of the jobs that encode them; also its bases'."""
    for request in found.requests:
        yield request.collection, f"encode:{found.encode_key(request, precision)}"
    if found.subject.connector is not None:
        for name in {found.route(request) for request in found.requests}:
            yield from _encodes(found.base(name), precision)


def _space_note(found: Match, kind: str, slots: tuple[str, ...]) -> dict[str, Any]:
    return {
        "representation": found.subject.choice.name,
        "version": found.info.version,
        "options": {name: str(value) for name, value in found.configured.options.items()},
        "kind": kind,
        "slots": list(slots),
    }
