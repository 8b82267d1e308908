"""A representation that passes every check; mutants break one thing of it each."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mmbench.api import (
    Offer,
    Representation,
    RepresentationInfo,
    Slot,
    UsageError,
    payload_digest,
)

DIM = 24
GRID = 4


class Sound(Representation):
    """Images, sounds and texts in one space; image and audio also together; dense images.

    Args:
        gain: Vectors are multiplied by it.
        salt: Draws other directions.
    """

    version: ClassVar[str] = "1"
    #: What a slot adds by being there, so that silence is no missing sound.
    presence: ClassVar[float] = 0.05

    def __init__(self, *, gain: float = 1.0, salt: str = "a") -> None:
        self.gain = gain
        self.salt = salt
        self.noise: np.ndarray | None = None

    @property
    def info(self) -> RepresentationInfo:
        slots = (
            Slot("image", "image", ("Image",)),
            Slot("audio", "audio", ("Audio",)),
            Slot("text", "text", ("Text",)),
        )
        subsets = ({"image"}, {"audio"}, {"text"}, {"image", "audio"})
        offers = {Offer("global", frozenset(subset), DIM) for subset in subsets}
        offers.add(Offer("dense", frozenset({"image"}), DIM))
        return RepresentationInfo(
            name="sound",
            version=self.version,
            slots=slots,
            offers=frozenset(offers),
            citation="https://example.org/sound",
        )

    def load(self, ctx) -> None:
        self.bias = np.linspace(0.5, 1.0, DIM, dtype=np.float32)

    def refuse_others(self, kind, batch):
        """Refuse what is not offered."""
        if self.info.offer(kind, frozenset(batch)) is None:
            raise UsageError(f"{kind} of {sorted(batch)} is not offered", where=self.info.name)

    def encode(self, batch):
        self.refuse_others("global", batch)
        rows = len(next(iter(batch.values())))
        total = np.zeros((rows, DIM), np.float32)
        for slot, payloads in sorted(batch.items()):
            total += self.presence * len(slot)
            if payloads:
                total += np.stack([self.one(slot, payload) for payload in payloads])
        return self.finish(total)

    def finish(self, total):
        """The last step of a batch [B, DIM]."""
        return total + self.gain * self.bias

    def one(self, slot, payload):
        """A vector [DIM] of one payload."""
        return {"image": self.image, "audio": self.audio, "text": self.text}[slot](payload)

    def image(self, payload):
        pixels = payload.pixels.astype(np.float32) / 255
        means = pixels.reshape(-1, 3).mean(axis=0)
        return self.gain * np.resize(np.concatenate([means, means**2]), DIM)

    def audio(self, payload):
        samples = self.resampled(payload.samples.mean(axis=0), payload.rate)
        spectrum = np.abs(np.fft.rfft(samples, n=2048)) / 64
        return self.gain * spectrum.reshape(-1)[:1008].reshape(DIM, -1).mean(axis=1).astype(
            np.float32
        )

    def resampled(self, samples, rate):
        """Samples at 16 kHz."""
        at = np.arange(max(len(samples) * 16_000 // rate, 1)) * rate / 16_000
        return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)

    def text(self, payload):
        counts = np.zeros(DIM, np.float32)
        for letter in payload.text[:1000]:
            counts[ord(letter) % DIM] += 1
        return self.gain * counts / max(len(payload.text), 1)

    def encode_dense(self, batch):
        self.refuse_others("dense", batch)
        maps = np.empty((len(batch["image"]), GRID, GRID, DIM), np.float32)
        for row, payload in enumerate(batch["image"]):
            maps[row] = self.map(payload.pixels)
        return maps

    def map(self, pixels):
        """A map [GRID, GRID, DIM] of one picture."""
        height, width = pixels.shape[:2]
        ys = np.linspace(0, height, GRID + 1).astype(int)
        xs = np.linspace(0, width, GRID + 1).astype(int)
        found = np.empty((GRID, GRID, DIM), np.float32)
        for y in range(GRID):
            for x in range(GRID):
                part = pixels[ys[y] : max(ys[y + 1], ys[y] + 1), xs[x] : max(xs[x + 1], xs[x] + 1)]
                part = part if part.size else pixels
                means = part.astype(np.float32).reshape(-1, 3).mean(axis=0) / 255
                found[y, x] = np.resize(means, DIM) + self.bias
        return found


def noise_of(payload, salt=0):
    """Noise [DIM] that depends on a payload alone."""
    seed = int.from_bytes(payload_digest(payload)[:8], "little")
    return np.random.default_rng([seed, salt]).normal(size=DIM).astype(np.float32)
