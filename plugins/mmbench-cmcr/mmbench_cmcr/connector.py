"""C-MCR as a connector: two frozen spaces, joined by small projectors trained without pairs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import UsageError
from mmbench_cmcr.checks import require
from mmbench_cmcr.corpora import collect, corpus_requests
from mmbench_cmcr.head_connector import HeadConnector
from mmbench_cmcr.junction import Junction, two_bases
from mmbench_cmcr.layouts import HeadA, Layout, Projector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Context, CorpusRequest, RepresentationInfo
    from mmbench_cmcr.training import Recipe

__all__ = ["CMCR"]

_NAMES = {"c-mcr": "arXiv 2305.14381", "ex-mcr": "arXiv 2310.08884"}


class CMCR(HeadConnector):
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
        super().__init__(
            Junction(shared, first_leaf, second_leaf, second_shared or shared, more_slots),
            two_bases(
                first, second, first_options, second_options, first_fit_on, second_fit_on
            ),
            Layout(projector, frozen == "first", head_a),
            dim,
        )  # fmt: skip
        self.corpora = {"shared": shared_corpus, "first": first_memory, "second": second_memory}
        self.aggregation = aggregation
        self.tau1 = tau1
        self.losses: dict[str, Any] = {
            "tau2": tau2, "tau3": tau3, "intra_norm": intra_norm, "intra_weight": intra_weight,
            "shared_weight": shared_weight, "leaf_weight": leaf_weight, "alignment": alignment,
        }  # fmt: skip
        self.variance = variance
        self.schedule: dict[str, Any] = {
            "learning_rate": learning_rate,
            "epochs": epochs,
            "batch": batch,
        }
        self.checkpoint = checkpoint

    @property
    def kind(self) -> str:
        """C-MCR, or with a frozen space Ex-MCR."""
        return "ex-mcr" if self.layout.frozen else "c-mcr"

    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """The joined space: all slots, in vectors of one length.

        Raises:
            UsageError: The spaces share no stream, or one lacks a slot.
        """
        return replace(
            super().describe(bases),
            seeded=not self.checkpoint or any(base.seeded for base in bases.values()),
            citation=f"Wang et al. 2023, {_NAMES[self.kind]}",
            weights_licence="CC BY 4.0" if self.checkpoint else "",
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
        norm = recipe.weights.intra_norm
        self._keep(widths, recipe.dim, history=training.history, intra_norm=norm)

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

    def _read_checkpoint(self) -> None:
        from mmbench_cmcr.checkpoints import read_heads

        known = {space: width for space, width in self._widths.items() if width is not None}
        heads = read_heads(self._path, self.layout, known if len(known) == 2 else None)
        dim = heads["second"].dim
        first = heads["first"].width if "first" in heads else dim
        self._heads = heads
        widths = {"first": first, "second": heads["second"].width}
        self._keep(widths, dim, history=[], intra_norm=self.losses["intra_norm"])

    def _recipe(self, widths: Mapping[str, int]) -> Recipe:
        from mmbench_cmcr.losses import LossWeights
        from mmbench_cmcr.training import Recipe

        dim = self._joined_dim(widths)
        assert dim is not None  # both widths are known
        return Recipe(self.layout, dim, LossWeights(**self.losses), self.variance, **self.schedule)
