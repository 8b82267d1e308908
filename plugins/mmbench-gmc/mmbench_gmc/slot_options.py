"""Options that hold something a slot: their checks, and what stands where they say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from mmbench.api import UsageError
from mmbench_gmc.objectives import LikelihoodKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mmbench_gmc.inputs import Input

__all__ = [
    "NEXUS_SIZES",
    "NEXUS_WEIGHTS",
    "by_slot",
    "checked",
    "checked_kinds",
    "require_slots",
]

#: Weights of the reconstruction terms by name of the slot; 1 for any other. Those of nexus_pytorch
#: (its Nexus, MVAE and MMVAE on MHD); MUSE's released code also has 50 for labels.
NEXUS_WEIGHTS: dict[str, float] = {"trajectory": 50.0, "label": 50.0}
#: Numbers of each stream's own code, by name of the slot: those of nexus_pytorch on MHD.
NEXUS_SIZES: dict[str, int] = {"image": 64, "trajectory": 16, "sound": 128, "label": 5}


def checked(
    option: str, given: Mapping[str, float] | None, least: float, *, where: str
) -> dict[str, float]:
    """An option with a number a slot, each ``least`` or more.

    Raises:
        UsageError: One is less, or no number.
    """
    for slot, value in (given or {}).items():
        if not least <= value < float("inf"):
            raise UsageError(
                f"{least:g} is the least of {option}, not {value} for {slot!r}", where=where
            )
    return dict(given or {})


def checked_kinds(given: Mapping[str, str] | None, *, where: str) -> dict[str, LikelihoodKind]:
    """The option with a likelihood a slot.

    Raises:
        UsageError: A likelihood is none.
    """
    kinds: dict[str, LikelihoodKind] = {kind: kind for kind in get_args(LikelihoodKind)}
    for slot, kind in (given or {}).items():
        if kind not in kinds:
            raise UsageError(
                f"{kind!r} of slot {slot!r} is no likelihood",
                where=f"{where}, option likelihoods", fix=f"use one of {', '.join(kinds)}",
            )  # fmt: skip
    return {slot: kinds[kind] for slot, kind in (given or {}).items()}


def require_slots(slots: Sequence[str], option: str, given: Iterable[str], *, where: str) -> None:
    """See that an option names slots only.

    Raises:
        UsageError: It names one that is none.
    """
    for slot in given:
        if slot not in slots:
            raise UsageError(
                f"no slot is called {slot!r}", where=f"{where}, option {option}",
                fix=f"the slots are {', '.join(slots)}",
            )  # fmt: skip


def by_slot(
    inputs: Sequence[Input],
    option: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    other: Any,
    *,
    where: str,
) -> dict[str, Any]:
    """A number for each stream: as an option says, else as the defaults, else another.

    Raises:
        UsageError: The option names a slot that is none.
    """
    slots = [form.slot for form in inputs]
    require_slots(slots, option, given, where=where)
    return {slot: given.get(slot, defaults.get(slot, other)) for slot in slots}
