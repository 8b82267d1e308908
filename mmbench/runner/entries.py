"""What a record says of a representation or connector: its bases, states and corpora."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.results.record import BaseEntry, CollectionEntry, RepresentationEntry, StreamEntry
from mmbench.runner.keys import key_of

if TYPE_CHECKING:
    from mmbench.runner.subjects import Subject
    from mmbench.runner.suite import RepresentationChoice
    from mmbench.runner.trainings import Trainings

__all__ = ["corpus_entries", "fit_on_entries", "representation_entry"]


def representation_entry(
    subject: Subject, choice: RepresentationChoice, trainings: Trainings | None
) -> RepresentationEntry:
    """What was evaluated.

    Args:
        subject: The representation or connector.
        choice: Its entry in the suite.
        trainings: What the trained states are; None where the cell failed before.
    """
    info = subject.info
    family = "connector" if subject.connector is not None else "representation"
    return RepresentationEntry(
        label=choice.label,
        parameters=info.parameters,
        similarity=info.similarity,
        citation=info.citation,
        family="yardstick" if info.yardstick else family,
        bases={path: BaseEntry(**_facts(base, trainings)) for path, base in subject.tree()},
        **_facts(subject, trainings),
    )


def fit_on_entries(subject: Subject) -> list[CollectionEntry]:
    """What was trained on besides the task's own collections, each once: auxiliary, too."""
    found: dict[str, CollectionEntry] = {}
    for each in (subject, *(base for _, base in subject.tree())):
        if each.fit is None or not each.fit.dataset:
            continue
        for name, collection in each.fit.learnt().items():
            sample = name in each.fit.samples
            streams = {key: collection.streams[key] for key in sorted(each.fit_binding.values())}
            entry = CollectionEntry(
                name=f"{each.fit.dataset}/{name}",
                dataset=each.fit.dataset,
                fingerprint=collection.fingerprint(),
                streams={
                    key: StreamEntry(s.modality, s.kind, "generated" if sample else s.provenance)
                    for key, s in streams.items()
                },
                items=len(collection),
                used=len(collection),
                auxiliary=True,
            )
            found.setdefault(f"{entry.name} {entry.fingerprint} {sorted(streams)}", entry)
    return list(found.values())


def corpus_entries(subject: Subject, trainings: Trainings | None) -> list[CollectionEntry]:
    """What connectors have learnt from, each corpus once: auxiliary, since none of it is judged."""
    found: dict[str, CollectionEntry] = {}
    for each in (subject, *(base for _, base in subject.tree())):
        recipe = trainings.recipe(each) if trainings and each.corpora else None
        told = trainings.store.described(recipe).get("corpora", ()) if trainings and recipe else ()
        used = {one["name"]: int(one["used"]) for one in told}
        for corpus in each.corpora:
            name, stream = corpus.request.stream, corpus.collection.streams[corpus.request.stream]
            provenance = "generated" if corpus.sample else stream.provenance
            found.setdefault(
                corpus.source,
                CollectionEntry(
                    name=corpus.name,
                    dataset=corpus.request.dataset,
                    fingerprint=corpus.fingerprint,
                    streams={name: StreamEntry(stream.modality, stream.kind, provenance)},
                    items=len(corpus.collection),
                    used=used.get(corpus.request.name, 0),
                    auxiliary=True,
                    leaks=corpus.leaks,
                ),
            )
    return list(found.values())


def _facts(subject: Subject, trainings: Trainings | None) -> dict[str, Any]:
    """What the entries of a representation and of a base have in common."""
    plugin = subject.configured.entry.plugin
    return {
        "name": subject.choice.name,
        "version": subject.info.version,
        "fingerprint": _fingerprint(subject),
        "options": dict(subject.configured.options),
        "state": trainings.content(subject) if trainings else None,
        "distribution": plugin.distribution,
        "distribution_version": plugin.version,
    }


def _fingerprint(subject: Subject) -> str:
    """Hash of class, version, options, weights and bases; without the seed."""
    configured = subject.configured
    made: tuple[Any, ...] = (
        configured.path, subject.info.version, configured.options,
        configured.object.fingerprint(), subject.choice.bind,
    )  # fmt: skip
    bases = {name: _fingerprint(base) for name, base in subject.bases.items()}
    return key_of(*made, bases) if bases else key_of(*made)
