"""Representations whose fingerprint does not name their weights, one way each."""

from __future__ import annotations

import os
from hashlib import blake2b
from itertools import count
from pathlib import Path

import numpy as np
from sound_representation import Sound

COUNTER = count()


class Weighted(Sound):
    """Multiplies its vectors by what is in a file, or in a folder's ``weights.bin``.

    Args:
        weights: The file or folder.
        word: Says nothing.
    """

    def __init__(self, *, weights: str, word: str = "weights.bin") -> None:
        super().__init__()
        self.weights = Path(weights)

    @property
    def file(self):
        return self.weights / "weights.bin" if self.weights.is_dir() else self.weights

    def load(self, ctx):
        super().load(ctx)
        self.gain = 1 + float(np.frombuffer(self.file.read_bytes(), np.uint8).mean()) / 256

    def fingerprint(self):
        return blake2b(self.file.read_bytes(), digest_size=8).hexdigest()


class Raising(Sound):
    def fingerprint(self):
        return self.weights.hexdigest()


class InBytes(Sound):
    def fingerprint(self):
        return blake2b(b"weights").digest()


class Counting(Sound):
    def fingerprint(self):
        return str(next(COUNTER))


class Identity(Sound):
    """Its instances have other fingerprints; this process has one."""

    def fingerprint(self):
        return str(id(self))


class OfWhatIsLoaded(Sound):
    loaded = False

    def load(self, ctx):
        super().load(ctx)
        self.loaded = True

    def fingerprint(self):
        return f"loaded={self.loaded}"


class Hashed(Sound):
    def fingerprint(self):
        return str(hash("weights"))


class OfTheProcess(Sound):
    def fingerprint(self):
        return str(os.getpid())


class OfTheHead(Weighted):
    def fingerprint(self):
        return blake2b(self.file.read_bytes()[:64]).hexdigest()


class OfTheLength(Weighted):
    def fingerprint(self):
        return str(self.file.stat().st_size)


class Silent(Weighted):
    def fingerprint(self):
        return ""


class OfThePlace(Weighted):
    def fingerprint(self):
        return f"{self.file} {super().fingerprint()}"


class OfTheDate(Weighted):
    def fingerprint(self):
        return f"{self.file.stat().st_mtime_ns} {self.file.stat().st_size}"


class OfOneFile(Weighted):
    """Another file of the folder is read too."""

    def load(self, ctx):
        super().load(ctx)
        self.gain *= 1 + float((self.weights / "scale.txt").read_text())


class BesideTheModule(Sound):
    """Weights that no option names; this file stands for them."""

    place = Path(__file__).with_name("beside.bin")

    def load(self, ctx):
        super().load(ctx)
        self.gain = len(self.place.read_bytes())


class BesideTheModuleAndNamed(BesideTheModule):
    def fingerprint(self):
        return blake2b(self.place.read_bytes()).hexdigest()


class AsksTheEnvironment(Sound):
    def load(self, ctx):
        super().load(ctx)
        self.gain = float(os.environ.get("SOUND_GAIN", "1"))


class AsksAtEveryCall(Sound):
    def finish(self, total):
        return super().finish(total) * float(os.getenv("SOUND_GAIN", "1"))


class AsksWhatIsPlain(Sound):
    """Sound: folders and threads, and a copy for another process."""

    def load(self, ctx):
        super().load(ctx)
        found = {**os.environ, "SOUND_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        self.known = len(found) + len(os.environ["PATH"]) + len(Path("~").expanduser().parts)
