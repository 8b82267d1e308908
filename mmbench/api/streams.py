"""Streams, slots, and how a representation's slots are bound to a collection's streams.

A *stream* is what a collection has; a *slot* is what a representation takes. Binding goes by
modality, kind and shape. Two streams that fit one slot are an error that the suite resolves
(``bind = { slot = "stream" }``), never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mmbench.api.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Binding", "Provenance", "Slot", "Stream", "bind_slots", "fits"]

#: Whether payloads were recorded or synthesised.
Provenance = Literal["real", "generated"]


@dataclass(frozen=True)
class Stream:
    """One modality of a collection.

    Attributes:
        name: Its name in the collection, such as ``"image"``.
        modality: Its role: ``"image"``, ``"audio"``, ``"text"``, ... (open-ended).
        kind: The payload kind: the name of a payload class, such as ``"Image"``.
        shape: The payload array's shape, ``None`` where an axis varies; ``None`` = undeclared.
        rate: Sampling rate in Hz (audio) or frames a second (video), where it is fixed.
        provenance: ``"generated"`` where the payloads were synthesised rather than recorded.
    """

    name: str
    modality: str
    kind: str
    shape: tuple[int | None, ...] | None = None
    rate: float | None = None
    provenance: Provenance = "real"


@dataclass(frozen=True)
class Slot:
    """One input of a representation.

    Attributes:
        name: Its name; batches and store keys speak in slot names.
        modality: The modality it takes.
        kinds: The payload kinds it takes.
        shape: The array shape it needs, ``None`` where an axis is free; ``None`` = any.
    """

    name: str
    modality: str
    kinds: tuple[str, ...]
    shape: tuple[int | None, ...] | None = None


#: Slot name to stream name, for one collection. Slots without a stream are absent.
Binding = dict[str, str]


def fits(slot: Slot, stream: Stream) -> bool:
    """Whether ``stream`` can feed ``slot``: same modality, accepted kind, compatible shape."""
    if slot.modality != stream.modality or stream.kind not in slot.kinds:
        return False
    if slot.shape is None or stream.shape is None:
        return True
    return len(slot.shape) == len(stream.shape) and all(
        wanted is None or given is None or wanted == given
        for wanted, given in zip(slot.shape, stream.shape, strict=True)
    )


def bind_slots(
    slots: Iterable[Slot],
    streams: Mapping[str, Stream],
    chosen: Mapping[str, str] | None = None,
    *,
    where: str = "",
) -> Binding:
    """Bind each slot to the one stream that fits it; slots that none fits stay unbound.

    Args:
        slots: The representation's slots.
        streams: The collection's streams by name.
        chosen: Slot name to stream name, for slots that the suite decides. A choice that names
            a stream of another collection is ignored here.
        where: Named in errors.

    Raises:
        UsageError: Two streams fit one slot, or a chosen stream does not fit.
    """
    binding: Binding = {}
    for slot in slots:
        choice = (chosen or {}).get(slot.name)
        if choice is not None and choice in streams:
            if not fits(slot, streams[choice]):
                raise UsageError(
                    f"stream {choice!r} ({streams[choice].modality}, {streams[choice].kind}) "
                    f"does not fit slot {slot.name!r} ({slot.modality}, {'/'.join(slot.kinds)})",
                    where=where,
                )
            binding[slot.name] = choice
            continue
        candidates = [name for name, stream in streams.items() if fits(slot, stream)]
        if len(candidates) > 1:
            raise UsageError(
                f"slot {slot.name!r} could take any of the streams {', '.join(candidates)}",
                where=where,
                fix=f'choose one in the suite: bind = {{ {slot.name} = "{candidates[0]}" }}',
            )
        if candidates:
            binding[slot.name] = candidates[0]
    return binding
