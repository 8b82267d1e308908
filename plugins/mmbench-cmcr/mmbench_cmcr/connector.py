"""C-MCR as a connector: two frozen spaces, joined by small projectors trained without pairs."""

from __future__ import annotations

from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import (
    Connector,
    DataError,
    PluginError,
    RepresentationInfo,
    RepresentationRef,
    State,
    UsageError,
)
from mmbench_cmcr.checks import require
from mmbench_cmcr.corpora import collect, corpus_requests
from mmbench_cmcr.junction import Junction
from mmbench_cmcr.layouts import HeadA, Layout, Projector, parameter_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Context, CorpusRequest
    from mmbench_cmcr.layouts import Space
    from mmbench_cmcr.projectors import Head
    from mmbench_cmcr.training import Recipe

__all__ = ["CMCR"]

#: Rows that are projected at once.
_CHUNK = 8192
_NAMES = {"c-mcr": "arXiv 2305.14381", "ex-mcr": "arXiv 2310.08884"}


class CMCR(Connector):
    """C-MCR (Wang et al. 2023, arXiv 2305.14381), and Ex-MCR's heads and frozen space.

    Both spaces encode the items of one unpaired corpus, of the modality they share. What each
    space's memory of its other modality says of an item, the item's aggregate, stands for the pair
    that nobody has. Two projectors learn to bring items and aggregates of both spaces together.
    Defaults are the paper's. The joined space takes the shared modality through the first space.

    Args:
        first: The representation that is the first space (C-MCR: CLIP).
        second: The representation that is the second space (CLAP, ULIP).
        first_options: Options of the first.
        second_options: Options of the second.
        first_fit_on: What the first is trained on, as a suite's ``fit_on``, where that is not what
            the task offers.
        second_fit_on: The same of the second.
        shared: The slot that both take.
        second_shared: Its name in the second space, where that is another.
        first_leaf: The slot of the first space's memory.
        second_leaf: The slot of the second space's memory, which is joined to the first's slots.
        more_slots: Further slots of the first space that the joined space takes, too.
        shared_corpus: Corpora of the shared modality, DATASET/COLLECTION/STREAM each.
        first_memory: Corpora of the first leaf.
        second_memory: Corpora of the second leaf.
        aggregation: How a memory is read: ``softmax`` over all of it, its ``nearest`` row, or
            ``none``, which is the item itself, and takes no memory.
        tau1: Temperature of the aggregation.
        tau2: Temperature of the loss between shared items.
        tau3: Temperature of the loss between aggregates.
        variance: Of each coordinate's noise (the paper's sigma squared).
        intra_norm: Within a space: the distance (``l2``) or its square (``l2_squared``).
        intra_weight: Weight of the loss within the spaces (the paper's lambda).
        shared_weight: Weight of the loss between shared items.
        leaf_weight: Weight of the loss between aggregates (the audio-visual term).
        alignment: ``c-mcr``: shared with shared, leaf with leaf; ``dense``: also shared with leaf.
        projector: ``mlp`` (CLAP-CLIP's heads), ``mlp-half`` (ULIP-CLIP's) or ``ex-mcr``.
        frozen: ``first``: that space is the joined one, and only the second is projected.
        dim: Length of the joined vectors; None: the longer of both spaces' vectors.
        learning_rate: Adam's, at the beginning of the cosine schedule.
        epochs: Passes over the shared corpus.
        batch: Items of a step, at most; an epoch's steps are of about equal size.
        checkpoint: A file of trained heads to take instead of training.
        head_a: Which space is Head_A in checkpoints; ``published``: as in ``clap_clip.pt`` (the
            second) for ``mlp``, as in ``ulip_clip.pt`` (the first) for ``mlp-half``.
    """

    def __init__(
        self,
        *,
        first: str,
        second: str,
        first_options: dict[str, Any] | None = None,
        second_options: dict[str, Any] | None = None,
        first_fit_on: dict[str, Any] | None = None,
        second_fit_on: dict[str, Any] | None = None,
        shared: str = "text",
        second_shared: str = "",
        first_leaf: str = "image",
        second_leaf: str = "audio",
        more_slots: tuple[str, ...] = (),
        shared_corpus: tuple[str, ...] = (),
        first_memory: tuple[str, ...] = (),
        second_memory: tuple[str, ...] = (),
        aggregation: Literal["softmax", "nearest", "none"] = "softmax",
        tau1: float = 0.01,
        tau2: float = 0.02,
        tau3: float = 0.02,
        variance: float = 0.004,
        intra_norm: Literal["l2", "l2_squared"] = "l2",
        intra_weight: float = 0.1,
        shared_weight: float = 1.0,
        leaf_weight: float = 1.0,
        alignment: Literal["c-mcr", "dense"] = "c-mcr",
        projector: Projector = "mlp",
        frozen: Literal["none", "first"] = "none",
        dim: int | None = None,
        learning_rate: float = 1e-3,
        epochs: int = 36,
        batch: int = 10240,
        checkpoint: str = "",
        head_a: HeadA = "published",
    ) -> None:
        require("above 0", tau1=tau1, tau2=tau2, tau3=tau3, learning_rate=learning_rate,
                 epochs=epochs, batch=batch - 1, dim=1 if dim is None else dim)  # fmt: skip
        require("0 or more", variance=variance, intra_weight=intra_weight,
                 shared_weight=shared_weight, leaf_weight=leaf_weight)  # fmt: skip
        self.junction = Junction(
            shared, first_leaf, second_leaf, second_shared or shared, more_slots
        )
        self.bases = {
            "first": RepresentationRef(first, dict(first_options or {}), dict(first_fit_on or {})),
            "second": RepresentationRef(
                second, dict(second_options or {}), dict(second_fit_on or {})
            ),
        }
        self.routes = self.junction.routes
        self.layout = Layout(projector, frozen == "first", head_a)
        self.corpora = {"shared": shared_corpus, "first": first_memory, "second": second_memory}
        self.aggregation = aggregation
        self.tau1 = tau1
        self.losses: dict[str, Any] = {
            "tau2": tau2, "tau3": tau3, "intra_norm": intra_norm, "intra_weight": intra_weight,
            "shared_weight": shared_weight, "leaf_weight": leaf_weight, "alignment": alignment,
        }  # fmt: skip
        self.variance = variance
        self.dim = dim
        self.schedule: dict[str, Any] = {
            "learning_rate": learning_rate,
            "epochs": epochs,
            "batch": batch,
        }
        self.checkpoint = checkpoint
        self._device = "cpu"
        self._widths: dict[str, int | None] = {"first": None, "second": None}
        self._heads: dict[Space, Head] | None = None
        self._meta: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """What it is: C-MCR, or with a frozen space Ex-MCR."""
        kind = "ex-mcr" if self.layout.frozen else "c-mcr"
        first, second = (ref.name for ref in self.bases.values())
        return f"{kind}({first}, {second}; {self.junction.shared})"

    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """The joined space: all slots, in vectors of one length.

        Raises:
            UsageError: The spaces share no stream, or one lacks a slot.
        """
        self.junction.check(bases)
        self._widths = self.junction.widths(bases)
        dim = self._joined_dim(self._widths)
        kind = "ex-mcr" if self.layout.frozen else "c-mcr"
        widths = [self._widths[space] for space in self.layout.spaces]
        counts = [
            parameter_count(self.layout.projector, width, dim) if width and dim else None
            for width in widths
        ]
        known = [count for count in counts if count is not None]
        return RepresentationInfo(
            name=f"{kind}({bases['first'].name}, {bases['second'].name}; {self.junction.shared})",
            version="1",
            slots=self.junction.slots(bases),
            offers=self.junction.offers(bases, dim),
            seeded=not self.checkpoint or any(base.seeded for base in bases.values()),
            citation=f"Wang et al. 2023, {_NAMES[kind]}",
            weights_licence="CC BY 4.0" if self.checkpoint else "",
            parameters=sum(known) if len(known) == len(counts) else None,
        )

    def fingerprint(self) -> str:
        """Hash of the checkpoint's bytes, if one was named.

        Raises:
            DataMissing: It is not there.
        """
        if not self.checkpoint:
            return ""
        from mmbench_cmcr.checkpoints import read_checkpoint

        read_checkpoint(self._path)
        return blake2b(self._path.read_bytes(), digest_size=16).hexdigest()

    def needs(self) -> list[CorpusRequest]:
        """The shared corpora in both spaces, and each space's memory; nothing with a checkpoint.

        Raises:
            UsageError: No corpora were named.
        """
        return [request for requests in self._requests().values() for request in requests]

    def load(self, ctx: Context) -> None:
        """Project where the runner computes."""
        self._device = ctx.device

    def fit_vectors(self, arrays: Mapping[str, NDArray[Any]], ctx: Context) -> None:
        """Aggregate, then train the heads; with a checkpoint, read them.

        ``ctx.checkpoint`` keeps the aggregates and the state of an interrupted training, and
        ``ctx.shared`` the finished aggregates for other seeds. Without the first the aggregates lie
        in a temporary folder.

        Raises:
            DataError: A corpus is empty, has a vector that is NaN or zero, or the widths differ.
        """
        self._heads, self._meta = None, {}
        if self.checkpoint:
            self._read_checkpoint()
            return
        corpora = {
            role: collect(arrays, requests, self._space_of(role))
            for role, requests in self._requests().items()
        }
        from mmbench_cmcr.learning import check_corpora, learn, make_corpus
        from mmbench_cmcr.threads import one_thread

        check_corpora(corpora)
        widths = {space: corpora[f"shared/{space}"].width for space in ("first", "second")}
        recipe = self._recipe(widths)
        ctx.log.info("%s: %s", self.name, recipe)
        with one_thread(ctx.device), ExitStack() as stack:
            folder = ctx.checkpoint
            if folder is None:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="mmbench-cmcr-")))
            folder.mkdir(parents=True, exist_ok=True)
            corpus = make_corpus(corpora, folder, ctx, how=self.aggregation, tau1=self.tau1)
            training = learn(corpus, recipe, ctx)
        self._heads = {space: head.cpu() for space, head in training.heads.items()}
        self._keep(widths, recipe.dim, history=training.history)

    def project(self, base: str, slot: str, vectors: NDArray[Any]) -> NDArray[np.float32]:
        """Vectors or maps of a space as unit vectors of the joined one.

        Raises:
            PluginError: It is not trained, or has no such space.
            DataError: The vectors are of another width.
        """
        if self._heads is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        if base not in self.bases:
            raise PluginError(f"has no space {base!r}, but first and second", where=self.name)
        import torch
        from torch.nn.functional import normalize

        from mmbench_cmcr.threads import one_thread

        width = self._meta["widths"][base]
        head = self._heads.get("first" if base == "first" else "second")
        if head is not None:
            head.to(self._device)
        if vectors.shape[-1] != width:
            raise DataError(
                f"vectors of {slot} have {vectors.shape[-1]} numbers, and should have {width}",
                where=self.name,
            )
        flat = vectors.reshape(-1, vectors.shape[-1])
        out = np.empty((len(flat), self._meta["dim"]), dtype=np.float32)
        for start in range(0, len(flat), _CHUNK):
            chunk = np.array(flat[start : start + _CHUNK], dtype=np.float32)  # a copy: torch asks
            with one_thread(self._device), torch.inference_mode():
                unit = normalize(torch.from_numpy(chunk).to(self._device), dim=-1)
                joined = unit if head is None else normalize(head(unit), dim=-1)
                out[start : start + len(chunk)] = joined.cpu().numpy()
        return out.reshape(*vectors.shape[:-1], self._meta["dim"])

    def state(self) -> State:
        """The heads' tensors, by the names of a published checkpoint, and how they were made."""
        if self._heads is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        from mmbench_cmcr.checkpoints import named_state

        named = named_state(self._heads, self.layout)
        return State({name: value.numpy().copy() for name, value in named.items()}, self._meta)

    def load_state(self, state: State) -> None:
        """Become what was trained."""
        import torch

        from mmbench_cmcr.checkpoints import heads_of

        tensors = {name: torch.from_numpy(np.array(a)) for name, a in state.arrays.items()}
        self._heads = heads_of(tensors, self.layout, state.meta["widths"], where=self.name)
        self._meta = dict(state.meta)

    def write_checkpoint(self, path: Path) -> None:
        """Write the heads as the published files hold them.

        Raises:
            PluginError: It is not trained.
        """
        if self._heads is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        from mmbench_cmcr.checkpoints import named_state, write_checkpoint

        write_checkpoint(path, named_state(self._heads, self.layout))

    @property
    def _path(self) -> Path:
        return Path(self.checkpoint).expanduser()

    def _requests(self) -> dict[str, list[CorpusRequest]]:
        """The requests of each role: ``shared/first``, ``shared/second``, ``first``, ``second``."""
        if self.checkpoint:
            return {}
        for role, option in (("shared", "shared_corpus"), ("first", "first_memory"),
                             ("second", "second_memory")):  # fmt: skip
            wanted = role == "shared" or self.aggregation != "none"
            if wanted and not self.corpora[role]:
                raise UsageError(
                    f"no corpus is named in the option {option}", where=self.name,
                    fix="name unpaired corpora to learn from, such as "
                    f'-o \'{option}=["numbers/train/text"]\', or trained heads: -o checkpoint=PATH',
                )  # fmt: skip
        junction = self.junction
        found = {
            "shared/first": corpus_requests("first", junction.shared, self.corpora["shared"]),
            "shared/second": corpus_requests(
                "second", junction.second_shared, self.corpora["shared"]
            ),
        }
        if self.aggregation != "none":
            found["first"] = corpus_requests("first", junction.first_leaf, self.corpora["first"])
            found["second"] = corpus_requests(
                "second", junction.second_leaf, self.corpora["second"]
            )
        return found

    def _space_of(self, role: str) -> str:
        return self.bases[role.rpartition("/")[2]].name

    def _joined_dim(self, widths: Mapping[str, int | None]) -> int | None:
        """Length of the joined vectors.

        Raises:
            UsageError: It should differ from that of the frozen space.
        """
        first, second = widths["first"], widths["second"]
        if not self.layout.frozen:
            known = first is not None and second is not None
            return self.dim or (max(first or 0, second or 0) if known else None)
        if self.dim and first and self.dim != first:
            raise UsageError(
                f"the joined space is the first, whose vectors have {first} numbers",
                where=f"option dim={self.dim}", fix="leave dim out, or take frozen=none",
            )  # fmt: skip
        return first or self.dim

    def _read_checkpoint(self) -> None:
        from mmbench_cmcr.checkpoints import read_heads

        known = {space: width for space, width in self._widths.items() if width is not None}
        heads = read_heads(self._path, self.layout, known if len(known) == 2 else None)
        dim = heads["second"].dim
        first = heads["first"].width if "first" in heads else dim
        self._heads = heads
        self._keep({"first": first, "second": heads["second"].width}, dim, history=[])

    def _recipe(self, widths: Mapping[str, int]) -> Recipe:
        from mmbench_cmcr.losses import LossWeights
        from mmbench_cmcr.training import Recipe

        dim = self._joined_dim(widths)
        assert dim is not None  # both widths are known
        return Recipe(self.layout, dim, LossWeights(**self.losses), self.variance, **self.schedule)

    def _keep(self, widths: Mapping[str, int], dim: int, *, history: list[list[float]]) -> None:
        self._meta = {
            "widths": dict(widths),
            "dim": dim,
            "layout": {"projector": self.layout.projector, "frozen": self.layout.frozen,
                       "head_a": self.layout.head_a},
            "intra_norm": self.losses["intra_norm"],
            "history": history,
        }  # fmt: skip
