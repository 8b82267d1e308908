"""CMU-MOSEI and CMU-MOSI: sentiment of utterances in videos, in the layouts that people have."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from mmbench.api import (
    DataError,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    MmbenchError,
)
from mmbench_affect.csd import CsdStream, segments_of
from mmbench_affect.features import STREAMS, Empty, FeatureCollection, Padding, Preparation
from mmbench_affect.files import shown
from mmbench_affect.folds import read_folds
from mmbench_affect.layouts import MOSEI, MOSI, Layout, Variant
from mmbench_affect.pickled import read_pickle
from mmbench_affect.segments import (
    Segments,
    by_folds,
    cleaned_values,
    empty_streams,
    without_empty,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mmbench.api import Collection, DataSource
    from mmbench_affect.csd import Segment
    from mmbench_affect.features import Features

__all__ = ["CmuMosei", "CmuMosi", "CmuSentiment", "EmptyText", "Variant"]

VERSION = "1"
EmptyText = Literal["keep", "drop"]


class CmuSentiment(Dataset):
    """What the two have in common; options as in their docstrings."""

    layout: ClassVar[Layout]
    advice: ClassVar[str] = ""
    #: What is known of the sizes of the versions that go round.
    sizes: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        *,
        variant: Variant = "auto",
        folds: str = "",
        padding: Padding = "keep",
        steps: int = 0,
        empty: Literal["keep", "missing"] = "keep",
        empty_text: EmptyText = "keep",
    ) -> None:
        self.variant = variant
        self.folds = folds
        self.empty: Empty = empty
        self.empty_text = empty_text
        self.preparation = Preparation(padding, steps)

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The splits ``train``, ``valid`` and ``test``."""
        variant, path = self._found(source.root)
        splits, _ = self._splits(source, variant, path)
        return {
            name: self._collection(name, split, variant, shown(path))
            for name, split in splits.items()
        }

    def status(self, source: DataSource) -> DataStatus:
        """Which variants are there, and which one is read."""
        try:
            variant, path = self._found(source.root)
            chosen = self._fold_list(source.root, variant)
            if variant.startswith("csd"):
                self._paths(source.root)
        except DataMissing as error:
            return DataStatus(False, missing=(error.where,), advice=error.fix or self.advice)
        except MmbenchError as error:
            return DataStatus(False, advice=str(error))
        said = f"variant {variant}: {shown(path.relative_to(source.root))}"
        size = "" if source.is_sample else self.sizes.get(variant)
        found = [f"{said} ({size})" if size else said]
        others = [each for each in self.layout.variants(source.root) if each != variant]
        if others:
            found.append(f"variants {', '.join(others)}, which variant=... reads")
        if chosen is not None:
            found.append(f"split by {shown(chosen.relative_to(source.root))}")
        return DataStatus(True, found=tuple(found), advice=self.advice)

    def remarks(self, source: DataSource) -> tuple[str, ...]:
        """What was cleaned, what is empty, and whom no fold list names."""
        variant, path = self._found(source.root)
        splits, left_out = self._splits(source, variant, path)
        counts = ", ".join(f"{len(split):,} {name}" for name, split in splits.items())
        said = [f"variant {variant}: {counts}"]
        if left_out:
            said.append(f"{left_out:,} utterances are of videos in no fold, and left out")
        for name, split in splits.items():
            cleaned = cleaned_values(split)
            if any(cleaned):
                items = sum(count > 0 for count in cleaned)
                said.append(
                    f"{name}: {sum(cleaned):,} audio values of -inf in {items:,} utterances "
                    "become 0"
                )
            for stream in STREAMS:
                empty = sum(stream in each.split("+") for each in empty_streams(split.features))
                if empty:
                    said.append(f"{name}: {empty:,} utterances have nothing but zeros for {stream}")
        return tuple(said)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write made-up utterances in every layout."""
        from mmbench_affect.sample_sentiment import write_sample

        write_sample(root, self.info.name, self.layout, items=items, seed=seed)

    def _found(self, root: Path) -> tuple[Variant, Path]:
        """The variant that is read, and its file.

        Raises:
            DataMissing: It is not there; where only GMC's cache is, that says so.
        """
        there = self.layout.variants(root)
        wanted: Variant = "csd" if self.variant == "csd-unaligned" else self.variant
        if wanted == "auto" and there:
            return next(iter(there.items()))
        if wanted in there:
            return self.variant, there[wanted]
        name = self.layout.csd["labels"][0] if wanted == "csd" else self.layout.pickles.get(wanted)
        file = root / (name or self.layout.pickles["mult"])
        cached = sorted(root.glob(f"{self.layout.cache}_*.dt")) if root.is_dir() else []
        if cached:
            raise DataMissing(
                "it is not there, but GMC's cache is",
                where=shown(file),
                fix=f"put {self.layout.pickles['mult']} here, the pickle that GMC made "
                f"{shown(cached[0].name)} from: that is an object that runs its class's code, and "
                "is refused",
            )
        raise DataMissing(
            "it is not there" if wanted == "auto" else f"the variant {wanted} is not there",
            where=shown(file),
            fix=self.advice,
        )

    def _fold_list(self, root: Path, variant: Variant) -> Path | None:
        """The fold list that splits the utterances, if one does.

        Raises:
            DataMissing: It is not there.
        """
        if not self.folds and not variant.startswith("csd"):
            return None
        names = (self.folds,) if self.folds else self.layout.folds
        path = self.layout.find(root, names)
        if path is None:
            raise DataMissing(
                "the list of folds is not there", where=shown(root / names[0]),
                fix='a JSON file {"train": [video ids], "valid": [...], "test": [...]}, or the '
                f"SDK's own {self.layout.folds[-1]}",
            )  # fmt: skip
        return path

    def _splits(
        self, source: DataSource, variant: Variant, path: Path
    ) -> tuple[dict[str, Segments], int]:
        """The splits, and how many utterances no fold list names."""
        listed = self._fold_list(source.root, variant)
        if variant.startswith("csd"):
            assert listed is not None
            return segments_of(path, read_folds(listed), self._streams(source, variant))
        splits, left_out = read_pickle(path, source.hash_file(path)), 0
        if listed is not None:
            splits, left_out = by_folds(splits, read_folds(listed), where=shown(path))
        if self.empty_text == "drop":
            splits = {name: _with_text(split, name, shown(path)) for name, split in splits.items()}
        if self.empty == "missing":
            splits = {name: without_empty(split) for name, split in splits.items()}
        return splits, left_out

    def _streams(
        self, source: DataSource, variant: Variant
    ) -> dict[str, Callable[[list[Segment]], Features]]:
        """What makes the streams of .csd files for a list of segments."""
        paths = self._paths(source.root)
        words = (paths["text"], source.hash_file(paths["text"]))

        def maker(name: str) -> Callable[[list[Segment]], Features]:
            aligned = words if variant == "csd" and name != "text" else None
            path, file = paths[name], source.hash_file(paths[name])
            cleaned = name == "audio"
            return lambda segments: CsdStream(path, file, segments, aligned, cleaned=cleaned)

        found = {name: maker(name) for name in STREAMS}
        raw = self.layout.find(source.root, self.layout.csd["words"])
        if raw is not None:
            file = source.hash_file(raw)
            found["raw_text"] = lambda segments: CsdStream(raw, file, segments, kind="Text")
        return found

    def _paths(self, root: Path) -> dict[str, Path]:
        """The .csd file of each stream.

        Raises:
            DataMissing: One is not there.
        """
        paths = {}
        for name in STREAMS:
            path = self.layout.find(root, self.layout.csd[name])
            if path is None:
                where = shown(root / self.layout.csd[name][0])
                what = f"the features of {name} are not there"
                raise DataMissing(what, where=where, fix=self.advice)
            paths[name] = path
        return paths

    def _collection(self, name: str, split: Segments, variant: Variant, where: str) -> Collection:
        columns: dict[str, list[object]] = {
            "sentiment": list(split.labels),
            "video": list(split.videos),
            "variant": [variant] * len(split),
        }
        if not variant.startswith("csd"):
            columns["cleaned"] = list(cleaned_values(split))
            columns["empty"] = list(empty_streams(split.features))
        return FeatureCollection(
            name, split.ids, split.features, columns, reader=f"{self.info.name}-{VERSION}",
            preparation=self.preparation, where=where,
        )  # fmt: skip


def _with_text(split: Segments, name: str, where: str) -> Segments:
    """Without the utterances whose text is nothing but zeros."""
    empty = empty_streams({"text": split.features["text"]})
    kept = [row for row, each in enumerate(empty) if not each]
    if not kept:
        raise DataError(f"no utterance of {name} has a text", where=where)
    return split.take(kept)


_ARGS = """

Collections ``train``, ``valid`` and ``test``; streams ``text``, ``audio``, ``vision`` (features by
step) and ``raw_text`` where the files have it; columns ``sentiment`` (-3..3), ``video``,
``variant``, and, of pickles, ``cleaned`` (audio values of -inf that became 0) and ``empty``
(streams that hold nothing but zeros).

Args:
    variant: Which files are read; ``auto`` takes the first that is there. ``mult``,
        ``mult-noalign``: MulT's and GMC's pickles. ``mmsa``, ``mmsa-unaligned``: MMSA's.
        ``csd``: the SDK's files, audio and vision averaged over each word; ``csd-unaligned``:
        the same files, every frame.
    folds: A list of video ids by split, a file in the dataset's folder; empty = the pickle's own
        splits, of .csd files the official list.
    padding: Steps of zeros at both ends are kept, or trimmed (by the lengths, where a file has
        them).
    steps: 0 keeps all steps; else the first so many, and zeros before shorter sequences.
    empty: A stream of nothing but zeros is kept as it is, as in all papers, or is one that the
        utterance lacks; of pickles.
    empty_text: Utterances whose text is nothing but zeros are kept, or dropped as MultiBench does;
        of pickles.
"""


class CmuMosei(CmuSentiment):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSEI: 23,453 utterances of 1,000 speakers." + _ARGS

    layout = MOSEI
    advice = (
        "put mosei_senti_data.pkl (MulT, GMC), aligned_50.pkl or unaligned_50.pkl (MMSA), or the "
        "SDK's CMU_MOSEI_*.csd with cmu_mosei_standard_folds.json into <data root>/cmu-mosei; "
        "https://github.com/yaohungt/Multimodal-Transformer and https://github.com/thuiar/MMSA "
        "say where they are; `mmbench data sample cmu-mosei --root DIR` makes some up"
    )
    sizes: ClassVar[Mapping[str, str]] = {
        "mult": "the version whose test split has 4,643 utterances",
        "mmsa": "the version of 16,326, 1,871 and 4,659 utterances",
        "mmsa-unaligned": "the version of 16,326, 1,871 and 4,659 utterances",
    }

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name="cmu-mosei",
            version=VERSION,
            licence="research only (the videos are YouTube's users')",
            citation="Bagher Zadeh et al.: Multimodal Language Analysis in the Wild: CMU-MOSEI "
            "Dataset and Interpretable Dynamic Fusion Graph, ACL 2018",
            url="http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset",
        )


class CmuMosi(CmuSentiment):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSI: 2,199 utterances in 93 videos." + _ARGS

    layout = MOSI
    advice = (
        "put mosi_data.pkl (MulT, GMC), aligned_50.pkl or unaligned_50.pkl (MMSA), or the SDK's "
        "CMU_MOSI_*.csd with cmu_mosi_standard_folds.json into <data root>/cmu-mosi; "
        "https://github.com/yaohungt/Multimodal-Transformer and https://github.com/thuiar/MMSA "
        "say where they are; `mmbench data sample cmu-mosi --root DIR` makes some up"
    )
    sizes: ClassVar[Mapping[str, str]] = dict.fromkeys(
        MOSI.pickles, "the version of 1,284, 229 and 686 utterances"
    )

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name="cmu-mosi",
            version=VERSION,
            licence="research only (the videos are YouTube's users')",
            citation="Zadeh, Zellers, Pincus, Morency: MOSI: Multimodal Corpus of Sentiment "
            "Intensity and Subjectivity Analysis in Online Opinion Videos, 2016",
            url="http://multicomp.cs.cmu.edu/resources/cmu-mosi-dataset",
        )
