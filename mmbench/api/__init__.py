"""What a plugin imports: contracts, payloads, specs, hooks and errors.

Small, typed, versioned; importable without numpy or torch in a few milliseconds, since each name
comes from its module when it is first used. Everything that this package exports is public; the
rest of mmbench may move.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmbench.api.collection import BoundCollection, Collection, MemoryCollection
    from mmbench.api.connector import Connector, CorpusRequest, RepresentationRef
    from mmbench.api.dataset import (
        SAMPLE_MARKER,
        BrokenItem,
        Dataset,
        DatasetInfo,
        DataSource,
        DataStatus,
    )
    from mmbench.api.errors import (
        DataError,
        DataMissing,
        ItemError,
        MmbenchError,
        NotApplicable,
        PluginError,
        StoreError,
        UsageError,
    )
    from mmbench.api.fitting import FitData, FitSpec
    from mmbench.api.hookspecs import hookimpl
    from mmbench.api.payloads import (
        Array,
        Audio,
        Image,
        Payload,
        PointCloud,
        Sequence,
        Table,
        Text,
        Tokens,
        Video,
        payload_digest,
    )
    from mmbench.api.representation import (
        Batch,
        Context,
        EmbeddingKind,
        Offer,
        PrecomputedRepresentation,
        Representation,
        RepresentationInfo,
        State,
        TrainedRepresentation,
    )
    from mmbench.api.specs import CommandSpec, DatasetSpec, RepresentationSpec, SuiteSpec, TaskSpec
    from mmbench.api.streams import Binding, Provenance, Slot, Stream
    from mmbench.api.task import (
        Datasets,
        Encode,
        Evaluation,
        ItemTable,
        Level,
        MetricInfo,
        Offers,
        Request,
        ScoreInputs,
        Task,
        TaskInfo,
    )
    from mmbench.api.viewed import ViewedCollection, zero_filled
    from mmbench.api.views import DerivedCollection, View

#: The version of these contracts. A plugin that names another one is left out, with a reason.
API_VERSION = 1

__all__ = [
    "API_VERSION",
    "SAMPLE_MARKER",
    "Array",
    "Audio",
    "Batch",
    "Binding",
    "BoundCollection",
    "BrokenItem",
    "Collection",
    "CommandSpec",
    "Connector",
    "Context",
    "CorpusRequest",
    "DataError",
    "DataMissing",
    "DataSource",
    "DataStatus",
    "Dataset",
    "DatasetInfo",
    "DatasetSpec",
    "Datasets",
    "DerivedCollection",
    "EmbeddingKind",
    "Encode",
    "Evaluation",
    "FitData",
    "FitSpec",
    "Image",
    "ItemError",
    "ItemTable",
    "Level",
    "MemoryCollection",
    "MetricInfo",
    "MmbenchError",
    "NotApplicable",
    "Offer",
    "Offers",
    "Payload",
    "PluginError",
    "PointCloud",
    "PrecomputedRepresentation",
    "Provenance",
    "Representation",
    "RepresentationInfo",
    "RepresentationRef",
    "RepresentationSpec",
    "Request",
    "ScoreInputs",
    "Sequence",
    "Slot",
    "State",
    "StoreError",
    "Stream",
    "SuiteSpec",
    "Table",
    "Task",
    "TaskInfo",
    "TaskSpec",
    "Text",
    "Tokens",
    "TrainedRepresentation",
    "UsageError",
    "Video",
    "View",
    "ViewedCollection",
    "hookimpl",
    "payload_digest",
    "zero_filled",
]

#: Module to the public names that it defines.
_NAMES: dict[str, tuple[str, ...]] = {
    "collection": ("BoundCollection", "Collection", "MemoryCollection"),
    "connector": ("Connector", "CorpusRequest", "RepresentationRef"),
    "dataset": (
        "BrokenItem",
        "DataSource",
        "DataStatus",
        "Dataset",
        "DatasetInfo",
        "SAMPLE_MARKER",
    ),
    "errors": (
        "DataError",
        "DataMissing",
        "ItemError",
        "MmbenchError",
        "NotApplicable",
        "PluginError",
        "StoreError",
        "UsageError",
    ),
    "fitting": ("FitData", "FitSpec"),
    "hookspecs": ("hookimpl",),
    "payloads": (
        "Array",
        "Audio",
        "Image",
        "Payload",
        "PointCloud",
        "Sequence",
        "Table",
        "Text",
        "Tokens",
        "Video",
        "payload_digest",
    ),
    "representation": (
        "Batch",
        "Context",
        "EmbeddingKind",
        "Offer",
        "PrecomputedRepresentation",
        "Representation",
        "RepresentationInfo",
        "State",
        "TrainedRepresentation",
    ),
    "specs": ("CommandSpec", "DatasetSpec", "RepresentationSpec", "SuiteSpec", "TaskSpec"),
    "streams": ("Binding", "Provenance", "Slot", "Stream"),
    "task": (
        "Datasets",
        "Encode",
        "Evaluation",
        "ItemTable",
        "Level",
        "MetricInfo",
        "Offers",
        "Request",
        "ScoreInputs",
        "Task",
        "TaskInfo",
    ),
    "viewed": ("ViewedCollection", "zero_filled"),
    "views": ("DerivedCollection", "View"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}

#: Deprecated name to the public name that replaces it and the release in which the old one goes:
#: two minor releases on, at the earliest. It keeps working until then; see docs/versions.md.
_DEPRECATED: dict[str, tuple[str, str]] = {}


def __getattr__(name: str) -> Any:
    """Import a public name from its module, once; a deprecated one warns whenever it is used."""
    if name in _DEPRECATED:
        import warnings

        replacement, release = _DEPRECATED[name]
        warnings.warn(
            f"{__name__}.{name} is deprecated and goes in mmbench {release}: "
            f"use {__name__}.{replacement}",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(import_module(__name__), replacement)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
