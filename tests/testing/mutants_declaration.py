"""Representations that say something wrong of themselves, one thing each."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import ClassVar

import numpy as np
from sound_representation import DIM, Sound, noise_of

from mmbench.api import Offer, Representation, RepresentationInfo, Slot

IMAGE = frozenset({"image"})
COUNTER = count()


class Declares(Sound):
    """Says what its ``fields`` say."""

    fields: ClassVar[dict] = {}
    more_slots: ClassVar[tuple] = ()
    more_offers: ClassVar[frozenset] = frozenset()

    @property
    def info(self):
        info = replace(super().info, **self.fields)
        if self.more_slots or self.more_offers:
            info = replace(
                info, slots=info.slots + self.more_slots, offers=info.offers | self.more_offers
            )
        return info


class NoVersion(Declares):
    fields: ClassVar = {"version": " "}


class NoName(Declares):
    fields: ClassVar = {"name": None}


class InfoRaises(Sound):
    @property
    def info(self):
        raise KeyError("weights")


class InfoIsATable(Sound):
    @property
    def info(self):
        return {"name": "sound"}


class BindRaises(Sound):
    def bind(self, streams):
        raise ValueError("three streams are too many")


class SlotsInAList(Declares):
    @property
    def info(self):
        info = super().info
        return replace(info, slots=list(info.slots))


class NoComma(Declares):
    more_slots: ClassVar = (Slot("depth", "depth", "Image"),)


class OffersWords(Declares):
    more_offers: ClassVar = frozenset({"global"})


class NoCitation(Declares):
    fields: ClassVar = {"citation": None}


class SeededByWord(Declares):
    fields: ClassVar = {"seeded": "no"}


class DimAsText(Declares):
    more_offers: ClassVar = frozenset({Offer("dense", frozenset({"text"}), "24")})


class TwoOfAName(Declares):
    more_slots: ClassVar = (Slot("text", "subtitle", ("Text",)),)


class StrangeKind(Declares):
    more_slots: ClassVar = (Slot("smell", "smell", ("Smell",)),)


class ShapeOfAnother(Declares):
    more_slots: ClassVar = (Slot("depth", "depth", ("Image",), (3, None)),)


class ChannelsFirst(Declares):
    more_slots: ClassVar = (Slot("depth", "depth", ("Image",), (3, 48, 64)),)


class OffersNothing(Declares):
    fields: ClassVar = {"offers": frozenset()}


class StrangeOffer(Declares):
    more_offers: ClassVar = frozenset({Offer("patches", IMAGE)})


class OffersLetters(Declares):
    more_offers: ClassVar = frozenset({Offer("global", frozenset("image"))})


class OffersOfNothing(Declares):
    more_offers: ClassVar = frozenset({Offer("global", frozenset())})


class NoLength(Declares):
    more_offers: ClassVar = frozenset({Offer("dense", frozenset({"text"}), 0)})


class TwoLengths(Declares):
    more_offers: ClassVar = frozenset({Offer("global", IMAGE, DIM + 1)})


class IdleSlot(Declares):
    more_slots: ClassVar = (Slot("depth", "depth", ("Image",)),)


class NoMethod(Declares):
    more_offers: ClassVar = frozenset({Offer("tokens", frozenset({"text"}), DIM)})


class TakesArray(Declares):
    """Says that pictures may be arrays; it looks for pixels."""

    @property
    def info(self):
        info = super().info
        slots = tuple(replace(s, kinds=("Image", "Array")) if s.name == "image" else s
                      for s in info.slots)  # fmt: skip
        return replace(info, slots=slots)


class TakesArrayDifferently(TakesArray):
    """Gives longer vectors for arrays."""

    def encode(self, batch):
        if any(type(each).__name__ == "Array" for each in batch.get("image", ())):
            return np.ones((len(batch["image"]), DIM + 1), np.float32)
        return super().encode(batch)


class Counting(Sound):
    @property
    def info(self):
        return replace(super().info, parameters=next(COUNTER))


class KnownWhenLoaded(Sound):
    parameters = None

    @property
    def info(self):
        return replace(super().info, parameters=self.parameters)

    def load(self, ctx):
        super().load(ctx)
        self.parameters = 24


class Euclidean(Declares):
    fields: ClassVar = {"similarity": "euclidean"}


class LessThanNothing(Declares):
    fields: ClassVar = {"parameters": -1}


class NoBatch(Sound):
    batch_size = 0


class Open(Representation):
    """A slot a stream: noise that follows the payload."""

    def __init__(self) -> None:
        self.slots = ()

    @property
    def info(self):
        offers = frozenset(Offer("global", frozenset({slot.name}), DIM) for slot in self.slots)
        return RepresentationInfo("open", "1", self.slots, offers)

    def bind(self, streams):
        self.slots = tuple(Slot(each.name, each.modality, (each.kind,)) for each in streams)

    def encode(self, batch):
        ((_, payloads),) = batch.items()
        vectors = [noise_of(payload) for payload in payloads]
        return np.stack(vectors) if vectors else np.zeros((0, DIM), np.float32)


class OpensForOthers(Open):
    def bind(self, streams):
        self.slots = tuple(Slot(each.name, f"a {each.name}", (each.kind,)) for each in streams)


class OpensMore(Open):
    def bind(self, streams):
        super().bind(streams)
        self.bound = [*getattr(self, "bound", []), *self.slots]
        self.slots = tuple(replace(slot, name=f"{slot.name}-{len(self.bound)}")
                           for slot in self.slots)  # fmt: skip
