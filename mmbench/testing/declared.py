"""Faults in what a representation says of itself that leave nothing to be checked beyond them.

They are found here, so that the check that each belongs to fails and all others are blocked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from mmbench.api import Offer, RepresentationInfo, Slot
from mmbench.api.payloads import KINDS
from mmbench.api.representation import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fault", "first_fault"]

#: Field of an info to its type.
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "slots": tuple, "offers": frozenset, "similarity": str, "seeded": bool, "citation": str,
    "weights_licence": str, "parameters": (int, type(None)), "yardstick": bool, "imputes": str,
}  # fmt: skip
#: Payload kind to the lengths of its array's axes, None where they are free.
_AXES: dict[str, tuple[int | None, ...]] = {
    "Image": (None, None, 3), "Audio": (None, None), "Tokens": (None,), "PointCloud": (None, 3),
    "Video": (None, None, None, 3), "Sequence": (None, None),
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What is wrong with an info.

    Attributes:
        check: The check that it belongs to.
        expected: What the contract asks for.
        seen: What was declared.
        change: What to type.
    """

    check: str
    expected: str
    seen: str
    change: str


def first_fault(info: object) -> Fault | None:
    """The first fault of an info that leaves nothing to be checked, or None."""
    if not isinstance(info, RepresentationInfo):
        return Fault(
            "info_is_complete",
            "info to be a RepresentationInfo",
            f"a {type(info).__name__}: {info!r}",
            "make info a property that returns RepresentationInfo(...)",
        )
    parts = (_incomplete(info), _untyped(info), _slot_faults(info), _offer_faults(info))
    return next(chain.from_iterable(parts), None)


def _incomplete(info: RepresentationInfo) -> Iterator[Fault]:
    for name in ("name", "version"):
        said = getattr(info, name)
        if not (isinstance(said, str) and said.strip()):
            yield Fault(
                "info_is_complete",
                f"info.{name} to be a text",
                f"{said!r}",
                f"RepresentationInfo({name}='1', ...)",
            )


def _untyped(info: RepresentationInfo) -> Iterator[Fault]:
    for name, kind in _FIELDS.items():
        value = getattr(info, name)
        if not isinstance(value, kind) or (name == "parameters" and isinstance(value, bool)):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join("None" if each is type(None) else each.__name__ for each in kinds)
            yield _of_another_type(f"info.{name}", wanted, value, f"RepresentationInfo({name}=...)")
    for slot in info.slots:
        yield from _untyped_slot(slot)
    for offer in info.offers:
        yield from _untyped_offer(offer)


def _of_another_type(what: str, wanted: str, value: object, change: str) -> Fault:
    seen = f"{type(value).__name__} {value!r}"
    return Fault("info_is_typed", f"{what} to be {wanted}", seen, change)


def _untyped_slot(slot: Any) -> Iterator[Fault]:
    if not isinstance(slot, Slot):
        change = "Slot('image', 'image', ('Image',))"
        yield _of_another_type("each of info.slots", "a Slot", slot, change)
        return
    where = f"slot {slot.name!r}"
    names: tuple[Any, ...] = (slot.name, slot.modality)
    for name in names:
        if not isinstance(name, str):
            change = "Slot('image', 'image', ('Image',))"
            yield _of_another_type(f"name and modality of {where}", "texts", name, change)
    if not _are(slot.kinds, tuple, str):
        change = "Slot(..., kinds=('Image',)), with the comma"
        yield _of_another_type(f"kinds of {where}", "a tuple of names", slot.kinds, change)
    if slot.shape is not None and not _are(slot.shape, tuple, (int, type(None))):
        change = "Slot(..., shape=(None, 16)), None where an axis is free"
        yield _of_another_type(f"shape of {where}", "a tuple of lengths", slot.shape, change)


def _untyped_offer(offer: Any) -> Iterator[Fault]:
    change = "Offer('global', frozenset({'image'}), dim=512)"
    if not isinstance(offer, Offer):
        yield _of_another_type("each of info.offers", "an Offer", offer, change)
        return
    kind: Any = offer.kind
    if not isinstance(kind, str):
        yield _of_another_type("kind of an offer", "text", kind, change)
    if not _are(offer.slots, frozenset, str):
        yield _of_another_type("slots of an offer", "a frozenset of names", offer.slots, change)
    if offer.dim is not None and type(offer.dim) is not int:
        yield _of_another_type("dim of an offer", "int or None", offer.dim, change)


def _are(values: Any, container: type[Any], kind: type | tuple[type, ...]) -> bool:
    return isinstance(values, container) and all(isinstance(each, kind) for each in list(values))


def _slot_faults(info: RepresentationInfo) -> Iterator[Fault]:
    names = [slot.name for slot in info.slots]
    for name in names:
        if not name.strip() or names.count(name) > 1:
            yield Fault(
                "slots_are_named",
                "every slot to have a name of its own",
                f"{name!r} {names.count(name)} times",
                "name them: Slot('photo', 'image', ...), Slot('sketch', 'image', ...)",
            )
    for slot in info.slots:
        strange = [kind for kind in slot.kinds if kind not in KINDS]
        if strange or not slot.kinds:
            yield Fault(
                "slot_kinds_are_known",
                f"kinds of slot {slot.name!r} out of {', '.join(KINDS)}",
                ", ".join(map(repr, strange)) or "none",
                "name payload classes of mmbench.api: Slot(..., kinds=('Image',))",
            )
        for kind in slot.kinds:
            if not _possible(slot, kind):
                yield Fault(
                    "slot_shapes_are_possible",
                    f"a shape of slot {slot.name!r} that payloads of kind {kind} can have"
                    + (f": {_AXES[kind]}" if kind in _AXES else ""),
                    f"{slot.shape}",
                    "give the shape of the payload's array, None where an axis is free; or give "
                    "each kind a slot of its own",
                )


def _possible(slot: Slot, kind: str) -> bool:
    """Whether payloads of this kind can have the slot's shape."""
    if slot.shape is None:
        return True
    axes = _AXES.get(kind, (None,) * len(slot.shape))
    return len(axes) == len(slot.shape) and all(
        given is None or (given > 0 and wanted in (None, given))
        for wanted, given in zip(axes, slot.shape, strict=True)
    )


def _offer_faults(info: RepresentationInfo) -> Iterator[Fault]:
    if not info.offers:
        yield Fault(
            "something_is_offered",
            "at least one offer",
            f"none, for the slots {', '.join(slot.name for slot in info.slots) or '(none)'}",
            "Offer('global', frozenset({'image'})) for what encode() can do; where slots are open, "
            "check it with streams that it can take: --stream pose:pose:Sequence:20x8",
        )
    names = {slot.name for slot in info.slots}
    offers = sorted(info.offers, key=lambda each: (each.kind, sorted(each.slots), str(each.dim)))
    for offer in offers:
        said = f"Offer({offer.kind!r}, {{{', '.join(map(repr, sorted(offer.slots)))}}})"
        if offer.kind not in METHODS:
            yield Fault(
                "offer_kinds_are_known",
                f"offers of kind {', '.join(METHODS)}",
                said,
                "offer what encode(), encode_dense(), predict() or encode_tokens() return",
            )
        if not offer.slots or not offer.slots <= names:
            yield Fault(
                "offers_name_their_slots",
                f"offers of one or several of the slots {', '.join(sorted(names))}",
                said,
                "name slots that info.slots has: frozenset({'image'}), with the braces",
            )
        if offer.dim is not None and offer.dim < 1:
            yield Fault(
                "dims_are_positive",
                "the length of the vectors as dim, or None",
                f"{said} with dim={offer.dim}",
                "Offer(..., dim=512), or leave it out where it is not known before loading",
            )
        alike = [each for each in offers if (each.kind, each.slots) == (offer.kind, offer.slots)]
        if len(alike) > 1:
            dims = [str(each.dim) for each in alike]
            yield Fault(
                "offers_are_unambiguous",
                "one offer a kind and subset of slots",
                f"{said} with dim={' and '.join(dims)}",
                "keep one of them",
            )
