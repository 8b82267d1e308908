"""What the tasks open: the options that reach the readers, the lists, proposals out of a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import (
    Collection,
    DataError,
    DataMissing,
    DataSource,
    ItemTable,
    ScoreInputs,
    Task,
    UsageError,
)
from mmbench_audiovisual.ave import Ave
from mmbench_audiovisual.counterfactual import ExFlickrNet, ExVggss
from mmbench_audiovisual.esc50 import Esc50
from mmbench_audiovisual.flickr_soundnet import FlickrSoundnet
from mmbench_audiovisual.localization import (
    FlickrLocalization,
    MusicLocalization,
    VggssLocalization,
)
from mmbench_audiovisual.music import Music
from mmbench_audiovisual.proposals import FOLDER, ProposalFile
from mmbench_audiovisual.retrieval import AveRetrieval, FlickrRetrieval, VggssRetrieval
from mmbench_audiovisual.sound_classes import EscZeroShot
from mmbench_audiovisual.vggss import Vggss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

READERS = {
    "ave": Ave,
    "esc50": Esc50,
    "flickr_soundnet": FlickrSoundnet,
    "music": Music,
    "vggss": Vggss,
}


class Samples:
    """Datasets on samples, and what they were opened with."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opened: list[tuple[str, dict[str, Any]]] = []

    def folder(self, name: str) -> Path:
        place = self.root / name
        if not place.exists():
            place.mkdir()
            READERS[name]().write_sample(place, items=8, seed=0)
        return place

    def open(self, name: str, **options: Any) -> Mapping[str, Collection]:
        self.opened.append((name, options))
        source = DataSource(self.folder(name), lambda path: path.name)
        return READERS[name](**options).collections(source)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return Samples(tmp_path)


@pytest.mark.parametrize(
    ("task", "key", "ids", "opened"),
    [
        (AveRetrieval(), "pairs", 4, {"frame": "event-centre", "clip": "full"}),
        (AveRetrieval(split="all", frame="t=5.0"), "pairs", 8, {"frame": "t=5.0"}),
        (FlickrRetrieval(), "pairs", 8, {"annotations": "unused", "clip": "full"}),
        (FlickrRetrieval(split="test", clip="first"), "pairs", 4, {"clip": "first"}),
        (VggssRetrieval(split="heard"), "pairs", 4, {"short": "keep"}),
        (VggssLocalization(), "scenes", 8, {"clip": "centre", "clip_seconds": 3.0}),
        (VggssLocalization(framing="centre-crop"), "scenes", 8, {"framing": "centre-crop"}),
        (FlickrLocalization(split="test-249"), "scenes", 3, {"short": "tile"}),
        (MusicLocalization(), "scenes", 8, {"frame_policy": "one-box", "audio_seconds": 1.0}),
        (
            MusicLocalization(frame_policy="one-per-second", audio_seconds=3.0),
            "scenes",
            4,
            {"frame_policy": "one-per-second", "audio_seconds": 3.0},
        ),
        (ExVggss(clip_seconds=10.0), "positives", 8, {"clip_seconds": 10.0}),
        (ExFlickrNet(), "positives", 4, {"clip": "centre"}),
        (EscZeroShot(split="esc10"), "items", 4, {"clip": "full"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Task) else None,
)
def test_options_reach_the_reader(
    samples: Samples, task: Task, key: str, ids: int, opened: dict[str, Any]
) -> None:
    assert len(task.collections(samples)[key]) == ids
    ((_, options),) = samples.opened
    assert opened.items() <= options.items()


def test_the_negatives_are_the_silent_pairs(samples: Samples) -> None:
    found = ExVggss().collections(samples)
    assert found["negatives"].name == "silent"
    assert "boxes" not in found["negatives"].columns


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (VggssLocalization(split="test-4911"), "the list of 'test-4911' is not there"),
        (FlickrLocalization(split="heard"), "the list of 'heard' is not there"),
        (ExVggss(split="nonsense"), "the list of 'nonsense' is not there"),
    ],
)
def test_a_list_that_is_not_there_skips_the_cell(samples: Samples, task: Task, said: str) -> None:
    with pytest.raises(DataMissing, match=said):
        task.collections(samples)


def test_repeated_videos_are_one_item_or_joint_positives(samples: Samples) -> None:
    pairs = AveRetrieval(split="all").collections(samples)["pairs"]
    videos = list(pairs.columns["video"])
    assert len(set(videos)) == 7
    vectors = np.eye(8, dtype=np.float32)
    vectors[videos.index(next(v for v in videos if videos.count(v) > 1))] += 0.01
    inputs = ScoreInputs(
        {"audio": vectors, "image": vectors}, {"pairs": ItemTable(pairs.ids, pairs.columns)}
    )
    counts = {
        duplicates: len(
            AveRetrieval(split="all", duplicates=duplicates).score(inputs).tables["items"]  # type: ignore[arg-type]
        )
        for duplicates in ("distinct", "joint", "first")
    }
    assert counts == {"distinct": 8, "joint": 8, "first": 7}


def propose(samples: Samples, text: str, name: str = "boxes.json") -> None:
    folder = samples.folder("vggss") / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def by_file(**options: Any) -> VggssLocalization:
    return VggssLocalization(
        prediction="boxes", proposals="file", proposal_file="boxes.json", **options
    )


def test_proposals_come_out_of_a_file_best_first(samples: Samples) -> None:
    samples.folder("vggss")
    scenes = VggssLocalization().collections(samples)["scenes"]
    boxes = {
        scenes.ids[0]: [[0, 0, 0.5, 0.5, 0.2], [0.5, 0.5, 1, 1, 0.9], [0, 0, 1, 1, 0.9]],
        scenes.ids[1]: [[0.25, 0.25, 0.75, 0.75]],
        "of another list": [[0, 0, 1, 1]],
    }
    propose(samples, json.dumps(boxes))
    found = by_file().collections(samples)
    assert found["scenes"].columns["proposals"][:3] == [
        [[0.5, 0.5, 1, 1], [0, 0, 1, 1], [0, 0, 0.5, 0.5]],
        [[0.25, 0.25, 0.75, 0.75]],
        [],
    ]
    parents = list(found["crops"].columns["parent"])
    assert parents == [scenes.ids[0]] * 3 + [scenes.ids[1]]
    assert by_file(proposal_score=0.5).collections(samples)["crops"].ids[2:] == [
        f"{scenes.ids[1]}#0"
    ]
    assert len(by_file(proposal_limit=1).collections(samples)["crops"]) == 2
    # Without proposals no file is looked for, and the collection is as it was.
    assert (
        "proposals"
        not in VggssLocalization(proposals="file").collections(samples)["scenes"].columns
    )
    assert found["scenes"].fingerprint() != scenes.fingerprint()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1", "is no JSON"),
        ("[]", "must be a table"),
        ('{"a": 1}', "must be a list of boxes"),
        ('{"a": [[0, 0, 1]]}', r"is not \[x1, y1, x2, y2, score\]"),
        ('{"a": [[0, 0, 1, true]]}', "is not"),
        ('{"a": [[0, 0, 1, NaN]]}', "is not"),
        ('{"a": [[0.5, 0, 0.25, 1]]}', "is no box"),
        ('{"a": [[0, 0, 224, 224]]}', "is no box"),
    ],
)
def test_broken_proposals_are_named(samples: Samples, text: str, said: str) -> None:
    propose(samples, text)
    with pytest.raises(DataError, match=said) as caught:
        by_file().collections(samples)
    assert "boxes.json" in caught.value.where


def test_proposals_that_are_not_there(samples: Samples) -> None:
    with pytest.raises(DataMissing, match="the proposals are not there"):
        by_file().collections(samples)
    for name in ("../boxes.json", "/etc/boxes.json", ".boxes"):
        with pytest.raises(UsageError, match="no name of a file of proposals"):
            ProposalFile(name)
    with pytest.raises(UsageError, match="proposal_limit"):
        ProposalFile("boxes.json", limit=-1)


@pytest.mark.parametrize("reader", [Vggss, FlickrSoundnet])
def test_the_square_in_the_middle_is_another_content(
    samples: Samples, reader: Callable[..., Any]
) -> None:
    name = "vggss" if reader is Vggss else "flickr_soundnet"
    whole = samples.open(name)["test"]
    square = samples.open(name, framing="centre-crop")["test"]
    wide, cut = whole.load(0, "image").pixels, square.load(0, "image").pixels  # type: ignore[union-attr]
    height, width = wide.shape[:2]
    assert cut.shape[:2] == (height, height)
    left = (width - height) // 2
    np.testing.assert_array_equal(cut, wide[:, left : left + height])
    assert not set(whole.content_keys("image")) & set(square.content_keys("image"))
    assert list(whole.content_keys("audio")) == list(square.content_keys("audio"))
    silent = samples.open(name, framing="centre-crop")["silent"]
    assert silent.load(0, "image").pixels.shape[:2] == (height, height)  # type: ignore[union-attr]


def test_prompts_are_of_all_classes_of_the_list(samples: Samples) -> None:
    task = EscZeroShot(templates=("a {}", "the sound of a {}"))
    found = task.collections(samples)
    classes = sorted(set(found["items"].columns["label"]))
    prompts = found["prompts"]
    assert len(prompts) == 2 * len(classes)
    said = [prompts.load(row, "text").text for row in range(2)]  # type: ignore[union-attr]
    assert said == [f"a {classes[0]}", f"the sound of a {classes[0]}"]


def test_folds_are_noted_and_averaged(samples: Samples) -> None:
    task = EscZeroShot(split="esc10")
    found = task.collections(samples)
    items, prompts = found["items"], found["prompts"]
    table = ItemTable(items.ids, {**items.columns, "fold": [1, 1, 1, 2]})
    rng = np.random.default_rng(0)
    inputs = ScoreInputs({}, {"items": table, "prompts": ItemTable(prompts.ids, prompts.columns)})
    arrays = dict(task.reference_arrays("perfect", inputs, rng))
    arrays["items"][:3] *= -1  # the first fold is wrong throughout, the second right
    scored = task.score(ScoreInputs(arrays, inputs.tables))
    assert scored.tables["items"]["fold"] == [1, 1, 1, 2]
    assert "1: 3, 2: 1" in scored.notes[0]
    from mmbench.metrics.aggregation import aggregate

    metric = task.info.metric("mean over folds")
    columns = [scored.tables["items"][name] for name in metric.columns]
    assert aggregate(metric.aggregator, columns) == 0.5
    assert aggregate("mean", [scored.tables["items"]["top1"]]) == 0.25
