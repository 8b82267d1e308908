"""Where two spaces meet: the modality they share, the slots of each, and what that makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.api import Offer, RepresentationRef, Slot, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import RepresentationInfo

__all__ = ["Junction", "two_bases"]


@dataclass(frozen=True)
class Junction:
    """Two spaces with one modality in common. The joined space takes it through the first.

    Attributes:
        shared: The shared modality's slot, in the first space.
        first_leaf: The slot of the first space whose vectors are its memory.
        second_leaf: The slot of the second space that is joined.
        second_shared: The shared modality's slot in the second space.
        more: Further slots of the first space.
    """

    shared: str
    first_leaf: str
    second_leaf: str
    second_shared: str
    more: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        own = [self.shared, self.first_leaf, *self.more]
        names = {"shared": self.shared, "first_leaf": self.first_leaf,
                 "second_leaf": self.second_leaf}  # fmt: skip
        for option, name in names.items():
            if not name:
                raise UsageError("is empty", where=f"option {option}", fix="name a slot")
        if len({*own, self.second_leaf}) < len(own) + 1:
            raise UsageError(
                f"the slots {', '.join([*own, self.second_leaf])} are not all different",
                where="options shared, first_leaf, more_slots and second_leaf",
                fix="each slot of the joined space comes from one space, under a name of its own",
            )
        if self.second_shared == self.second_leaf:
            raise UsageError(
                f"{self.second_leaf!r} is the shared slot", where="option second_leaf",
                fix="name the slot that the first space lacks",
            )  # fmt: skip

    @property
    def routes(self) -> dict[str, str]:
        """Slot of the joined space to the space that encodes it."""
        own = dict.fromkeys([self.first_leaf, self.shared, *self.more], "first")
        return {**own, self.second_leaf: "second"}

    def check(self, bases: Mapping[str, RepresentationInfo], *, meeting: bool = True) -> None:
        """See that both spaces have their slots, and that what they share is the same.

        Args:
            bases: Both spaces.
            meeting: Whether the second must have the shared slot, too.

        Raises:
            UsageError: They share no stream, or one lacks a slot.
        """
        first, second = bases["first"], bases["second"]
        where = f"connecting {first.name} and {second.name}"
        one, other = _slot(first, self.shared), _slot(second, self.second_shared)
        if meeting and (one is None or other is None or not _agree(one, other)):
            raise UsageError(
                f"they share no stream {self.shared!r}: {_listed(first)}; {_listed(second)}",
                where=where, fix="name what both take: -o shared=SLOT (-o second_shared=SLOT where "
                "the second space calls it otherwise)",
            )  # fmt: skip
        for option, info, name in (
            ("shared", first, self.shared),
            ("first_leaf", first, self.first_leaf),
            ("second_leaf", second, self.second_leaf),
            *(("more_slots", first, name) for name in self.more),
        ):
            if _slot(info, name) is None:
                raise UsageError(
                    f"{info.name} has no slot {name!r}: {_listed(info)}", where=where,
                    fix=f"-o {option}=SLOT",
                )  # fmt: skip
        asked = [(first, self.shared), (first, self.first_leaf), (second, self.second_leaf)]
        for info, name in [*asked, (second, self.second_shared)] if meeting else asked:
            if info.offer("global", frozenset({name})) is None:
                raise UsageError(f"{info.name} gives no vectors of {name!r} alone", where=where)

    def slots(self, bases: Mapping[str, RepresentationInfo]) -> tuple[Slot, ...]:
        """The slots of the joined space."""
        found = (_slot(bases[base], name) for name, base in self.routes.items())
        return tuple(slot for slot in found if slot is not None)

    def offers(self, bases: Mapping[str, RepresentationInfo], dim: int | None) -> frozenset[Offer]:
        """Vectors and maps of single slots, where the spaces offer them."""
        return frozenset(
            Offer(kind, frozenset({name}), dim)
            for name, base in self.routes.items()
            for kind in ("global", "dense")
            if bases[base].offer(kind, frozenset({name}))
        )

    def widths(self, bases: Mapping[str, RepresentationInfo]) -> dict[str, int | None]:
        """Length of each space's vectors, where it is known beforehand."""
        found = {}
        for base, names in (
            ("first", (self.shared,)), ("second", (self.second_shared, self.second_leaf)),
        ):  # fmt: skip
            offers = [bases[base].offer("global", frozenset({name})) for name in names]
            found[base] = next((offer.dim for offer in offers if offer is not None), None)
        return found


def two_bases(
    first: str, second: str, first_options: Mapping[str, Any] | None,
    second_options: Mapping[str, Any] | None, first_fit_on: Mapping[str, Any] | None,
    second_fit_on: Mapping[str, Any] | None,
) -> dict[str, RepresentationRef]:  # fmt: skip
    """Both spaces, as the options of a connector name and configure them."""
    return {
        "first": RepresentationRef(first, dict(first_options or {}), dict(first_fit_on or {})),
        "second": RepresentationRef(second, dict(second_options or {}), dict(second_fit_on or {})),
    }


def _slot(info: RepresentationInfo, name: str) -> Slot | None:
    return next((slot for slot in info.slots if slot.name == name), None)


def _agree(one: Slot, other: Slot) -> bool:
    """Whether one stream can feed both."""
    if one.modality != other.modality or not set(one.kinds) & set(other.kinds):
        return False
    if one.shape is None or other.shape is None:
        return True
    return len(one.shape) == len(other.shape) and all(
        a is None or b is None or a == b for a, b in zip(one.shape, other.shape, strict=True)
    )


def _listed(info: RepresentationInfo) -> str:
    """``clip takes image (Image) and text (Text)``."""
    slots = [f"{slot.name} ({'/'.join(slot.kinds)})" for slot in info.slots]
    return f"{info.name} takes {' and '.join(slots) or 'nothing'}"
