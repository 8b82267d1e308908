"""Representations that stumble over payloads at the edge of what is valid, one kind each."""

from __future__ import annotations

import numpy as np
from sound_kinds import Kinds
from sound_representation import DIM, GRID, Sound

from mmbench.api import ItemError, Slot, Tokens


class HalvesItsPictures(Sound):
    """Shrinks until nothing is left."""

    def image(self, payload):
        found = super().image(payload)
        small = payload.pixels[: payload.pixels.shape[0] // 2, : payload.pixels.shape[1] // 2]
        if not small.size:
            raise ValueError("height and width must be > 0")
        return found


class MapsFollowThePicture(Sound):
    """Cells of very wide pictures have other axes."""

    def encode_dense(self, batch):
        maps = super().encode_dense(batch)
        wide = any(np.ptp(image.pixels.shape[:2]) > 500 for image in batch["image"])
        return np.repeat(maps, 2, axis=3) if wide else maps


class DividesByContrast(Sound):
    def image(self, payload):
        if not payload.pixels.std():
            return np.full(DIM, np.nan, np.float32)
        return super().image(payload)


class NeedsAWindow(Sound):
    def audio(self, payload):
        if payload.samples.shape[1] < 400:
            raise RuntimeError("Kernel size can't be greater than actual input size")
        return super().audio(payload)


class LogOfSilence(Sound):
    def audio(self, payload):
        found = super().audio(payload)
        return found if payload.samples.any() else found - np.inf


class IntegersOverflow(Sound):
    def audio(self, payload):
        if np.abs(payload.samples).mean() > 0.9:
            raise OverflowError("value out of range")
        return super().audio(payload)


class MonoOnly(Sound):
    def audio(self, payload):
        if payload.samples.shape[0] > 1:
            raise ValueError("expected 1 channel")
        return super().audio(payload)


class OneRateOnly(Sound):
    def audio(self, payload):
        if payload.rate != 16_000:
            raise ValueError(f"cannot take {payload.rate} Hz")
        return super().audio(payload)


class MeanOfNoWords(Sound):
    def text(self, payload):
        if not payload.text.split():
            return np.full(DIM, np.nan, np.float32)
        return super().text(payload)


class ShortContext(Sound):
    def text(self, payload):
        if len(payload.text) > 512:
            raise IndexError("index out of range in self")
        return super().text(payload)


class AsciiOnly(Sound):
    def text(self, payload):
        payload.text.encode("ascii")
        return super().text(payload)


class NeedsNeighbours(Kinds):
    def cloud(self, payload):
        if len(payload.xyz) < 8:
            raise IndexError("fewer points than neighbours")
        return super().cloud(payload)


class DividesByTheRadius(Kinds):
    def cloud(self, payload):
        found = super().cloud(payload)
        if len(payload.xyz) > 1 and not np.ptp(payload.xyz, axis=0).any():
            found[0] = np.nan
        return found


class NeedsColours(Kinds):
    def cloud(self, payload):
        if payload.rgb is None:
            raise AttributeError("'NoneType' object has no attribute 'mean'")
        return super().cloud(payload)


class NeedsDifferences(Kinds):
    def motion(self, payload):
        found = super().motion(payload)
        return found if len(payload.values) > 1 else found * np.nan


class DividesByTheLength(Kinds):
    def numbers(self, payload):
        found = super().numbers(payload)
        return found if found.any() else found + np.inf


class NeedsTwoFrames(Kinds):
    def clip(self, payload):
        if len(payload.frames) < 2:
            raise ValueError("needs two frames")
        return super().clip(payload)


class NeedsFullTables(Kinds):
    def product(self, payload):
        if None in payload.cells.values() and len(payload.cells) == 5:
            raise TypeError("float() argument must be a string or a real number")
        return super().product(payload)


class KnowsItsColumns(Kinds):
    def product(self, payload):
        if len(payload.cells) > 5:
            raise KeyError("a column that nobody knows")
        return super().product(payload)


class NeedsPairs(Kinds):
    def symbols(self, payload):
        if len(payload.ids) < 2:
            raise ValueError("needs pairs of tokens")
        return super().symbols(payload)


class ZeroForSilence(Sound):
    """A vector without a direction."""

    def encode(self, batch):
        found = super().encode(batch)
        for row, audio in enumerate(batch.get("audio", [])):
            found[row] *= bool(audio.samples.any())
        return found


class Refuses(Sound):
    """Sound: says of each item that it can't take why."""

    def one(self, slot, payload):
        if slot == "audio" and not payload.samples.any():
            raise ItemError("the sound is silent")
        if slot == "text" and not payload.text.strip():
            raise ItemError("the text is empty")
        return super().one(slot, payload)


class OwnTokens(Kinds):
    """Sound: knows tokens 100 to 199 only, and needs twelve."""

    def example(self, slot, meaning, rng):
        if slot.name != "symbols":
            return None
        return Tokens(100 + (np.arange(12) * (meaning + 1) + rng.integers(3)) % 100)

    def symbols(self, payload):
        if len(payload.ids) != 12 or payload.ids.min() < 100:
            raise KeyError("unknown token")
        return super().symbols(payload)


class FixedShapes(Sound):
    """Sound: takes 32 x 32 pictures and mono sounds of a second only, and says so."""

    @property
    def info(self):
        from dataclasses import replace

        slots = (
            Slot("image", "image", ("Image",), (32, 32, 3)),
            Slot("audio", "audio", ("Audio",), (1, 16_000)),
            Slot("text", "text", ("Text",)),
        )
        return replace(super().info, slots=slots)

    def image(self, payload):
        return super().image(type(payload)(payload.pixels.reshape(32, 32, 3)))

    def map(self, pixels):
        found = super().map(pixels.reshape(32, 32, 3))
        assert found.shape == (GRID, GRID, DIM)
        return found

    def audio(self, payload):
        assert payload.samples.shape == (1, 16_000)
        return super().audio(payload)


class TakesSamplesAsTheyAre(Sound):
    def resampled(self, samples, rate):
        return np.atleast_1d(samples).astype(np.float32)
