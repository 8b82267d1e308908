"""Does jobs: the part of a worker that knows what fit, encode and score mean."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    BoundCollection,
    Context,
    FitData,
    MmbenchError,
    PluginError,
    Representation,
    StoreError,
    Task,
    TrainedRepresentation,
)
from mmbench.results.record import Cost
from mmbench.results.store import RecordStore
from mmbench.runner.artifacts import ArtifactStore
from mmbench.runner.bundle import BundleStore
from mmbench.runner.catalog import Catalog
from mmbench.runner.decoding import Loader
from mmbench.runner.drafting import Drafting
from mmbench.runner.encoding import Encoded, Encoder
from mmbench.runner.matching import groups_of, match, single_slot
from mmbench.runner.memory import forget_peak_memory, peak_memory
from mmbench.runner.scoring import score_bundle
from mmbench.runner.spool import Spool
from mmbench.runner.strictness import missing_items, missing_list
from mmbench.runner.vectors import SpaceWriter, VectorStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mmbench.api import Request
    from mmbench.registry import Registry
    from mmbench.results.record import Record
    from mmbench.runner.matching import Group, Match
    from mmbench.runner.plan import Job
    from mmbench.runner.settings import RunSettings
    from mmbench.runner.vectors import Space

__all__ = ["JobResult", "Workshop", "rescore"]

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
        self._loaded: tuple[Any, Representation] | None = None
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
        found = match(
            self.catalog, job.representation, job.task, job.seed, self.settings.record_key()
        )
        done = getattr(self, f"_{job.kind}")(job, found, results)
        assert isinstance(done, JobResult)
        seconds = time.perf_counter() - start
        return replace(done, seconds=seconds, peak_memory_mb=self._peak())

    def _fit(self, job: Job, found: Match, _results: Mapping[str, JobResult]) -> JobResult:
        """Train, unless another run has published this recipe meanwhile."""
        assert found.recipe is not None
        if self.artifacts.find(found.recipe) is not None:
            return JobResult(job.key)
        representation = found.representation
        assert isinstance(representation, TrainedRepresentation)
        start = time.perf_counter()
        data = _fit_data(found, self.loader)
        context = self._context(found, job)
        _guarded(lambda: representation.load(context), "load", job)
        _guarded(lambda: representation.fit(data, context), "fit", job)
        state = _guarded(representation.state, "state", job)
        seconds = time.perf_counter() - start
        described = {"representation": job.representation.label, "seconds": round(seconds, 6)}
        self.artifacts.publish(found.recipe, state, described)
        return JobResult(job.key, fits=1)

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
                space.describe(_space_note(found, job, request.kind, group.slots))
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
            slot_space.describe(_space_note(found, job, "global", (slot,)))
            places = slot_space.find(single.digests)
            keep &= places >= 0
            found_at[slot] = (slot_space, places)
        for slot, (slot_space, places) in found_at.items():
            parts[slot] = slot_space.gather(places[keep])
        vectors = _guarded(lambda: representation.fuse(parts), "fuse", job)
        if vectors is None:
            return None
        writer = SpaceWriter(space, device=self.device)
        writer.add(group.digests[keep], encoder.validated(vectors, int(keep.sum())), 0.0)
        writer.flush()
        space.discard_damaged()
        return done

    def _score(self, job: Job, found: Match, results: Mapping[str, JobResult]) -> JobResult:
        """Bundle, score, record."""
        reasons: dict[str, dict[str, str]] = {}
        encoded = reused = 0
        for request in found.requests:
            key = f"encode:{found.encode_key(request, self.settings.precision)}"
            result = results.get(key)
            if result is not None:
                reasons.setdefault(request.collection, {}).update(result.dropped)
                encoded += result.encoded
                reused += result.reused
        artifact = self._artifact(found)
        seconds = {"fit": self.artifacts.seconds(found.recipe)} if found.recipe else {}
        cost = Cost(
            seconds=seconds,
            items_encoded=encoded,
            items_reused=reused,
            device=self.device,
            dtype=self.settings.precision,
        )
        drafting = Drafting(found, self.catalog, artifact, self.settings, reasons)
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
        """Content hash of the trained state that this cell uses."""
        if found.recipe is None:
            return None
        content = self.artifacts.find(found.recipe)
        if content is None:
            raise PluginError("its trained state is gone", fix="run again: it is trained anew")
        return content

    def _encoder(self, found: Match, job: Job, kind: Any) -> Encoder:
        """The loaded representation; loaded once for all jobs that use it alike."""
        key = (found.identity, found.recipe, found.info.slots)
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = None  # free the old model before the new one arrives
            representation = found.representation
            context = self._context(found, job)
            _guarded(lambda: representation.load(context), "load", job)
            if isinstance(representation, TrainedRepresentation):
                trained = representation
                state = self.artifacts.load(self._artifact(found) or "")
                _guarded(lambda: trained.load_state(state), "load_state", job)
            self._loaded = (key, representation)
        representation = self._loaded[1]
        size = self.settings.batch_size or representation.batch_size
        label, precision = job.representation.label, self.settings.precision
        return Encoder(
            representation, label, kind, size, self.progress, precision, self.device, self.loader
        )

    def _context(self, found: Match, job: Job) -> Context:
        checkpoint = None
        if found.recipe is not None:
            checkpoint = self.settings.cache / "checkpoints" / found.recipe
            checkpoint.mkdir(parents=True, exist_ok=True)
        return Context(
            seed=job.seed if found.info.seeded else 0,
            device=self.device,
            dtype=self.settings.precision,
            progress=self.progress,
            checkpoint=checkpoint,
            log=logging.getLogger(f"mmbench.plugin.{job.representation.name}"),
        )


def rescore(key: str, registry: Registry, settings: RunSettings) -> str:
    """Score a finished cell again from its bundle: no model, no media, no dataset.

    Returns:
        The label of the cell, for messages.

    Raises:
        StoreError: Its inputs or vectors are gone, or the task has another version by now.
    """
    bundle = BundleStore(settings.cache).read(key)
    configured = registry.configure(
        "tasks", bundle.task.name, bundle.task.options, Task  # type: ignore[type-abstract]
    )  # fmt: skip
    scored, version = bundle.draft.task, configured.object.info.version
    if scored.version != version:
        raise StoreError(
            f"its record is of version {scored.version} of the task; {version} is installed",
            where=f"{bundle.draft.representation.label} on {scored.label}",
            fix="`mmbench run` makes a record of the new version, from the vectors that are there",
        )
    record, tables = score_bundle(bundle, configured.object, VectorStore(settings.cache))
    # Of two records of one cell the later is kept.
    record = replace(record, created=datetime.now(UTC).isoformat(timespec="milliseconds"))
    RecordStore(settings.results).write(record, tables)
    return f"{record.representation.label} on {record.task.label}"


def _fit_data(found: Match, loader: Loader) -> FitData:
    """The training (and validation) items, seen through the representation's slots."""
    fit = found.fit
    assert fit is not None

    def bound(name: str) -> BoundCollection:
        return BoundCollection(fit.collections[name], found.fit_binding, loader.load)

    valid = bound(fit.spec.valid) if fit.spec.valid else None
    return FitData(bound(fit.spec.train), valid, fit.spec)


def _guarded(call: Callable[[], Any], method: str, job: Job) -> Any:
    """Call a plugin's method; what it raises names the plugin."""
    try:
        return call()
    except (MmbenchError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(
            f"{method}() raised {type(error).__name__}: {error}",
            where=f"representation {job.representation.label}",
        ) from error


def _space_note(found: Match, job: Job, kind: str, slots: tuple[str, ...]) -> dict[str, Any]:
    return {
        "representation": job.representation.name,
        "version": found.info.version,
        "options": {name: str(value) for name, value in found.configured.options.items()},
        "kind": kind,
        "slots": list(slots),
    }
