"""Sound source localization by heat map or box: derive from :class:`LocalizationTask`.

Source: VGG-SS and Flickr-SoundNet through the evaluators of EZ-VSL, LVS, SLAVC and SSLalignment;
MUSIC-Solo through DSOL's; predicted boxes as in TURN and C-MCR. Where they disagree each variant is
an option; the presets spell all of them out.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import (
    Evaluation,
    ItemTable,
    MetricInfo,
    Offers,
    Request,
    ScoreInputs,
    Task,
    TaskInfo,
    UsageError,
)
from mmbench.protocols.localization_rules import column, ground_truth, listed, rules
from mmbench.protocols.proposals import (
    BoxGrid,
    best_by_item,
    best_proposals,
    crops_of,
    parent_rows,
    proposal_ciou,
    proposed_boxes,
)
from mmbench.protocols.similarity import pair_similarity, similarity_maps, turned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Collection, Datasets
    from mmbench.api.task import Level
    from mmbench.metrics.boxes import GroundTruth

__all__ = ["LocalizationTask"]

#: Seed of the random baseline: one for all records, so that it moves with the data alone.
BASELINE_SEED = 0
#: cIoU from which AVGN counts a success, reported beside the 0.5 of all others.
LOOSE = 0.3


class LocalizationTask(Task):
    """Where in the picture is what is heard?

    A subclass gives ``name``, ``version`` and :meth:`sources` with a collection ``"scenes"`` that
    has a column ``boxes``: per scene a list of annotated boxes.

    Args:
        prediction: ``heatmap``: cosines of the sound with each cell of the picture's dense map.
            ``boxes``: proposals are cut out and encoded, and the one most like the sound is the
            mask, with no threshold.
        preset: Whose rules bring a map to a mask, see ``mmbench.metrics.localization_options``;
            None = ``ezvsl`` for heat maps, ``boxes`` for boxes. Each further option changes one
            rule of the preset; None keeps it.
        image: The stream of pictures.
        audio: The stream of sounds.
        upsampling: How a map is brought to the frame.
        normalisation: Of each map.
        tau: Temperature of the maps, for ``fixed_range``.
        threshold: How the cut is chosen.
        threshold_value: Its parameter.
        comparison: Whether a pixel at the cut counts.
        success_at: cIoU that makes a success.
        success_comparison: ``>=`` or ``>``.
        skip_empty_gt: Leave items without a ground-truth pixel out (DSOL) instead of scoring 0.
        box_format: ``xyxy`` or ``xywh``.
        box_extent: What the far border is called in the boxes: 1, or 256 for Flickr-SoundNet's.
        ground_truth: ``union`` of an item's boxes, or ``consensus`` of annotators with a box each.
        proposals: ``grid``, or the scenes' ``column`` ``proposals`` (normalised x1, y1, x2, y2).
        proposal_scales: Sides of the grid's boxes, as shares of the frame.
        proposal_stride: Greatest distance between neighbours, as a share of their side.
        proposal_jitter: How far the grid moves by item.
        proposal_seed: Seed of that.
        ties: Which of several boxes with the best similarity is taken.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Key of the collection that is scored.
    scenes = "scenes"
    #: Its column with annotated boxes, and the one with proposed boxes.
    boxes = "boxes"
    proposal_column = "proposals"

    def __init__(
        self,
        *,
        prediction: Literal["heatmap", "boxes"] = "heatmap",
        preset: str | None = None,
        image: str = "image",
        audio: str = "audio",
        upsampling: str | None = None,
        normalisation: str | None = None,
        tau: float | None = None,
        threshold: str | None = None,
        threshold_value: float | None = None,
        comparison: str | None = None,
        success_at: float | None = None,
        success_comparison: str | None = None,
        skip_empty_gt: bool = False,
        box_format: Literal["xyxy", "xywh"] = "xyxy",
        box_extent: float = 1.0,
        ground_truth: Literal["union", "consensus"] = "union",
        proposals: Literal["grid", "column"] = "grid",
        proposal_scales: tuple[float, ...] = (0.9, 0.6, 0.4, 0.25),
        proposal_stride: float = 0.5,
        proposal_jitter: float = 0.5,
        proposal_seed: int = 0,
        ties: Literal["largest", "smallest"] = "largest",
    ) -> None:
        self.prediction = prediction
        self.preset = preset or ("boxes" if prediction == "boxes" else "ezvsl")
        self.image = image
        self.audio = audio
        self.options = rules(
            self.preset,
            where=self.name,
            upsampling=upsampling,
            normalisation=normalisation,
            tau=tau,
            threshold=threshold,
            threshold_value=threshold_value,
            comparison=comparison,
            success_at=success_at,
            success_comparison=success_comparison,
            empty_gt="skip" if skip_empty_gt else None,
        )
        if self.options.prediction != prediction:
            raise UsageError(
                f"preset {self.preset!r} is for prediction={self.options.prediction!r}, "
                f"not {prediction!r}",
                where=self.name,
                fix="leave the preset out, or name one of the other kind",
            )
        self.box_format = box_format
        self.box_extent = box_extent
        self.ground_truth = ground_truth
        self.proposals = proposals
        self.grid = BoxGrid(proposal_scales, proposal_stride, proposal_jitter, proposal_seed)
        self.ties = ties

    @property
    def info(self) -> TaskInfo:
        """cIoU, its AUC and mean, and for heat maps the same with the truth's area."""
        at = self.options.success_at
        share = f"share of items with cIoU {self.options.success_comparison} "
        formula = "cIoU = sum(P G) / (sum(G) + sum(P outside G)), mask P, truth G"
        metrics = [
            MetricInfo(
                f"cIoU@{at:g}",
                ("success",),
                ladder=("cIoU", -at),
                description=f"{share}{at:g}; {formula}",
            )
        ]
        if at != LOOSE:
            metrics.append(
                MetricInfo(
                    f"cIoU@{LOOSE:g}",
                    ("loose_success",),
                    ladder=("cIoU", -LOOSE),
                    description=f"{share}{LOOSE:g}",
                )
            )
        metrics += [
            MetricInfo(
                "AUC",
                ("auc",),
                description="trapezoid over x = 0, 0.05 .. 1 of the share of items with cIoU >= x",
            ),
            MetricInfo("mean cIoU", ("ciou",), description=f"mean over items of {formula}"),
        ]
        if self.prediction == "heatmap":
            metrics += [
                MetricInfo(
                    f"adaptive cIoU@{at:g}",
                    ("success_adaptive",),
                    description=f"{share}{at:g}, the mask having the truth's area (SSLalignment's "
                    "cIoU_adap)",
                ),
                MetricInfo(
                    "adaptive AUC",
                    ("auc_adaptive",),
                    description="AUC, the mask having the truth's area (SSLalignment's rule)",
                ),
            ]
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="localization",
            primary=metrics[0].name,
            metrics=tuple(metrics),
            citation=self.citation,
            description=self.description,
        )

    def sources(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The scenes under the key ``"scenes"``, and whatever a representation may learn from."""
        raise NotImplementedError

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The sources, and for boxes the proposals cut out of the scenes."""
        found = dict(self.sources(datasets))
        if self.prediction == "boxes":
            scenes = found[self.scenes]
            if self.proposals == "grid":
                proposed: Sequence[Any] = [self.grid.boxes(item) for item in scenes.ids]
            else:
                proposed = column(scenes.columns, self.proposal_column, scenes.name)
            found["crops"] = crops_of(scenes, self.image, proposed)
        return found

    def requests(self, offers: Offers) -> list[Request]:
        """A dense map and a sound's vector a scene; or a vector of each crop instead of the map."""
        sound = Request("sound", self.scenes, (self.audio,))
        if self.prediction == "boxes":
            return [Request("crop", "crops", (self.image,)), sound]
        return [Request("map", self.scenes, (self.image,), kind="dense"), sound]

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Every item's cIoU and what follows from it.

        Raises:
            ValueError: NaN or constant embeddings: errors, not numbers.
            DataError: Boxes that can't be read.
        """
        table = inputs.tables[self.scenes]
        truth = self.truth(table)
        parameters = {"preset": self.preset, **asdict(self.options), "baseline_seed": BASELINE_SEED}
        if self.prediction == "boxes":
            columns, bare, empty = self._score_boxes(inputs, truth)
            notes = listed("no proposal could be encoded, so left out", table.ids, bare)
        else:
            from mmbench.metrics.localization import score_maps

            arrays = inputs.arrays
            maps = similarity_maps(arrays["map"], arrays["sound"], similarity=inputs.similarity)
            scores = score_maps(maps, truth, self.options)
            columns, notes, empty = self._columns(scores.ciou), [], scores.empty_gt
            columns |= self._columns(scores.ciou_adaptive, "_adaptive")
            if scores.threshold is not None:
                parameters["swept_threshold"] = scores.threshold
        notes += listed("empty ground truth", table.ids, empty)
        columns["empty_gt"] = empty
        return Evaluation({"items": ItemTable(table.ids, columns)}, {}, parameters, tuple(notes))

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """All ones, a centred square, chance, and what the rules and proposals let one reach.

        Under the adaptive rule the centred square has the ground truth's area. ``random`` is a map
        of uniform cosines, or the expectation over an item's proposals.
        """
        import numpy as np

        from mmbench.protocols import localization_levels as trivial

        truth, options = self.truth(inputs.tables[self.scenes]), self.options
        ones = trivial.constant_scores(truth, options)
        levels = {
            "all ones": self._columns(ones.ciou),
            "centre square": self._columns(trivial.square_scores(truth, options).ciou),
        }
        if self.prediction == "boxes":
            levels |= self._proposal_levels(inputs, truth)
        else:
            if options.comparison != ">":  # there a constant map is an empty mask
                levels["all ones"] |= self._columns(ones.ciou, "_adaptive")
            fitted = trivial.fitted_square_scores(truth, options)
            levels["centre square"] |= self._columns(fitted.ciou, "_adaptive")
            chance = trivial.random_scores(truth, options, BASELINE_SEED)
            levels["random maps"] = self._columns(chance.ciou)
            levels["random maps"] |= self._columns(chance.ciou_adaptive, "_adaptive")
            unscored = np.isnan(ones.ciou)
            best, adapted = trivial.attainable_ciou(truth, options)
            levels["ceiling"] = self._columns(np.where(unscored, np.nan, best))
            levels["ceiling"] |= self._columns(np.where(unscored, np.nan, adapted), "_adaptive")
        return {level: self._means(columns) for level, columns in levels.items()}

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """Maps in the frame's size that reach the ceiling (perfect), noise, or all alike."""
        import numpy as np

        from mmbench.protocols.localization_levels import perfect_maps

        table = inputs.tables[self.scenes]
        sound = rng.standard_normal((len(table), 2)).astype(np.float32)
        if self.prediction == "boxes":
            crops = inputs.tables["crops"]
            crop = rng.standard_normal((len(crops), 2)).astype(np.float32)
            if level == "perfect":
                item = parent_rows(crops["parent"], table.ids)
                proposed, order = proposed_boxes(crops["box"], item, len(table), self.options.size)
                best = best_by_item(proposal_ciou(proposed, self.truth(table)), item[order])
                crop = -sound[item]
                crop[order[best]] *= -1
            found = {"crop": crop, "sound": sound}
        elif level == "perfect":
            cosines = perfect_maps(self.truth(table), self.options)
            found = {"map": turned(sound, cosines), "sound": sound}
        else:
            cells = rng.standard_normal((len(table), 7, 7, 2)).astype(np.float32)
            found = {"map": cells, "sound": sound}
        if level == "constant":
            return {name: np.ones_like(values) for name, values in found.items()}
        return found

    def truth(self, table: ItemTable) -> GroundTruth:
        """The ground truth of scenes, by the task's options."""
        return ground_truth(
            column(table.columns, self.boxes, self.scenes),
            box_format=self.box_format,
            extent=self.box_extent,
            kind=self.ground_truth,
            size=self.options.size,
        )

    def _columns(self, ciou: Any, suffix: str = "") -> dict[str, Any]:
        """Columns that follow from cIoU; NaN (takes no part) stays NaN."""
        import numpy as np

        from mmbench.metrics.localization import auc_items

        reaches = np.greater if self.options.success_comparison == ">" else np.greater_equal

        def success(at: float) -> NDArray[np.float64]:
            return np.where(np.isnan(ciou), np.nan, reaches(ciou, at).astype(np.float64))

        return {
            f"ciou{suffix}": ciou,
            f"success{suffix}": success(self.options.success_at),
            f"loose_success{suffix}": success(LOOSE),
            f"auc{suffix}": auc_items(ciou),
        }

    def _means(self, columns: Mapping[str, Any]) -> dict[str, float]:
        """The metrics that these columns suffice for."""
        from mmbench.metrics.aggregation import aggregate

        return {
            metric.name: aggregate(metric.aggregator, [columns[name] for name in metric.columns])
            for metric in self.info.metrics
            if all(name in columns for name in metric.columns)
        }

    def _score_boxes(
        self, inputs: ScoreInputs, truth: GroundTruth
    ) -> tuple[dict[str, Any], NDArray[np.bool_], NDArray[np.bool_]]:
        """Columns of the chosen boxes, and which items have no proposal, or no ground truth."""
        import numpy as np

        from mmbench.metrics.boxes import box_set
        from mmbench.metrics.localization import score_boxes

        table, crops = inputs.tables[self.scenes], inputs.tables["crops"]
        item = parent_rows(crops["parent"], table.ids)
        scores = pair_similarity(
            inputs.arrays["crop"], inputs.arrays["sound"], item, similarity=inputs.similarity
        )
        boxes = np.asarray(crops["box"], dtype=np.float64)
        area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).round(9)
        chosen = best_proposals(scores, item, area, len(table), self.ties)
        bare = chosen < 0
        picked = [[] if row < 0 else [boxes[row]] for row in chosen]
        predicted = box_set(picked, box_format="xyxy", size=self.options.size)
        found = score_boxes(predicted, truth, self.options)
        columns = self._columns(np.where(bare, np.nan, found.ciou))
        columns["box"] = [None if row < 0 else boxes[row].tolist() for row in chosen]
        columns["similarity"] = np.where(bare, np.nan, scores[chosen])
        return columns, bare, found.empty_gt

    def _proposal_levels(
        self, inputs: ScoreInputs, truth: GroundTruth
    ) -> dict[str, dict[str, Any]]:
        """The expectation over a random proposal, and the best proposal of each item."""
        import numpy as np

        table, crops = inputs.tables[self.scenes], inputs.tables["crops"]
        rows = parent_rows(crops["parent"], table.ids)
        proposed, order = proposed_boxes(crops["box"], rows, len(table), self.options.size)
        item, ciou = rows[order], proposal_ciou(proposed, truth)
        if self.options.empty_gt == "skip":
            empty = np.array([not truth.maps(row, row + 1).any() for row in range(len(truth))])
            ciou = np.where(empty[item], np.nan, ciou)
        counts = np.bincount(item)
        present = counts > 0
        random = {
            name: np.bincount(item, weights=values)[present] / counts[present]
            for name, values in self._columns(ciou).items()
        }
        return {"random boxes": random, "ceiling": self._columns(ciou[best_by_item(ciou, item)])}
