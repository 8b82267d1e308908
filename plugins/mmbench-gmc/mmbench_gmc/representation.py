"""What GMC and its rivals share: streams to slots, training items to arrays, states, encoding."""

from __future__ import annotations

from abc import abstractmethod
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mmbench.api import (
    NotApplicable,
    Offer,
    PluginError,
    RepresentationInfo,
    State,
    TrainedRepresentation,
    UsageError,
)
from mmbench_gmc.inputs import KINDS, input_of, slot_of
from mmbench_gmc.plans import Family  # noqa: TC001 - options' hints are read
from mmbench_gmc.schedule import Keep, Schedule, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmbench.api import FitData, Stream
    from mmbench.api.representation import Batch, Context
    from mmbench_gmc.inputs import Input
    from mmbench_gmc.learning import Learnt
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["LearntRepresentation"]

_MOST_SLOTS = 12


class LearntRepresentation(TrainedRepresentation):
    """A network that represents every subset of the streams it was trained on.

    Slots are open: one a stream of the training collection, for the kinds of :data:`KINDS`. It is
    supervised where the task names a target (and the model can be), and unsupervised else.

    A model is a subclass with its own options, and :meth:`build`.

    Args:
        dim: Length of the vectors.
        streams: The streams that it takes, of those that the task has it learn from; none: all.
        encoders: ``auto``: the paper's trunks for the streams of the paper's experiments, and the
            generic one of its kind for any other; ``generic``: the latter for all.
        epochs: Passes over the training items.
        steps: Steps in all, instead of ``epochs``; 0: as many as the epochs have.
        batch: Items of a step, at most; an epoch's steps are of about equal size.
        learning_rate: Adam's.
        clip: Gradients are scaled down to this norm; 0: left as they are.
        plateau: After so many epochs without a better validation loss the learning rate falls to a
            tenth; 0: never.
        keep: The weights that it ends with: the ``last``, or those of the ``best`` validation loss.
        early_stop: After so many epochs without a better validation loss it ends; 0: never.
    """

    batch_size = 256
    #: Its name in records.
    name: ClassVar[str] = ""
    #: Of the encoding code.
    version: ClassVar[str] = "1"
    citation: ClassVar[str] = ""
    #: Whether it can learn a target, and so predict: ``never``, ``if named``, or ``always``.
    supervision: ClassVar[str] = "if named"
    #: As in :class:`RepresentationInfo`.
    imputes: ClassVar[str] = ""

    def __init__(
        self,
        *,
        dim: int = 64,
        streams: tuple[str, ...] = (),
        encoders: Family = "auto",
        epochs: int = 100,
        steps: int = 0,
        batch: int = 64,
        learning_rate: float = 1e-3,
        clip: float = 0.0,
        plateau: int = 0,
        keep: Keep = "last",
        early_stop: int = 0,
    ) -> None:
        require(self.name, 1, dim=dim)
        self.dim = dim
        self.wanted = streams
        self.encoders: Family = encoders
        self.schedule = Schedule(
            epochs, steps, batch, learning_rate, clip, plateau, keep, early_stop
        )
        self.schedule.check(self.name)
        self.streams: tuple[Stream, ...] = ()
        self._device, self._dtype = "cpu", "fp32"
        self._learnt: Learnt | None = None

    @property
    def length(self) -> int:
        """Numbers of a vector; known once the streams are bound."""
        return self.dim

    @abstractmethod
    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """The untrained network for these streams, in their order.

        Args:
            inputs: Its streams.
            target: What it is to predict, too; None: it is unsupervised.
        """

    def count(self, inputs: Sequence[Input]) -> int:
        """Parameters of the unsupervised network."""
        import torch

        with torch.device("meta"):
            return sum(each.numel() for each in self.build(inputs, None).parameters())

    @property
    def info(self) -> RepresentationInfo:
        """Follows the streams it was bound to; what predicts a target is not counted."""
        inputs = [input_of(stream) for stream in self.streams]
        known = [each for each in inputs if each is not None]
        names = [stream.name for stream in self.streams]
        subsets = [
            frozenset(subset)
            for size in range(1, len(names) + 1)
            for subset in combinations(names, size)
        ]
        offers = {Offer("global", subset, self.length) for subset in subsets}
        if self.supervision != "never":
            offers |= {Offer("prediction", subset) for subset in subsets}
        return RepresentationInfo(
            name=self.name,
            version=self.version,
            slots=tuple(slot_of(stream) for stream in self.streams),
            offers=frozenset(offers),
            seeded=True,
            citation=self.citation,
            parameters=self.count(known) if known and len(known) == len(inputs) else None,
            imputes=self.imputes,
        )

    def bind(self, streams: Sequence[Stream]) -> None:
        """Open one slot a stream that it wants, but for kinds that have no tensor form.

        Raises:
            NotApplicable: No stream is left, or there are too many subsets.
            UsageError: One name stands for two streams.
        """
        wanted = [each for each in streams if not self.wanted or each.name in self.wanted]
        taken = tuple(stream for stream in wanted if stream.kind in KINDS)
        names = [stream.name for stream in taken]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"two streams are called {twice!r}", where=self.name)
        if not taken:
            found = ", ".join(f"{stream.name} ({stream.kind})" for stream in streams) or "nothing"
            named = f"{', '.join(self.wanted)} of " if self.wanted else "streams of "
            raise NotApplicable(
                f"takes {named}the kinds {', '.join(KINDS)}, and is handed {found}",
                where=self.name,
            )
        if len(taken) > _MOST_SLOTS:
            raise NotApplicable(
                f"{len(taken)} streams have {2 ** len(taken) - 1} subsets; it binds at most "
                f"{_MOST_SLOTS} streams",
                where=self.name,
            )
        self.streams = taken

    def load(self, ctx: Context) -> None:
        """Compute where, and as precisely as, the runner says."""
        self._device, self._dtype = ctx.device, ctx.dtype
        if self._learnt is not None:
            self._learnt.network.to(ctx.device)

    def fit(self, data: FitData, ctx: Context) -> None:
        """Learn from the items that have every stream; always in float32.

        Raises:
            UsageError: There are too few, or there is no target and it takes one.
            DataError: A value of the target is none.
        """
        from mmbench_gmc.learning import learn

        self._learnt = None
        self._learnt = learn(self, data, ctx)

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """[B, length] of the streams in the batch.

        Raises:
            UsageError: There are none, or others than it was trained on, or of unequal lengths.
        """
        return self._forward(batch, "represent", (self.length,))

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """[B] values, or [B, C] scores of the classes in sorted order.

        Raises:
            UsageError: As for :meth:`encode`, or it was trained without a target.
        """
        target = self._trained().target
        if target is None:
            raise UsageError(
                "was trained without a target, so it predicts none", where=self.name,
                fix="the task's (or the suite's fit_on's) fit specification names the target",
            )  # fmt: skip
        shape = (target.outputs,) if target.kind == "class" else ()
        return self._forward(batch, "predict", shape)

    def state(self) -> State:
        """The network's tensors, the streams' scales, and how they came about."""
        learnt = self._trained()
        arrays: dict[str, NDArray[Any]] = {
            f"network/{name}": tensor.cpu().numpy().copy()
            for name, tensor in learnt.network.state_dict().items()
        }
        for slot, scaling in learnt.scalings.items():
            arrays[f"mean/{slot}"] = scaling.mean
            arrays[f"deviation/{slot}"] = scaling.deviation
        meta = {
            "inputs": [form.as_json() for form in learnt.inputs],
            "target": learnt.target and learnt.target.as_json(),
            "scaled": sorted(learnt.scalings),
            **learnt.told,
        }
        return State(arrays, meta)

    def load_state(self, state: State) -> None:
        """Become what was trained."""
        from mmbench_gmc.learning import restored

        self._learnt = None
        self._learnt = restored(self, state, self._device)

    def _trained(self) -> Learnt:
        if self._learnt is None:
            raise PluginError("is not trained: call fit or load_state first", where=self.name)
        return self._learnt

    def _forward(self, batch: Batch, method: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """What a method of the network gives for a batch, [B, *shape]."""
        import torch

        from mmbench_gmc.threads import own_threads

        learnt = self._trained()
        count = checked_length(batch, learnt.inputs, self.name)
        if not count:
            return np.zeros((0, *shape), dtype=np.float32)
        half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self._dtype)
        kind = torch.device(self._device).type
        with (
            own_threads(self._device),
            torch.inference_mode(),
            torch.autocast(kind, dtype=half, enabled=half is not None),
        ):
            tensors = {
                form.slot: torch.from_numpy(learnt.array(form, batch[form.slot])).to(self._device)
                for form in learnt.inputs
                if form.slot in batch
            }
            found = getattr(learnt.network, method)(tensors).float().cpu().numpy()
        return np.asarray(found, dtype=np.float32).reshape(count, *shape)


def checked_length(batch: Batch, inputs: Sequence[Input], where: str) -> int:
    """The number of items of a batch.

    Raises:
        UsageError: It has no stream, an unknown one, or streams of unequal lengths.
    """
    known = {form.slot for form in inputs}
    if not batch:
        raise UsageError(
            f"all streams are missing: an item needs one of {', '.join(sorted(known))}",
            where=where,
        )
    if unknown := sorted(batch.keys() - known):
        raise UsageError(
            f"can't take {', '.join(unknown)}: it was trained on {', '.join(sorted(known))}",
            where=where,
        )
    lengths = {slot: len(payloads) for slot, payloads in batch.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{count} of {slot}" for slot, count in lengths.items())
        raise UsageError(f"a batch holds payloads of unequal numbers: {said}", where=where)
    return next(iter(lengths.values()))
