"""Objaverse-LVIS (Deitke et al., CVPR 2023): models of 1,156 classes, as OpenShape samples them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, DataMissing, DatasetInfo
from mmbench_pointcloud.archives import NpyCloud
from mmbench_pointcloud.collection import CloudCollection, CloudDataset
from mmbench_pointcloud.files import first_place, read_json, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Collection, DataSource

__all__ = ["ObjaverseLvis"]

NAME = "objaverse_lvis"
VERSION = "1"
LIST = "lvis.json"
_KEYS = ("uid", "group", "category")


class ObjaverseLvis(CloudDataset):
    """Objaverse-LVIS: 46,832 models of 1,156 classes, nearly all of them rare.

    One collection, ``all``, with the stream ``pointcloud`` and the column ``label``, the category
    as the list spells it (``Christmas_tree``).

    Args:
        points: How many points of a cloud are taken; 0 takes all.
        sampling: The ``first`` points, the ``fps`` ones (farthest point sampling from a seeded
            start), or ``random`` ones.
        sampling_seed: Of farthest point sampling and of the random draw.
        short: A cloud of fewer points is dropped, kept as it is, or its points are repeated.
        normalise: ``unit-sphere`` centres the points and scales the farthest to distance 1.
        degenerate: A cloud whose points are all equal is dropped, or becomes zeros (OpenShape).
        axes: As they are stored, or with y and z changed over (OpenShape).
        colour: As stored, if it is; ``grey`` (0.4) where none is stored; ``none`` takes none.
    """

    advice = (
        "https://huggingface.co/datasets/OpenShape/openshape-training-data gives lvis.json (in "
        "meta_data.zip) and Objaverse/000-xxx/: put them into <data root>/objaverse_lvis; "
        "`mmbench data sample objaverse_lvis --root DIR` makes some up"
    )

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="ODC-By 1.0; each model has a Creative Commons licence of its own",
            citation="Deitke et al.: Objaverse, CVPR 2023; Liu et al.: OpenShape, NeurIPS 2023",
            url="https://huggingface.co/datasets/OpenShape/openshape-training-data",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The models of the list, in its order."""
        listed, models = _listed(source.root)
        return {
            "all": CloudCollection(
                "all",
                list(models),
                [NpyCloud(path) for path, _ in models.values()],
                {"label": [label for _, label in models.values()]},
                source,
                f"{NAME}-{VERSION}",
                self.preparation,
                listed,
            )
        }

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """How many models are there."""
        _, models = _listed(source.root)
        there = sum(path.is_file() for path, _ in models.values())
        classes = len({label for _, label in models.values()})
        return (f"{there} of {len(models)} clouds of {classes} classes",)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write made-up models and their list."""
        from mmbench_pointcloud.sample_others import write_objaverse

        write_objaverse(root, items=items, seed=seed)


def _listed(root: Path) -> tuple[Path, dict[str, tuple[Path, str]]]:
    """The list, and the file and class of each of its models.

    Raises:
        DataMissing: The list is not there.
        DataError: An entry is none, or there twice.
    """
    listed = first_place(root, [LIST, f"meta_data/{LIST}", f"meta_data/split/{LIST}"])
    if listed is None:
        where = shown(root / LIST)
        raise DataMissing("the list of models is not there", where=where, fix=ObjaverseLvis.advice)
    entries = read_json(listed)
    if not isinstance(entries, list) or not entries:
        raise DataError("must be a list of models", where=shown(listed))
    found: dict[str, tuple[Path, str]] = {}
    for row, entry in enumerate(entries):
        where = f"{shown(listed)}[{row}]"
        good = isinstance(entry, dict) and all(
            isinstance(entry.get(key), str) and entry[key] for key in _KEYS
        )
        if not good or any("/" in entry[key] or ".." in entry[key] for key in _KEYS[:2]):
            raise DataError(f"an entry must have {', '.join(_KEYS)}", where=where)
        if entry["uid"] in found:
            raise DataError(f"the model {entry['uid']!r} is there twice", where=where)
        found[entry["uid"]] = _place(root, entry), entry["category"]
    if len({label for _, label in found.values()}) < 2:
        raise DataError("names one class: nothing can be told apart", where=shown(listed))
    return listed, found


def _place(root: Path, entry: dict[str, Any]) -> Path:
    """A model's file: where the list says, below the root, or in the folder of its group."""
    own = f"{entry['group']}/{entry['uid']}.npy"
    said = str(entry.get("data_path") or "").lstrip("/")
    places = [said] if said and ".." not in said.split("/") else []
    return first_place(root, [*places, f"Objaverse/{own}", own]) or root / "Objaverse" / own
