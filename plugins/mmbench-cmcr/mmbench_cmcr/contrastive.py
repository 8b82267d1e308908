"""A small contrastively trained space of two streams: two towers and CLIP's loss, with pairs.

It is what CLIP and CLAP are in C-MCR, at a size that a minute of one core trains: a pair of such
spaces shows what connectors do with spaces that are not linear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Offer,
    PluginError,
    RepresentationInfo,
    Slot,
    State,
    TrainedRepresentation,
    UsageError,
)
from mmbench_cmcr.checks import require
from mmbench_cmcr.inputs import SIZES, inputs_of, kind_of, parameter_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Batch, BoundCollection, Context, FitData
    from mmbench_cmcr.towers import Tower

__all__ = ["Contrastive"]

#: What modalities of these names are; any other may be of any kind that there is a tower for.
_KINDS = {"image": "Image", "audio": "Audio", "text": "Text"}
#: Items that are decoded or encoded at once.
_CHUNK = 64


class Contrastive(TrainedRepresentation):
    """Two small towers, trained so that the two sides of a pair meet (Radford et al. 2021).

    The loss is CLIP's (arXiv 2103.00020, section 2.3): symmetric InfoNCE over the cosines of a
    batch, divided by a temperature that is learnt as ``exp(t)``, begins at 0.07 and stays at or
    above 0.01. The towers are of this plugin: for pictures and for log power spectra two
    convolutions, for text hashed words and word pairs, and one linear map each. Slots take Image,
    Audio and Text; there is no tower for other kinds.

    Offers ``global`` for either slot, and for both the mean of the unit vectors.

    Args:
        first: Modality of the first slot, and its name.
        second: Modality of the second slot, and its name.
        dim: Length of the vectors.
        width: Channels of a tower's first convolution.
        dropout: Share of a linear map's inputs that a training step leaves out.
        temperature: Of the loss, at the beginning.
        learn_temperature: Whether it is learnt; else it stays as it is.
        learning_rate: AdamW's, at the beginning of a cosine schedule.
        weight_decay: AdamW's.
        epochs: Passes over the pairs.
        batch: Pairs of a step, at most; an epoch's steps are of about equal size.
    """

    batch_size = _CHUNK

    def __init__(
        self,
        *,
        first: str = "image",
        second: str = "audio",
        dim: int = 64,
        width: int = 8,
        dropout: float = 0.3,
        temperature: float = 0.07,
        learn_temperature: bool = True,
        learning_rate: float = 5e-3,
        weight_decay: float = 0.01,
        epochs: int = 30,
        batch: int = 128,
    ) -> None:
        usual = (first, second) == ("image", "audio")
        self.name = "contrastive" if usual else f"contrastive-{first}-{second}"
        if first == second or not first or not second:
            raise UsageError(
                f"needs two different modalities, not {first!r} twice", where="contrastive"
            )
        require("above 0", self.name, dim=dim, width=width, temperature=temperature,
                learning_rate=learning_rate, epochs=epochs, batch=batch - 1)  # fmt: skip
        require("0 or more", self.name, dropout=dropout, weight_decay=weight_decay)
        if dropout >= 1.0:
            raise UsageError(f"dropout must be below 1, not {dropout}", where=self.name)
        self.slots = (first, second)
        self.dim = dim
        self.width = width
        self.options: dict[str, Any] = {
            "dropout": dropout, "temperature": temperature, "learning_rate": learning_rate,
            "learn_temperature": learn_temperature, "weight_decay": weight_decay,
            "epochs": epochs, "batch": batch,
        }  # fmt: skip
        self._device = "cpu"
        self._towers: dict[str, Tower] = {}
        self._kinds: dict[str, str] = {}
        self._meta: dict[str, Any] = {}

    @property
    def info(self) -> RepresentationInfo:
        """Known before it is trained; the parameters where the modalities tell the kinds."""
        subsets = [{slot} for slot in self.slots] + [set(self.slots)]
        kinds = {slot: (_KINDS[slot],) if slot in _KINDS else tuple(SIZES) for slot in self.slots}
        counts = [
            parameter_count(each[0], self.dim, self.width) if len(each) == 1 else 0
            for each in kinds.values()
        ]
        return RepresentationInfo(
            name=self.name,
            version="1",
            slots=tuple(Slot(slot, slot, kinds[slot]) for slot in self.slots),
            offers=frozenset(Offer("global", frozenset(subset), self.dim) for subset in subsets),
            seeded=True,
            citation="Radford et al. 2021, arXiv 2103.00020 (the loss)",
            parameters=sum(counts) if all(counts) else None,
        )

    def load(self, ctx: Context) -> None:
        """Compute where the runner does."""
        self._device = ctx.device

    def fit(self, data: FitData, ctx: Context) -> None:
        """Learn from pairs; items that lack one of the two are passed over.

        Raises:
            UsageError: The training collection lacks a stream, has no pairs, or is of payloads that
                there is no tower for.
        """
        from mmbench_cmcr.contrastive_training import TowerRecipe, train_towers
        from mmbench_cmcr.threads import one_thread

        self._towers, self._meta = {}, {}
        rows = self._paired_rows(data.train)
        sides, kinds = {}, {}
        with one_thread("cpu"):
            for slot in self.slots:
                some = data.train.batch(rows[:: max(1, len(rows) // _CHUNK)], [slot])[slot]
                kinds[slot] = kind = kind_of(some, where=f"{self.name}, slot {slot}")
                side = np.empty((len(rows), *SIZES[kind]), dtype=np.float32)
                for start in range(0, len(rows), _CHUNK):
                    ctx.progress(start, len(rows), f"inputs of {slot}")
                    batch = data.train.batch(rows[start : start + _CHUNK], [slot])[slot]
                    side[start : start + _CHUNK] = inputs_of(batch, kind, where=self.name)
                sides[slot] = side
        recipe = TowerRecipe(self.dim, self.width, **self.options)
        ctx.log.info("%s: %d pairs, %s", self.name, len(rows), recipe)
        with one_thread(ctx.device):
            trained = train_towers(sides, kinds, recipe, ctx)
        self._kinds, self._towers = kinds, trained.towers
        self._meta = {
            "kinds": kinds, "pairs": len(rows), "temperature": trained.temperature,
            "history": trained.history,
        }  # fmt: skip

    def state(self) -> State:
        """The towers' tensors; what they take; temperature and loss."""
        self._require_trained()
        arrays = {
            f"{slot}/{name}": value.cpu().numpy().copy()
            for slot, tower in self._towers.items()
            for name, value in tower.state_dict().items()
        }
        return State(arrays, self._meta)

    def load_state(self, state: State) -> None:
        """Become what was trained."""
        import torch

        from mmbench_cmcr.towers import build_tower

        self._meta = dict(state.meta)
        self._kinds, self._towers = dict(state.meta["kinds"]), {}
        for slot, kind in self._kinds.items():
            tower = build_tower(kind, self.dim, width=self.width)
            prefix = f"{slot}/"
            tower.load_state_dict(
                {name.removeprefix(prefix): torch.from_numpy(np.array(array))
                 for name, array in state.arrays.items() if name.startswith(prefix)}
            )  # fmt: skip
            self._towers[slot] = tower.eval()

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """[B, dim]: unit vectors of one slot, or the mean of both slots'."""
        self._require_trained()
        import torch
        from torch.nn.functional import normalize

        from mmbench_cmcr.threads import one_thread

        parts = {}
        for slot, payloads in batch.items():
            tower = self._towers[slot].to(self._device)
            vectors = np.empty((len(payloads), self.dim), dtype=np.float32)
            with one_thread("cpu"), torch.inference_mode():
                # One by one: the last digits of a product follow the size of the batch.
                for row, payload in enumerate(payloads):
                    found = inputs_of([payload], self._kinds[slot], where=self.name)
                    given = torch.from_numpy(found).to(self._device)
                    vectors[row] = normalize(tower(given), dim=-1)[0].cpu().numpy()
            parts[slot] = vectors
        return self.fuse(parts)

    def fuse(self, parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """The mean of the slots' unit vectors; a single slot's vectors as they are."""
        if len(parts) == 1:
            return next(iter(parts.values()))
        mean: NDArray[np.float64] = np.mean(
            [np.asarray(part, dtype=np.float64) for part in parts.values()], axis=0
        )
        return mean.astype(np.float32)

    def _require_trained(self) -> None:
        if not self._towers:
            raise PluginError("is not trained: call fit or load_state first", where=self.name)

    def _paired_rows(self, train: BoundCollection) -> list[int]:
        """Rows that have both streams."""
        called = train.collection.name
        for slot in self.slots:
            if slot not in train.binding:
                raise UsageError(
                    f"the training collection {called!r} has no stream for slot {slot!r}",
                    where=self.name,
                    fix="train it on a collection with both streams: fit_on in the suite",
                )
        rows = train.complete_rows()
        if len(rows) < 2:
            raise UsageError(
                f"the training collection {called!r} has {len(rows)} pairs", where=self.name,
                fix="train it on a collection whose items have both streams, two at least",
            )  # fmt: skip
        return rows
