"""Every choice a localization score depends on, the papers' presets, and what is refused and why.

The same heat maps give 47.9 or 50.0 cIoU under the rules of two papers, so no choice is implicit:
a preset spells out all of them, and a record carries them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from mmbench.metrics.boxes import FRAME, BoxFormat, GroundTruthKind
from mmbench.metrics.upsampling import Upsampling

if TYPE_CHECKING:
    from collections.abc import Mapping

Preset = Literal[
    "ezvsl",
    "lvs",
    "tie",
    "slavc",
    "slavc_relative",
    "avgn",
    "avgn_relative",
    "ssla",
    "ssla_lvs",
    "rvs",
    "acl",
    "dsol",
    "boxes",
    "turn",
    "cmcr",
]
"""Names in `PRESETS`."""

Prediction = Literal["heatmap", "boxes"]
"""What a model hands over. C-MCR and TURN predict one box, and nothing is thresholded."""

Normalisation = Literal["minmax", "one_minus_minmax_neg", "fixed_range", "none"]
"""Per map, `(x - min) / (max - min)`; LVS's `1 - minmax(-x)`; SLAVC's `(x + 1/tau) / (2/tau)`."""

Threshold = Literal[
    "median", "fixed", "fraction_of_max", "gt_size", "median_then_fixed", "sweep", "none"
]
"""How the cut is chosen; see `LocalizationOptions.threshold`."""

Comparison = Literal[">=", ">", "> or max"]
"""Which pixels at the cut count. LVS keeps a top plateau that its `>` alone would lose."""

EmptyTruth = Literal["zero", "skip"]
"""An item without a ground-truth pixel scores 0 and is listed, or takes no part."""

SWEEP = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""The thresholds ACL tries: 0.05, 0.10 .. 0.95."""


IMPLEMENTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "preset": get_args(Preset),
        "prediction": get_args(Prediction),
        "upsampling": get_args(Upsampling),
        "normalisation": get_args(Normalisation),
        "threshold": get_args(Threshold),
        "comparison": get_args(Comparison),
        "success_comparison": (">=", ">"),
        "empty_gt": get_args(EmptyTruth),
        "ground_truth": get_args(GroundTruthKind),
        "box_format": get_args(BoxFormat),
        "baseline": ("ones", "centre_square", "random"),
        "metric": ("ciou", "auc", "mean_ciou", "ciou_adaptive", "iiou"),
    }
)
"""Named values that are scored, by option."""

_READER = "is a choice of the dataset's reader, made before a model sees the item"
_NO_RULE = "is known for its published numbers; its evaluation rules are not documented"

REFUSED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "preset": {
            "senocak": "scores 20 x 20 maps by rules that its repository does not give",
            "sspl": _NO_RULE,
            "fnac": _NO_RULE,
            "ezvsl_ogl": "blends in an object-saliency map: blend in the representation",
            "slavc_ogl": "blends in an object-saliency map: blend in the representation",
        },
        "threshold": {
            "acl_first_median": "is a bug: ACL's thr=None reuses the first item's median for the "
            "rest of the batch"
        },
        "empty_gt": {"nan": "would leave 0 / 0 in the mean, as SSLalignment's code does"},
        "ground_truth": {
            "avgn_misread": "reads AVGN's [x, y, w, h] as corners, which empties 1,647 of 2,124 "
            "maps: use box_format='xywh'"
        },
        "metric": {
            "cap": "is AVGN's class-aware precision, whose definition could not be verified",
            "piap": "is AVGN's per-instance precision, whose definition could not be verified",
        },
        "frame": {"squash": _READER, "crop": _READER},
        "frame_time": {"frame_125": _READER, "centre": _READER},
        "frame_policy": {"one_box": _READER, "one_per_second": _READER},
        "audio": {
            "centre_3s": _READER,
            "first_10s": _READER,
            "segment_1s": _READER,
            "tile": _READER,
            "zero_pad": _READER,
        },
        "item_list": {
            "249": _READER,
            "250": _READER,
            "4692": _READER,
            "4911": _READER,
            "5158": _READER,
            "heard": _READER,
            "unheard": _READER,
        },
    }
)
"""Named values that are not scored here, with the reason that the error gives."""


def check_option(name: str, value: str) -> None:
    """Refuse a named choice that is not implemented, saying why.

    Args:
        name: Option, such as `upsampling` or `frame`.
        value: The value asked for.

    Raises:
        ValueError: The value is refused (the message has the reason) or unknown (the message has
            the values there are).
    """
    if value in IMPLEMENTED.get(name, ()):
        return
    reason = REFUSED.get(name, {}).get(value)
    if reason is not None:
        raise ValueError(f"{name}={value!r} {reason}")
    known = [*IMPLEMENTED.get(name, ()), *REFUSED.get(name, {})]
    if not known:
        raise ValueError(f"unknown localization option {name!r}")
    raise ValueError(f"unknown {name} {value!r}: choose one of {', '.join(known)}")


@dataclass(frozen=True)
class LocalizationOptions:
    """One full set of rules from heat map to cIoU.

    Attributes:
        prediction: `heatmap`, or `boxes`, for which only the frame, success and empty-truth rules
            matter.
        upsampling: Rule that brings maps to the frame.
        normalisation: Done after upsampling. A constant map is left as it is by the two min-max
            rules.
        tau: Temperature for `fixed_range`: maps are cosine / tau. 1 for plain cosines, which
            gives the same scores.
        threshold: `median`: the element `sorted[int(P * threshold_value)]` of a map's P pixels.
            `fixed`: `threshold_value`. `fraction_of_max`: that share of the map's maximum.
            `gt_size`: `sorted[P - n]` for n non-zero ground-truth pixels (n = P // 2 if none), so
            that the mask has the truth's area. `median_then_fixed`: pixels under the median are
            dropped, then `threshold_value` (RVS). `sweep`: the one of 0.05 .. 0.95 with the
            highest AUC over the whole collection (ACL; chosen on the test data, so optimistic).
            `none`: maps are masks already, positive where above 0.
        threshold_value: Its parameter.
        comparison: Whether a pixel equal to the threshold is in the mask. `> or max`: above the
            threshold, or at the map's maximum.
        success_at: cIoU from which an item is a success.
        success_comparison: `>=`, or `>` (SLAVC's `precision_at_50`).
        empty_gt: What becomes of items without ground truth.
        size: Side of the evaluation frame, in pixels.
    """

    prediction: Prediction = "heatmap"
    upsampling: Upsampling = "torch_bilinear_align_corners"
    normalisation: Normalisation = "minmax"
    tau: float = 1.0
    threshold: Threshold = "median"
    threshold_value: float = 0.5
    comparison: Comparison = ">="
    success_at: float = 0.5
    success_comparison: Literal[">=", ">"] = ">="
    empty_gt: EmptyTruth = "zero"
    size: int = FRAME

    def __post_init__(self) -> None:
        for name, choices in IMPLEMENTED.items():
            if name in _FIELDS and getattr(self, name) not in choices:
                check_option(name, getattr(self, name))
        if self.tau <= 0 or self.size < 1 or not 0 < self.success_at <= 1:
            raise ValueError(
                "tau and size must be positive and success_at in (0, 1], not "
                f"{self.tau}, {self.size} and {self.success_at}"
            )
        if self.threshold in ("median", "median_then_fixed") and not 0 <= self.threshold_value < 1:
            raise ValueError(
                f"threshold_value of {self.threshold!r} must be in [0, 1), not "
                f"{self.threshold_value}"
            )


_FIELDS = frozenset(field.name for field in fields(LocalizationOptions))

_LVS = LocalizationOptions(
    prediction="heatmap",
    upsampling="cv2_bilinear",
    normalisation="one_minus_minmax_neg",
    tau=1.0,
    threshold="median",
    threshold_value=0.5,
    comparison="> or max",
    success_at=0.5,
    success_comparison=">=",
    empty_gt="zero",
    size=FRAME,
)
_EZVSL = replace(
    _LVS,
    upsampling="torch_bilinear_align_corners",
    normalisation="minmax",
    comparison=">=",
)
_SLAVC = replace(
    _EZVSL,
    upsampling="torch_bicubic_align_corners",
    normalisation="fixed_range",
    threshold="fixed",
)
_SLAVC_RELATIVE = replace(_SLAVC, normalisation="minmax", threshold="median")
_BOXES = replace(
    _EZVSL, prediction="boxes", upsampling="none", normalisation="none", threshold="none"
)

PRESETS: Mapping[Preset, LocalizationOptions] = MappingProxyType(
    {
        "ezvsl": _EZVSL,
        "lvs": _LVS,
        "tie": _LVS,  # SSL-TIE evaluates by LVS's rules
        "slavc": _SLAVC,
        "slavc_relative": _SLAVC_RELATIVE,  # its flag --relative_prediction
        "avgn": _SLAVC,
        "avgn_relative": _SLAVC_RELATIVE,
        # SSLalignment compares by `>`: a constant map gives an empty mask. `ssla` upsamples as
        # EZ-VSL, `ssla_lvs` as LVS: the repository has both, by the method it evaluates.
        "ssla": replace(_EZVSL, comparison=">"),
        "ssla_lvs": replace(_LVS, comparison=">"),
        "rvs": replace(
            _LVS, normalisation="minmax", threshold="median_then_fixed", comparison=">="
        ),
        "acl": replace(_EZVSL, upsampling="none", normalisation="none", threshold="sweep"),
        "dsol": replace(
            _LVS,
            normalisation="none",
            threshold="fraction_of_max",
            threshold_value=0.1,
            comparison=">",
        ),
        "boxes": _BOXES,
        "turn": _BOXES,
        "cmcr": _BOXES,
    }
)
"""What each paper's evaluation code does. `ezvsl` is the default."""

DEFAULT_PRESET: Preset = "ezvsl"


def localization_options(
    preset: Preset | str = DEFAULT_PRESET, **changes: Any
) -> LocalizationOptions:
    """Return a preset with named changes.

    Args:
        preset: A name in `PRESETS`.
        changes: Fields of `LocalizationOptions` to set otherwise.

    Returns:
        The full set of rules.

    Raises:
        ValueError: An unknown or refused preset, option or value.
    """
    check_option("preset", preset)
    for name, value in changes.items():
        if name not in _FIELDS:
            check_option(name, value)
            raise ValueError(
                f"{name!r} is not a rule of the score itself: it belongs to the ground truth or "
                f"the report. Rules are {', '.join(sorted(_FIELDS))}"
            )
    return replace(PRESETS[cast("Preset", preset)], **changes)
