"""Counterfactual audio-image recognition: derive from :class:`CounterfactualTask`.

Is what is heard in the picture at all, and where? Scenes whose sound belongs to the picture, and
scenes whose sound does not. ``slavc`` counts a detection only where the source is also found (cIoU
0.5); ``pair`` asks for recognition alone. They are different figures, so both are reported.

Source: Ex-VGGSS and Ex-FlickrNet through SLAVC's evaluator (Mo and Morgado 2022); C-MCR reports
"AP" and "max-F1" on them without saying which of the two.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import (
    Evaluation,
    ItemTable,
    MetricInfo,
    NotApplicable,
    Offers,
    Request,
    ScoreInputs,
    Task,
    TaskInfo,
    UsageError,
)
from mmbench.protocols.localization_rules import column, ground_truth, listed, rules
from mmbench.protocols.similarity import pair_similarity, similarity_maps, turned

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api.task import Level
    from mmbench.metrics.boxes import GroundTruth
    from mmbench.metrics.localization_options import LocalizationOptions

    Floats = NDArray[np.float64]

__all__ = ["CounterfactualTask"]

#: Seed of the random baseline: one for all records, so that it moves with the data alone.
BASELINE_SEED = 0
#: cIoU from which a source counts as found.
FOUND_AT = 0.5

_SLAVC = (
    MetricInfo(
        "slavc AP",
        ("boxes_count", "ciou", "confidence"),
        aggregator="slavc_ap",
        description="SLAVC's detection AP on every (N // 200)-th confidence: a positive with "
        "cIoU < 0.5 is a false alarm and leaves recall's denominator, so AP may exceed LocAcc",
    ),
    MetricInfo(
        "slavc max-F1",
        ("boxes_count", "ciou", "confidence"),
        aggregator="slavc_max_f1",
        description="SLAVC's best detection F1, of the same counts as slavc AP, over every "
        "(N // 10)-th confidence",
    ),
    MetricInfo(
        "LocAcc",
        ("found",),
        description="SLAVC's share of positives with cIoU >= 0.5, at any confidence",
    ),
)
_PAIR = (
    MetricInfo(
        "pair AP",
        ("score", "label"),
        aggregator="average_precision",
        description="average precision (scikit-learn's) of the similarity, matched or not; no "
        "localization",
    ),
    MetricInfo(
        "pair max-F1",
        ("score", "label"),
        aggregator="max_f1",
        description="best F1 of matched or not over all thresholds of the similarity; no "
        "localization",
    ),
)


class CounterfactualTask(Task):
    """Scenes whose sound belongs to the picture, against scenes whose sound does not.

    A subclass gives ``name``, ``version`` and :meth:`collections` with ``"positives"``, which have
    a column ``boxes``, and ``"negatives"``, whose boxes (if any) are not looked at.

    SLAVC's AP is no textbook AP of detections. A positive whose source is not found (cIoU below
    0.5) counts as a false alarm where its confidence passes, and is missed only where it does not;
    so it leaves the recall's denominator, recall reaches 1 wherever sources are found at all, and
    AP can exceed LocAcc. Counting unfound sources as missed gives a lower figure, leaving out the
    condition on cIoU (``pair``) mostly a higher one; neither compares with SLAVC's tables.

    Args:
        mode: ``slavc`` (needs dense maps), ``pair``, or ``both`` side by side.
        confidence: For ``slavc``: the mean of the ``top_quarter`` of the map, as SLAVC has it, or
            the similarity of the ``global`` vectors.
        preset: Whose rules bring a map to a mask, see ``mmbench.metrics.localization_options``.
            Each further option changes one rule of the preset; None keeps it.
        image: The stream of pictures.
        audio: The stream of sounds.
        upsampling: How a map is brought to the frame.
        normalisation: Of each map, before the threshold. The confidence is always taken from
            maps that stay comparable: normalised by ``fixed_range``, or not at all.
        tau: Temperature of the maps, for ``fixed_range``.
        threshold: How the cut is chosen.
        threshold_value: Its parameter.
        comparison: Whether a pixel at the cut counts.
        box_format: ``xyxy`` or ``xywh``.
        box_extent: What the far border is called in the boxes: 1, or 256 for Flickr-SoundNet's.
        ground_truth: ``union`` of an item's boxes, or ``consensus`` of annotators with a box each.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Keys of the collections that are scored.
    positives = "positives"
    negatives = "negatives"
    #: The positives' column with annotated boxes.
    boxes = "boxes"

    def __init__(
        self,
        *,
        mode: Literal["both", "slavc", "pair"] = "both",
        confidence: Literal["top_quarter", "global"] = "top_quarter",
        preset: str = "slavc",
        image: str = "image",
        audio: str = "audio",
        upsampling: str | None = None,
        normalisation: str | None = None,
        tau: float | None = None,
        threshold: str | None = None,
        threshold_value: float | None = None,
        comparison: str | None = None,
        box_format: Literal["xyxy", "xywh"] = "xyxy",
        box_extent: float = 1.0,
        ground_truth: Literal["union", "consensus"] = "union",
    ) -> None:
        if mode != "both":
            _check_mode(mode, self.name)
        self.mode = mode
        self.confidence = confidence
        self.preset = preset
        self.image = image
        self.audio = audio
        self.options = rules(
            preset,
            where=self.name,
            upsampling=upsampling,
            normalisation=normalisation,
            tau=tau,
            threshold=threshold,
            threshold_value=threshold_value,
            comparison=comparison,
        )
        if self.options.prediction != "heatmap":
            raise UsageError(f"preset {preset!r} is for boxes, not heat maps", where=self.name)
        self.box_format = box_format
        self.box_extent = box_extent
        self.ground_truth = ground_truth

    @property
    def info(self) -> TaskInfo:
        """Figures of both modes, or of the one asked for."""
        metrics = (_SLAVC if self._detects else ()) + (_PAIR if self._recognises else ())
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="counterfactual",
            primary=metrics[0].name,
            metrics=metrics,
            citation=self.citation,
            description=self.description,
        )

    def requests(self, offers: Offers) -> list[Request]:
        """Of both collections, a sound's vector and a dense map, a picture's vector, or both.

        Raises:
            NotApplicable: There are no dense maps, and the mode needs them.
        """
        found = []
        for side in (self.positives, self.negatives):
            found.append(Request(f"{side}:sound", side, (self.audio,)))
            if self._detects:
                if not offers.offered(side, (self.image,), "dense"):
                    raise NotApplicable(
                        f"no dense embeddings of {self.image}, which mode={self.mode!r} needs",
                        fix="mode='pair' does without",
                    )
                found.append(Request(f"{side}:map", side, (self.image,), kind="dense"))
            if self._compares:
                found.append(Request(f"{side}:picture", side, (self.image,)))
        return found

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Overlap, confidence and similarity, item by item: positives, then negatives.

        Raises:
            ValueError: NaN, zero or constant embeddings: errors, not numbers.
            DataError: Boxes that can't be read.
        """
        import numpy as np

        columns: dict[str, Any] = {"label": self._labels(inputs)}
        notes: list[str] = []
        if self._compares:
            columns["score"] = np.concatenate(
                [self._similarity(inputs, side) for side in (self.positives, self.negatives)]
            )
        if self._detects:
            ciou, sure, empty = self._located(inputs)
            if self.confidence == "global":
                sure = columns["score"]
            columns |= self._detected(inputs, ciou, sure)
            ids = inputs.tables[self.positives].ids
            notes = listed("empty ground truth", ids, empty)
        parameters: dict[str, Any] = {
            "mode": self.mode,
            "confidence": self.confidence,
            "preset": self.preset,
        }
        parameters |= {**asdict(self.options), "baseline_seed": BASELINE_SEED}
        ids = [
            f"{side}/{item}"
            for side in (self.positives, self.negatives)
            for item in inputs.tables[side].ids
        ]
        return Evaluation({"items": ItemTable(ids, columns)}, {}, parameters, tuple(notes))

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """What a system that knows gets at this N and by these rules; chance; trivial masks.

        ``chance`` ranks at random: prevalence for AP in closed form, and the F1 of accepting
        everything. For SLAVC's figures it is a seeded draw of maps and confidences. The ceiling
        of SLAVC's AP lies below 1: 0.96 at 50 + 50 items, even for a perfect system.
        """
        labels = self._labels(inputs)
        levels: dict[str, dict[str, float]] = {"ceiling": {}, "chance": {}}
        if self._recognises:
            levels["ceiling"] |= {"pair AP": 1.0, "pair max-F1": 1.0}
            levels["chance"] |= _chance(labels)
        if self._detects:
            for level, found in self._detection_levels(inputs).items():
                levels.setdefault(level, {}).update(found)
        return levels

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """Maps that know the boxes and are low everywhere in negatives; noise; or all alike."""
        import numpy as np

        from mmbench.protocols.localization_levels import perfect_maps

        found: dict[str, Any] = {}
        for side in (self.positives, self.negatives):
            count = len(inputs.tables[side])
            sound = rng.standard_normal((count, 2)).astype(np.float32)
            found[f"{side}:sound"] = sound
            if self._compares:
                picture = rng.standard_normal((count, 2)).astype(np.float32)
                if level == "perfect" and side == self.positives:
                    picture = turned(sound, self._rising(inputs)[:, None, None])[:, 0, 0]
                elif level == "perfect":
                    picture = -sound
                found[f"{side}:picture"] = picture
            if self._detects:
                cells = rng.standard_normal((count, 7, 7, 2)).astype(np.float32)
                if level == "perfect" and side == self.positives:
                    # each map at a level of its own: ties cost AP
                    level_of = np.linspace(0.9, 1.0, count, dtype=np.float32)[:, None, None]
                    cosines = perfect_maps(self._truth(inputs), self.options) * level_of
                    cells = turned(sound, cosines)
                elif level == "perfect":
                    size = self.options.size if self.options.upsampling == "none" else 2
                    cells = turned(sound, np.full((count, size, size), -1, dtype=np.float32))
                found[f"{side}:map"] = cells
        if level == "constant":
            return {name: np.ones_like(values) for name, values in found.items()}
        return found

    def _rising(self, inputs: ScoreInputs) -> NDArray[np.float32]:
        """A similarity near 1 a positive: no two alike, since ties cost AP."""
        import numpy as np

        from mmbench.protocols.localization_levels import attainable_ciou

        order = np.arange(len(inputs.tables[self.positives]))
        if self._detects:  # what the rules let nobody find is a false alarm: it comes last
            best, _ = attainable_ciou(self._truth(inputs), self.options)
            order = np.argsort(best >= FOUND_AT, kind="stable")
        levels = np.empty(len(order), dtype=np.float32)
        levels[order] = np.linspace(0.9, 1.0, len(order), dtype=np.float32)
        return levels

    @property
    def _detects(self) -> bool:
        return self.mode in ("both", "slavc")

    @property
    def _recognises(self) -> bool:
        return self.mode in ("both", "pair")

    @property
    def _compares(self) -> bool:
        """Whether whole pictures are compared with sounds."""
        return self._recognises or self.confidence == "global"

    def _labels(self, inputs: ScoreInputs) -> NDArray[np.int64]:
        """1 for every positive, then 0 for every negative."""
        import numpy as np

        counts = [len(inputs.tables[side]) for side in (self.positives, self.negatives)]
        return np.repeat(np.array([1, 0], dtype=np.int64), counts)

    def _truth(self, inputs: ScoreInputs) -> GroundTruth:
        return ground_truth(
            column(inputs.tables[self.positives].columns, self.boxes, self.positives),
            box_format=self.box_format,
            extent=self.box_extent,
            kind=self.ground_truth,
            size=self.options.size,
        )

    def _similarity(self, inputs: ScoreInputs, side: str) -> Floats:
        """Of each item's picture and sound."""
        import numpy as np

        pictures, sounds = (inputs.arrays[f"{side}:{what}"] for what in ("picture", "sound"))
        rows = np.arange(len(inputs.tables[side]))
        return pair_similarity(pictures, sounds, rows, similarity=inputs.similarity)

    def _located(self, inputs: ScoreInputs) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """The positives' cIoU, all confidences by map, and which positives have no truth."""
        import numpy as np

        from mmbench.metrics.confidence import slavc_confidence
        from mmbench.metrics.localization import score_maps

        maps = {
            side: similarity_maps(
                inputs.arrays[f"{side}:map"],
                inputs.arrays[f"{side}:sound"],
                similarity=inputs.similarity,
            )
            for side in (self.positives, self.negatives)
        }
        scores = score_maps(maps[self.positives], self._truth(inputs), self.options, adaptive=False)
        comparable = _comparable(self.options)
        sure = [slavc_confidence(maps[side], comparable) for side in maps]
        return scores.ciou, np.concatenate(sure), scores.empty_gt

    def _detected(self, inputs: ScoreInputs, ciou: Floats, sure: Any) -> dict[str, Any]:
        """The columns of SLAVC's figures; negatives have no box and no overlap."""
        import numpy as np

        table = inputs.tables[self.positives]
        boxes = [len(each) for each in column(table.columns, self.boxes, self.positives)]
        rest = len(inputs.tables[self.negatives])
        found = np.where(np.array(boxes) > 0, ciou >= FOUND_AT, np.nan)
        return {
            "boxes_count": np.concatenate([boxes, np.zeros(rest, dtype=np.int64)]),
            "ciou": np.concatenate([ciou, np.zeros(rest)]),
            "confidence": np.asarray(sure),
            "found": np.concatenate([found, np.full(rest, np.nan)]),
        }

    def _detection_levels(self, inputs: ScoreInputs) -> dict[str, dict[str, float]]:
        """SLAVC's figures of trivial systems and of one that knows."""
        import numpy as np

        from mmbench.metrics.aggregation import aggregate
        from mmbench.protocols import localization_levels as trivial

        truth, labels = self._truth(inputs), self._labels(inputs)
        best, _ = trivial.attainable_ciou(truth, self.options)
        # Found sources first, then those that the rules let nobody find, then what is not there.
        ranks = np.zeros(len(labels))
        ranks[labels == 1] = 1 + (best >= FOUND_AT)
        knowing = self._detected(inputs, best, ranks + np.arange(len(ranks)) / (4 * len(ranks)))
        rng = np.random.default_rng(BASELINE_SEED)
        chance = trivial.random_scores(truth, self.options, BASELINE_SEED, adaptive=False)
        guessing = self._detected(inputs, chance.ciou, rng.random(len(labels)))
        levels = {
            level: {
                metric.name: aggregate(metric.aggregator, [has[name] for name in metric.columns])
                for metric in _SLAVC
            }
            for level, has in (("ceiling", knowing), ("chance", guessing))
        }
        for level, scored in (
            ("all ones", trivial.constant_scores(truth, self.options)),
            ("centre square", trivial.square_scores(truth, self.options)),
        ):
            found = self._detected(inputs, scored.ciou, ranks)["found"]
            levels[level] = {"LocAcc": aggregate("mean", [found])}
        return levels


def _check_mode(mode: str, where: str) -> None:
    """Refuse a mode that is unknown, or known and not scored, with the reason."""
    from mmbench.metrics.recognition import check_mode

    try:
        check_mode(mode)
    except ValueError as error:
        raise UsageError(str(error), where=where) from error


def _comparable(options: LocalizationOptions) -> LocalizationOptions:
    """The rules under which maps of different items may be compared by their level."""
    if options.normalisation in ("fixed_range", "none"):
        return options
    return replace(options, normalisation="fixed_range")


def _chance(labels: NDArray[np.int64]) -> dict[str, float]:
    """Expected AP of a random ranking of N items, P of them positive; F1 of accepting all.

    AP = (1 / N) sum_i (1 / i) (1 + (i - 1)(P - 1) / (N - 1)), a little above the prevalence P / N.
    """
    import numpy as np

    n, p = len(labels), int(labels.sum())
    ranks = np.arange(1, n + 1)
    precision = (1 + (ranks - 1) * (p - 1) / max(n - 1, 1)) / ranks
    return {"pair AP": float(precision.mean()), "pair max-F1": 2 * p / (n + p)}
