"""Where CMU-MOSEI and CMU-MOSI have their files, by variant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mmbench_affect.files import first_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["MOSEI", "MOSI", "Layout", "Variant"]

Variant = Literal["auto", "mult", "mmsa", "mult-noalign", "mmsa-unaligned", "csd", "csd-unaligned"]

#: Variants in the order of ``auto``; ``csd-unaligned`` reads the files of ``csd``.
_ORDER: tuple[Variant, ...] = ("mult", "mmsa", "mult-noalign", "mmsa-unaligned", "csd")


@dataclass(frozen=True)
class Layout:
    """Where one of the two datasets has its files.

    Attributes:
        pickles: Variant to the names of its pickle.
        csd: Stream to the names of its ``.csd`` file; ``labels`` and ``words`` are there too.
        folds: Names of the official fold list.
        cache: How the names of GMC's cached objects begin.
        nests: Folders that the files may lie in.
    """

    pickles: Mapping[str, str]
    csd: Mapping[str, tuple[str, ...]]
    folds: tuple[str, ...]
    cache: str
    nests: tuple[str, ...]

    def find(self, root: Path, names: Sequence[str]) -> Path | None:
        """The first of these files, in the folder or in one of those it may lie in."""
        return first_file(root, [f"{nest}{name}" for nest in self.nests for name in names])

    def variants(self, root: Path) -> dict[Variant, Path]:
        """The variants that are there, and the file (of csd: the labels') of each."""
        found: dict[Variant, Path] = {}
        for variant in _ORDER:
            names = self.csd["labels"] if variant == "csd" else (self.pickles[variant],)
            path = self.find(root, names)
            if path is not None:
                found[variant] = path
        return found


MOSEI = Layout(
    pickles={
        "mult": "mosei_senti_data.pkl",
        "mult-noalign": "mosei_senti_data_noalign.pkl",
        "mmsa": "aligned_50.pkl",
        "mmsa-unaligned": "unaligned_50.pkl",
    },
    csd={
        "text": ("CMU_MOSEI_TimestampedWordVectors.csd",),
        "audio": ("CMU_MOSEI_COVAREP.csd",),
        "vision": ("CMU_MOSEI_VisualFacet42.csd", "CMU_MOSEI_VisualOpenFace2.csd"),
        "labels": ("CMU_MOSEI_Labels.csd",),
        "words": ("CMU_MOSEI_TimestampedWords.csd",),
    },
    folds=("cmu_mosei_standard_folds.json", "folds.json", "cmu_mosei_std_folds.py"),
    cache="mosei",
    nests=("", "data/", "Processed/", "MOSEI/Processed/"),
)

MOSI = Layout(
    pickles={
        "mult": "mosi_data.pkl",
        "mult-noalign": "mosi_data_noalign.pkl",
        "mmsa": "aligned_50.pkl",
        "mmsa-unaligned": "unaligned_50.pkl",
    },
    csd={
        "text": ("CMU_MOSI_TimestampedWordVectors.csd",),
        "audio": ("CMU_MOSI_COVAREP.csd",),
        "vision": ("CMU_MOSI_Visual_Facet_41.csd", "CMU_MOSI_Visual_Facet_42.csd"),
        "labels": ("CMU_MOSI_Opinion_Labels.csd",),
        "words": ("CMU_MOSI_TimestampedWords.csd",),
    },
    folds=("cmu_mosi_standard_folds.json", "folds.json", "cmu_mosi_std_folds.py"),
    cache="mosi",
    nests=("", "data/", "Processed/", "MOSI/Processed/"),
)
