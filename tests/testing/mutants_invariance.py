"""Representations whose vectors depend on the batch, each in one way."""

from __future__ import annotations

import numpy as np
from sound_representation import DIM, Sound

from mmbench.api import payload_digest


class Squeezes(Sound):
    def encode(self, batch):
        return super().encode(batch).squeeze()


class NeedsTwo(Sound):
    def encode(self, batch):
        if any(len(payloads) == 1 for payloads in batch.values()):
            raise ValueError("expected more than 1 value per channel when training")
        return super().encode(batch)


class NeedsOne(Sound):
    """Stacks what is not there."""

    def encode(self, batch):
        np.stack([np.zeros(1) for payloads in batch.values() for _ in payloads])
        return super().encode(batch)


class EmptyWithoutAxes(Sound):
    def encode(self, batch):
        found = super().encode(batch)
        return found if len(found) else np.zeros(0, np.float32)


class SortsItsBatch(Sound):
    """By length, for speed, and never puts it back."""

    def finish(self, total):
        found = super().finish(total)
        return found[np.argsort(found.sum(axis=1))]


class CountsPlaces(Sound):
    def finish(self, total):
        return super().finish(total) + 0.1 * np.arange(len(total), dtype=np.float32)[:, None]


class ComparesWithTheFirst(Sound):
    def finish(self, total):
        return super().finish(total) - 0.5 * total[:1]


class SubtractsTheMean(Sound):
    def finish(self, total):
        mean = total.mean(axis=0) if len(total) else 0
        return super().finish(total - mean)


class BatchNorm(Sound):
    """Left in training mode."""

    def finish(self, total):
        if len(total):
            total = (total - total.mean(axis=0)) / np.sqrt(total.var(axis=0) + 1e-3)
        return super().finish(total)


class ClipGuard(Sound):
    """Turns the whole batch down if one sound is too loud."""

    def encode(self, batch):
        found = super().encode(batch)
        peak = max((np.abs(audio.samples).max() for audio in batch.get("audio", [])), default=0)
        return found * (0.5 if peak > 0.95 else 1.0)


class PadsToTheLongest(Sound):
    """To more than 200 letters, with spaces that count."""

    def encode(self, batch):
        longest = max((len(text.text) for text in batch.get("text", [])), default=0)
        found = super().encode(batch)
        return found / (longest if longest > 200 else 1)


class StacksItsPictures(Sound):
    """Needs pictures of one size in a batch."""

    def encode(self, batch):
        if batch.get("image"):
            np.stack([image.pixels for image in batch["image"]])
        return super().encode(batch)


class EncodesOnce(Sound):
    """What came before is marked, not repeated."""

    def encode(self, batch):
        found = super().encode(batch)
        rows = zip(*batch.values(), strict=True)
        keys = [tuple(payload_digest(payload) for payload in row) for row in rows]
        for row, key in enumerate(keys):
            if key in keys[:row]:
                found[row] = np.ones(DIM)
        return found


class DropsRepeats(Sound):
    def encode(self, batch):
        found = super().encode(batch)
        rows = zip(*batch.values(), strict=True)
        keys = [tuple(payload_digest(payload) for payload in row) for row in rows]
        return found[[row for row, key in enumerate(keys) if key not in keys[:row]]]


class SubtractsTheMeanOfMany(Sound):
    """From 33 items on."""

    def finish(self, total):
        return super().finish(total - (total.mean(axis=0) if len(total) > 32 else 0))


class TakesForty(Sound):
    def encode(self, batch):
        if any(len(payloads) > 40 for payloads in batch.values()):
            raise IndexError("index 40 is out of bounds for axis 0 with size 40")
        return super().encode(batch)


class OneAtATime(SubtractsTheMeanOfMany):
    """Sound, as long as nobody chooses another batch size."""

    batch_size = 1


class GridOfTheFrame(Sound):
    """Sound: cells of 16 x 16 pixels, as many as there are, and one of a batch without frames."""

    def encode_dense(self, batch):
        self.refuse_others("dense", batch)
        if not batch["image"]:
            return np.zeros((0, 1, 1, DIM), np.float32)
        return np.stack([self.map(image.pixels) for image in batch["image"]])

    def map(self, pixels):
        rows, columns = (np.array_split(np.arange(n), max(1, n // 16)) for n in pixels.shape[:2])
        means = [[pixels[y][:, x].mean(axis=(0, 1)) / 255 for x in columns] for y in rows]
        cells = np.asarray(means, np.float32)
        return np.tile(cells, DIM // 3) + self.bias
