"""The paired upper bound: C-MCR's projectors on the same spaces, trained with the true pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import UsageError
from mmbench_cmcr.checks import require
from mmbench_cmcr.corpora import collect_pairs, pair_requests
from mmbench_cmcr.head_connector import HeadConnector
from mmbench_cmcr.junction import Junction, two_bases
from mmbench_cmcr.layouts import Layout, Projector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Context, CorpusRequest

__all__ = ["Paired"]


class Paired(HeadConnector):
    """What could be had if there were pairs: the upper bound that C-MCR is measured against.

    Spaces, projectors and schedule are those of C-MCR. What differs is what is learnt from: the
    two leaves of the same items, by symmetric InfoNCE. The shared modality is not learnt from.

    Args:
        first: The representation that is the first space.
        second: The representation that is the second space.
        first_options: Options of the first.
        second_options: Options of the second.
        first_fit_on: What the first is trained on, as a suite's ``fit_on``, where that is not what
            the task offers.
        second_fit_on: The same of the second.
        shared: The slot that both take; the joined space takes it through the first.
        first_leaf: The slot of the first space that is paired.
        second_leaf: The slot of the second space that is paired with it.
        more_slots: Further slots of the first space that the joined space takes, too.
        pairs: Paired collections, DATASET/COLLECTION each, whose streams are called as the leaves;
            else DATASET/COLLECTION/STREAM/STREAM. Items that lack one of the two are left out.
        temperature: Of the loss.
        variance: Of each coordinate's noise.
        projector: ``mlp``, ``mlp-half`` or ``ex-mcr``, as C-MCR's.
        frozen: ``first``: that space is the joined one, and only the second is projected.
        dim: Length of the joined vectors; None: the longer of both spaces' vectors.
        learning_rate: Adam's, at the beginning of the cosine schedule.
        epochs: Passes over the pairs.
        batch: Pairs of a step, at most; an epoch's steps are of about equal size.
    """

    kind = "paired"
    meeting = False

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
        first_leaf: str = "image",
        second_leaf: str = "audio",
        more_slots: tuple[str, ...] = (),
        pairs: tuple[str, ...] = (),
        temperature: float = 0.02,
        variance: float = 0.004,
        projector: Projector = "mlp",
        frozen: Literal["none", "first"] = "none",
        dim: int | None = None,
        learning_rate: float = 1e-3,
        epochs: int = 36,
        batch: int = 10240,
    ) -> None:
        require("above 0", "paired", temperature=temperature, learning_rate=learning_rate,
                epochs=epochs, batch=batch - 1, dim=1 if dim is None else dim)  # fmt: skip
        require("0 or more", "paired", variance=variance)
        super().__init__(
            Junction(shared, first_leaf, second_leaf, shared, more_slots),
            two_bases(first, second, first_options, second_options, first_fit_on, second_fit_on),
            Layout(projector, frozen == "first"),
            dim,
        )
        self.pairs = pairs
        self.options: dict[str, Any] = {
            "temperature": temperature, "variance": variance, "learning_rate": learning_rate,
            "epochs": epochs, "batch": batch,
        }  # fmt: skip

    def needs(self) -> list[CorpusRequest]:
        """Both leaves of the paired collections.

        Raises:
            UsageError: No pairs were named.
        """
        requests = self._requests()
        return [*requests["first"], *requests["second"]]

    def fit_vectors(self, arrays: Mapping[str, NDArray[Any]], ctx: Context) -> None:
        """Train the heads; ``ctx.checkpoint`` keeps the state of an interrupted training.

        Raises:
            DataError: The leaves differ in number, or a vector is NaN or zero.
        """
        self._heads, self._meta = None, {}
        spaces = {base: ref.name for base, ref in self.bases.items()}
        found = collect_pairs(arrays, self._requests(), spaces)
        from mmbench_cmcr.learning import learn_pairs
        from mmbench_cmcr.pair_training import PairRecipe, Pairs
        from mmbench_cmcr.threads import one_thread

        pairs = Pairs(found["first"], found["second"])
        widths = {"first": pairs.first.width, "second": pairs.second.width}
        dim = self._joined_dim(widths)
        assert dim is not None  # both widths are known
        recipe = PairRecipe(self.layout, dim, **self.options)
        ctx.log.info("%s: %d pairs, %s", self.name, len(pairs.first), recipe)
        with one_thread(ctx.device):
            training = learn_pairs(pairs, recipe, ctx)
        self._heads = {space: head.cpu() for space, head in training.heads.items()}
        self._keep(widths, dim, history=training.history, pairs=len(pairs.first))

    def _requests(self) -> dict[str, list[CorpusRequest]]:
        if not self.pairs:
            raise UsageError(
                "no pairs are named in the option pairs", where=self.name,
                fix="name collections with both leaves, such as -o 'pairs=[\"numbers/train\"]'",
            )  # fmt: skip
        return pair_requests(self.junction, self.pairs)
