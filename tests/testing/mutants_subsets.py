"""Representations that lie about subsets of their slots, or fuse them wrongly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sound_representation import DIM, Sound

from mmbench.api import Offer


class EncodesAnything(Sound):
    def refuse_others(self, kind, batch):
        if kind == "dense":
            super().refuse_others(kind, batch)


class MapsAnything(Sound):
    """Passes over what is beside the picture."""

    def refuse_others(self, kind, batch):
        if kind == "global":
            super().refuse_others(kind, batch)


class PassesOverSounds(Sound):
    """Offers both and looks at one."""

    def encode(self, batch):
        if set(batch) == {"image", "audio"}:
            batch = {"image": batch["image"]}
        return super().encode(batch)


class WeighsByPlace(Sound):
    """Slots count by their place in the batch."""

    def encode(self, batch):
        found = super().encode(batch)
        for place, payloads in enumerate(batch.values()):
            if len(batch) > 1:
                firsts = [self.one(list(batch)[place], payload) for payload in payloads]
                found = found + place * np.reshape(firsts, (-1, DIM))
        return found


class ZerosAreMissing(Sound):
    """Sums, so that what is all zeros might as well not be there."""

    presence = 0.0


class ImputesZeros(ZerosAreMissing):
    """Sound: says so."""

    @property
    def info(self):
        return replace(super().info, imputes="zeros")


class ImputesInName(Sound):
    @property
    def info(self):
        return replace(super().info, imputes="zeros")


class ImputesTheMean(Sound):
    """Sound: fills gaps in its own way, and says so."""

    @property
    def info(self):
        return replace(super().info, imputes="the mean of the training vectors")


class ImputesNothing(Sound):
    """Has no gaps to fill."""

    @property
    def info(self):
        info = super().info
        offers = {offer for offer in info.offers if len(offer.slots) == 1}
        return replace(info, offers=frozenset(offers), imputes="a learned token")


class Fuses(Sound):
    """Sound: sums."""

    presence = 0.0

    @property
    def info(self):
        return replace(super().info, imputes="zeros")

    def fuse(self, parts):
        total = np.sum(list(parts.values()), axis=0)
        return (total - (len(parts) - 1) * self.gain * self.bias).astype(np.float32)


class FusesByMean(Fuses):
    def fuse(self, parts):
        return np.mean(list(parts.values()), axis=0)


class FusesAndSqueezes(Fuses):
    def fuse(self, parts):
        return super().fuse(parts).squeeze()


class FusesWhatIsThere(Fuses):
    def fuse(self, parts):
        fused = super().fuse(parts)
        return fused if len(fused) else None


class FusesInPlace(Fuses):
    def fuse(self, parts):
        first, *others = parts.values()
        for other in others:
            first += other - self.gain * self.bias
        return first.copy()


class FusesNothing(Sound):
    """Sound: says that single slots don't suffice."""

    def fuse(self, parts):
        return None


class SaysNothing(Sound):
    def missing_offer(self, kind, streams):
        return None


class JointOnly(Sound):
    """Sound: offers pictures with sounds, and nothing else."""

    @property
    def info(self):
        info = super().info
        both = frozenset({"image", "audio"})
        slots = tuple(slot for slot in info.slots if slot.name in both)
        return replace(info, slots=slots, offers=frozenset({Offer("global", both, DIM)}))
