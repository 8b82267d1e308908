"""The corpora that a connector learns from: opened, checked against its bases, named in records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmbench.api import Collection, CorpusRequest, DataMissing, PluginError, Request, UsageError
from mmbench.api.streams import fits
from mmbench.options import nearest
from mmbench.runner.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench.api import RepresentationInfo
    from mmbench.runner.catalog import Catalog, OpenedTask

__all__ = ["Corpus", "open_corpora", "with_corpora"]


@dataclass(frozen=True)
class Corpus:
    """One opened corpus.

    Attributes:
        request: What the connector asked for.
        collection: Its items, cut to ``--limit`` where that is given.
        fingerprint: The collection's.
        sample: Whether its dataset's folder holds a generated sample.
        leaks: Official leaks of its dataset.
    """

    request: CorpusRequest
    collection: Collection
    fingerprint: str
    sample: bool = False
    leaks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``dataset/collection/stream``."""
        return f"{self.request.dataset}/{self.request.collection}/{self.request.stream}"

    @property
    def source(self) -> str:
        """Names the items."""
        return key_of(self.name, self.request.options)

    @property
    def aligned(self) -> str:
        """Equal for all requests whose rows have to be of the same items."""
        asked = self.request
        if asked.paired:
            return key_of("paired", asked.dataset, asked.collection, asked.options)
        return self.source

    @property
    def key(self) -> str:
        """Names the collection, seen through the slot, beside those of a task."""
        slot, options = self.request.slot, self.request.options
        through = f" as {slot}" if slot != self.request.stream else ""
        return f"corpus {self.name}{through}" + (f" [{self.source[:8]}]" if options else "")

    @property
    def wanted(self) -> Request:
        """What its base has to encode."""
        return Request(self.key, self.key, (self.request.stream,))

    def recipe(self) -> tuple[Any, ...]:
        """What a training on it follows from."""
        asked = self.request
        how = ("paired",) if asked.paired else ()
        return (
            asked.name, asked.base, asked.slot, self.name, asked.options, self.fingerprint, *how,
        )  # fmt: skip


def open_corpora(
    catalog: Catalog, asked: Sequence[Any], bases: Mapping[str, RepresentationInfo], where: str
) -> tuple[Corpus, ...]:
    """Open what a connector needs.

    Args:
        catalog: Opens datasets.
        asked: What ``needs()`` returned.
        bases: The infos of its bases.
        where: The connector, for messages.

    Raises:
        DataMissing: A dataset is not there.
        UsageError: There is no such dataset, collection or stream, or its base can't encode it.
        PluginError: The connector asks for what no suite could name.
    """
    names: set[str] = set()
    for request in asked:
        if not isinstance(request, CorpusRequest) or request.base not in bases:
            raise PluginError(f"needs() asks for {request!r}", where=where,
                              fix=f"ask for CorpusRequests of {', '.join(bases)}")  # fmt: skip
        if request.name in names:
            raise PluginError(f"needs() asks for {request.name!r} twice", where=where)
        names.add(request.name)
    return tuple(_opened(catalog, request, bases[request.base], where) for request in asked)


def with_corpora(opened: OpenedTask, corpora: Sequence[Corpus]) -> OpenedTask:
    """A task with these corpora among its collections, for a base to encode."""
    return replace(
        opened,
        collections={**opened.collections, **{each.key: each.collection for each in corpora}},
        fingerprints={**opened.fingerprints, **{each.key: each.fingerprint for each in corpora}},
    )


def _opened(
    catalog: Catalog, request: CorpusRequest, base: RepresentationInfo, where: str
) -> Corpus:
    """Open one corpus, and see that its base can encode it."""
    corpus = f"{request.dataset}/{request.collection}/{request.stream}"
    try:
        collections = catalog.corpora(request.dataset, request.options)
    except DataMissing as error:
        raise DataMissing(
            f"the corpus {corpus} is not there: {error.what}",
            where=", ".join(filter(None, (where, error.where))), fix=error.fix,
        ) from error  # fmt: skip
    except UsageError as error:
        raise UsageError(
            f"the corpus {corpus}: {error.what}",
            where=", ".join(filter(None, (where, error.where))), fix=error.fix,
        ) from error  # fmt: skip
    found = collections.get(request.collection)
    if found is None:
        raise UsageError(
            f"the corpus {corpus} is not there: {request.dataset} has no such collection",
            where=where, fix=nearest(request.collection, collections, "its collections are"),
        )  # fmt: skip
    stream = found.streams.get(request.stream)
    if stream is None:
        raise UsageError(
            f"the corpus {corpus} is not there: the collection has no such stream", where=where,
            fix=nearest(request.stream, found.streams, "its streams are"),
        )  # fmt: skip
    slot = next((slot for slot in base.slots if slot.name == request.slot), None)
    if slot is None or base.offer("global", frozenset({request.slot})) is None:
        raise UsageError(f"its base {base.name} gives no vectors of {request.slot!r} alone",
                         where=where, fix=_listed(base))  # fmt: skip
    if not fits(slot, stream):
        raise UsageError(
            f"the corpus {corpus} ({stream.modality}, {stream.kind}) does not fit the slot "
            f"{slot.name!r} of {base.name} ({slot.modality}, {'/'.join(slot.kinds)})", where=where,
        )  # fmt: skip
    info = catalog.dataset(request.dataset, request.options).object.info
    sample = catalog.source(request.dataset).is_sample
    return Corpus(request, found, catalog.fingerprint(found), sample, tuple(info.leaks))


def _listed(info: RepresentationInfo) -> str:
    return f"its slots are {', '.join(slot.name for slot in info.slots) or 'none'}"
