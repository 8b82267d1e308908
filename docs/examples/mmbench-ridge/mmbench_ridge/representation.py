"""The representation: pictures, texts, and both together, to vectors."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
from mmbench.api import (
    Image,
    Offer,
    PluginError,
    RepresentationInfo,
    Slot,
    State,
    Text,
    TrainedRepresentation,
    UsageError,
)

if TYPE_CHECKING:
    from mmbench.api import Batch, Context, FitData, Payload
    from numpy.typing import NDArray


class RidgeEncoder(TrainedRepresentation):
    """Brightness of a picture on a grid, and groups of three letters of a text.

    This is an example that works. What is marked with YOUR CODE is yours to replace.

    Args:
        cells: Rows and columns of the grid; vectors have ``cells**2 + 1`` numbers.
        strength: How firmly the map is held near zero.
    """

    # How many items `encode` gets at once, to begin with. A model on a GPU wants more.
    batch_size = 64

    # Options are keyword arguments with a type and a default: `mmbench run ... -o cells=16`.
    # mmbench checks and records them. Keep this cheap; weights are for `load`.
    def __init__(self, *, cells: int = 16, strength: float = 0.01) -> None:
        if cells < 1:
            raise UsageError(f"must be at least 1, not {cells}", where="option cells")
        self.cells = cells
        self.strength = strength
        self.dim = cells**2 + 1

    @property
    def info(self) -> RepresentationInfo:
        """What it takes, and what it gives from which of it; known before `load`."""
        subsets = ({"image"}, {"text"}, {"image", "text"})
        return RepresentationInfo(
            name="ridge",
            version="1",  # YOUR CODE: raise it when the same weights give other vectors
            # Name, modality, kinds of payload: Audio, Video, PointCloud, ... are others.
            slots=(Slot("image", "image", ("Image",)), Slot("text", "text", ("Text",))),
            # Offer what `encode` can do and nothing else: tasks that want more are skipped.
            offers=frozenset(Offer("global", frozenset(slots), self.dim) for slots in subsets),
            citation="",  # YOUR CODE: the paper
            weights_licence="",  # YOUR CODE: the licence of the weights
        )

    def fingerprint(self) -> str:
        """Name the weights, as far as the options don't: a hash of their file, or a revision.

        It becomes part of every key, so that vectors of other weights are never taken for these.
        """
        return ""  # YOUR CODE, if there are weights

    def load(self, ctx: Context) -> None:
        """Make ready to encode: the place to import a framework and to read weights.

        Put the model on ``ctx.device`` ("cpu", "cuda", "cuda:1", "mps"). If anything is drawn at
        random, draw it from ``ctx.seed`` and say ``seeded=True`` in `info`.
        """
        # YOUR CODE, if there are weights

    def fit(self, data: FitData, ctx: Context) -> None:
        """Learn the map from pictures to texts that ridge regression finds."""
        pairs = data.train.batch(data.train.complete_rows())
        pictures = np.stack([self._encode_one(each) for each in pairs["image"]])
        texts = np.stack([self._encode_one(each) for each in pairs["text"]])
        ridge = len(pictures) * self.strength * np.eye(self.dim)
        self.map = np.linalg.solve(pictures.T @ pictures + ridge, pictures.T @ texts)

    def state(self) -> State:
        """What was learnt."""
        return State({"map": self.map})

    def load_state(self, state: State) -> None:
        """Become what was learnt."""
        self.map = state.arrays["map"]

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """Vectors ``[rows, dim]``, one an item, in order; ``[0, dim]`` of an empty batch.

        A batch holds the payloads by slot, of one of the subsets that are offered. Vectors are
        finite and not zero, and don't depend on what else is in the batch.
        """
        # YOUR CODE: whatever you return, numpy or torch or JAX, is brought to numpy.
        if not hasattr(self, "map"):
            raise PluginError("is not trained: call fit or load_state first", where="ridge")
        rows = len(next(iter(batch.values())))
        vectors = np.zeros((rows, self.dim), dtype=np.float32)
        for payloads in batch.values():
            for row, payload in enumerate(payloads):
                vector = self._encode_one(payload)
                vectors[row] += vector @ self.map if isinstance(payload, Image) else vector
        return vectors

    def _encode_one(self, payload: Payload) -> NDArray[np.float32]:
        """The vector of one picture or text; its last number keeps it from being zero."""
        vector = np.zeros(self.dim, dtype=np.float32)
        vector[-1] = 1.0
        if isinstance(payload, Image):  # pixels: uint8 [height, width, 3]
            height, width = payload.pixels.shape[:2]
            steps = np.arange(self.cells)
            grid = payload.pixels[steps * height // self.cells][:, steps * width // self.cells]
            vector[:-1] = grid.mean(axis=2).ravel() / 255.0
        elif isinstance(payload, Text):
            letters = f" {payload.text.lower()} "
            for start in range(len(letters) - 2):
                group = letters[start : start + 3].encode("utf-8", "replace")
                vector[zlib.crc32(group) % (self.dim - 1)] += 1.0
        return vector
