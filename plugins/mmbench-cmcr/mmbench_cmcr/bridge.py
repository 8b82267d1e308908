"""The bridge: two spaces joined by looking things up in a corpus that both encode. No training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Connector,
    DataError,
    PluginError,
    RepresentationInfo,
    State,
    UsageError,
)
from mmbench_cmcr.checks import require
from mmbench_cmcr.corpora import Rows, collect, collect_pairs, corpus_requests, pair_requests
from mmbench_cmcr.junction import Junction, two_bases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Context, CorpusRequest

__all__ = ["Bridge"]

#: Rows that are looked up at once.
_CHUNK = 2048


class Bridge(Connector):
    """A sound is what its nearest texts are: the untrained baseline of C-MCR.

    The first space is the joined one. A vector of the second space's leaf is compared with the
    shared corpus in the second space; its image is the mean of the same items' vectors in the first
    space, weighted by a softmax of the similarities.

    Args:
        first: The representation that is the first space, and the joined one.
        second: The representation that is the second space.
        first_options: Options of the first.
        second_options: Options of the second.
        first_fit_on: What the first is trained on, as a suite's ``fit_on``, where that is not what
            the task offers.
        second_fit_on: The same of the second.
        shared: The slot that both take.
        second_shared: Its name in the second space, where that is another.
        first_leaf: A slot of the first space besides the shared one.
        second_leaf: The slot of the second space that is bridged.
        more_slots: Further slots of the first space.
        shared_corpus: Corpora of the shared modality, DATASET/COLLECTION/STREAM each.
        temperature: Of the softmax over cosine similarities; towards 0 only the nearest counts.
        temperatures: Candidates, of which the one with the highest R@1 on ``validation`` is taken
            instead (the mean of both directions; of equal ones that with the highest mean
            reciprocal rank, then the first named).
        validation: A paired collection, DATASET/COLLECTION, whose streams are called as the leaves;
            else DATASET/COLLECTION/STREAM/STREAM. Nothing else is chosen by it.
        limit: Items of the shared corpus that are kept, at most, evenly spaced.
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
        temperature: float = 0.01,
        temperatures: tuple[float, ...] = (),
        validation: str = "",
        limit: int = 100_000,
    ) -> None:
        for each in (temperature, *temperatures):
            require("above 0", "bridge", temperature=each)
        if bool(temperatures) != bool(validation):
            raise UsageError(
                "temperatures and validation go together: candidates, and pairs to choose by",
                where="bridge", fix="name both or none, such as -o 'temperatures=[0.02, 0.1]' "
                "-o validation=numbers/valid",
            )  # fmt: skip
        if limit < 1:
            raise UsageError(f"limit must be 1 or more, not {limit}", where="bridge")
        self.junction = Junction(
            shared, first_leaf, second_leaf, second_shared or shared, more_slots
        )
        self.bases = two_bases(
            first, second, first_options, second_options, first_fit_on, second_fit_on
        )
        self.routes = self.junction.routes
        self.shared_corpus = shared_corpus
        self.temperature = temperature
        self.temperatures = temperatures
        self.validation = validation
        self.limit = limit
        self._device = "cpu"
        self._sides: dict[str, Rows] = {}
        #: Of a chosen temperature: which, and what all candidates gave.
        self._meta: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """What it is."""
        first, second = (ref.name for ref in self.bases.values())
        return f"bridge({first}, {second}; {self.junction.shared})"

    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """The first space, and the second's leaf in it.

        Raises:
            UsageError: The spaces share no stream, or one lacks a slot.
        """
        self.junction.check(bases)
        dim = self.junction.widths(bases)["first"]
        return RepresentationInfo(
            name=f"bridge({bases['first'].name}, {bases['second'].name}; {self.junction.shared})",
            version="1",
            slots=self.junction.slots(bases),
            offers=self.junction.offers(bases, dim),
            seeded=any(base.seeded for base in bases.values()),
            parameters=0,
        )

    def needs(self) -> list[CorpusRequest]:
        """The shared corpora in both spaces, and the validation pairs if there are any.

        Raises:
            UsageError: No corpus was named.
        """
        asked = [request for requests in self._requests().values() for request in requests]
        if self.validation:
            pairs = pair_requests(self.junction, (self.validation,))
            asked += [*pairs["first"], *pairs["second"]]
        return asked

    def load(self, ctx: Context) -> None:
        """Look up where the runner computes."""
        self._device = ctx.device

    def fit_vectors(self, arrays: Mapping[str, NDArray[Any]], ctx: Context) -> None:
        """Keep the shared corpus in both spaces, and choose the temperature; nothing is trained.

        Raises:
            DataError: It is empty, has a vector that is NaN or zero, or differs in its items. Or
                the validation pairs do.
        """
        self._sides, self._meta = {}, {}
        found = {
            base: collect(arrays, requests, self.bases[base].name)
            for base, requests in self._requests().items()
        }
        count, other = len(found["first"]), len(found["second"])
        if count != other:
            raise DataError(
                f"the first space has {count} vectors of the shared corpus, and the second {other}",
                where=self.name, fix="both must encode the same items, in one order",
            )  # fmt: skip
        for rows in found.values():
            rows.check()
        kept = np.unique(np.linspace(0, count - 1, min(count, self.limit)).round().astype(np.int64))
        if len(kept) < count:
            ctx.log.info("%s: keeps %d of %d shared items", self.name, len(kept), count)
        self._sides = {
            base: Rows(rows.name, (rows.take(kept),)) for base, rows in found.items()
        }  # fmt: skip
        if self.validation:
            self._choose(arrays, ctx)

    def project(self, base: str, slot: str, vectors: NDArray[Any]) -> NDArray[np.float32]:
        """Unit vectors of the first space.

        Raises:
            PluginError: The corpus was not kept yet, or there is no such space.
            DataError: The vectors are of another width.
        """
        if not self._sides:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        if base not in self._sides:
            raise PluginError(f"has no space {base!r}, but first and second", where=self.name)
        return self._joined(base, slot, vectors, self._meta.get("temperature", self.temperature))

    def state(self) -> State:
        """The shared corpus in both spaces, and how the temperature was chosen."""
        if not self._sides:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        return State({base: rows.parts[0] for base, rows in self._sides.items()}, self._meta)

    def load_state(self, state: State) -> None:
        """Become what was kept."""
        self._sides = {
            base: Rows(f"{self.bases[base].name}, shared", (np.asarray(state.arrays[base]),))
            for base in ("first", "second")
        }
        self._meta = dict(state.meta)

    def _joined(
        self, base: str, slot: str, vectors: NDArray[Any], temperature: float
    ) -> NDArray[np.float32]:
        """Unit vectors of the first space, at a temperature."""
        import torch
        from torch.nn.functional import normalize

        from mmbench_cmcr.aggregation import soft_values
        from mmbench_cmcr.threads import one_thread

        width = self._sides[base].width
        if vectors.shape[-1] != width:
            raise DataError(
                f"vectors of {slot} have {vectors.shape[-1]} numbers, and should have {width}",
                where=self.name,
            )
        flat = vectors.reshape(-1, width)
        out = np.empty((len(flat), self._sides["first"].width), dtype=np.float32)
        for start in range(0, len(flat), _CHUNK):
            chunk = np.array(flat[start : start + _CHUNK], dtype=np.float32)  # a copy: torch asks
            found = torch.from_numpy(chunk).to(self._device)
            if base == "second":
                with one_thread(self._device):
                    found = soft_values(
                        found, self._sides["second"], self._sides["first"],
                        temperature=temperature,
                    )  # fmt: skip
            out[start : start + len(chunk)] = normalize(found, dim=-1).cpu().numpy()
        return out.reshape(*vectors.shape[:-1], out.shape[1])

    def _choose(self, arrays: Mapping[str, NDArray[Any]], ctx: Context) -> None:
        """Take the temperature that is best on the validation pairs."""
        from dataclasses import asdict

        from mmbench_cmcr.selecting import best_of, score_temperatures

        junction = self.junction
        spaces = {base: ref.name for base, ref in self.bases.items()}
        requests = pair_requests(junction, (self.validation,))
        pairs = {
            base: rows.block(0, len(rows))
            for base, rows in collect_pairs(arrays, requests, spaces).items()
        }
        scores = score_temperatures(
            self.temperatures,
            self._joined("first", junction.first_leaf, pairs["first"], self.temperature),
            lambda t: self._joined("second", junction.second_leaf, pairs["second"], t),
            where=self.name,
        )
        best = best_of(scores)
        ctx.log.info(
            "%s: temperature %g of %d candidates, by %d pairs of %s: %s", self.name,
            best.temperature, len(scores), len(pairs["first"]), self.validation,
            "; ".join(map(str, scores)),
        )  # fmt: skip
        self._meta = {
            "temperature": best.temperature,
            "validation": self.validation,
            "pairs": len(pairs["first"]),
            "candidates": [asdict(each) for each in scores],
        }

    def _requests(self) -> dict[str, list[CorpusRequest]]:
        if not self.shared_corpus:
            raise UsageError(
                "no corpus is named in the option shared_corpus", where=self.name,
                fix="name one that both spaces encode, such as "
                "-o 'shared_corpus=[\"numbers/train/text\"]'",
            )  # fmt: skip
        junction = self.junction
        return {
            "first": corpus_requests("first", junction.shared, self.shared_corpus),
            "second": corpus_requests("second", junction.second_shared, self.shared_corpus),
        }
