"""VGG-SS: its annotations, its lists, Ex-VGGSS's silent pairs."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, DataSource, ItemError
from mmbench_audiovisual.boxes import has_garbage, is_empty
from mmbench_audiovisual.files import ids_of
from mmbench_audiovisual.sample_media import save_jpg, save_wav
from mmbench_audiovisual.silent import read_silent
from mmbench_audiovisual.vggss import LISTS, Vggss, read_scenes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Sources = Callable[..., DataSource]

ITEM = {"file": "a_000000", "class": "dog barking", "bbox": [[0.1, 0.2, 0.5, 0.75]]}


def annotate(path: Path, *items: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(items)))
    return path


def put_media(root: Path, *ids: str, frames: str = "frames", audio: str = "audio") -> None:
    for number, item in enumerate(ids):
        save_jpg(root / frames / f"{item}.jpg", np.full((32, 48, 3), 40 * number, dtype=np.uint8))
        save_wav(root / audio / f"{item}.wav", np.full((1, 16_000), number / 10), 16_000)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({**ITEM, "bbox": [[0.1, 0.2, 0.5]]}, "four numbers"),
        ({**ITEM, "bbox": [[0.1, 0.2, 0.5, "0.75"]]}, "four numbers"),
        ({**ITEM, "bbox": [[0.1, 0.2, 0.5, float("nan")]]}, "four numbers"),
        ({**ITEM, "bbox": {"x": 1}}, "list of boxes"),
        ({"file": "b", "class": "x"}, "must have file, class and bbox"),
        ({**ITEM, "file": "../b"}, "must be names"),
        ({**ITEM, "file": 7}, "must be names"),
        (ITEM, "twice"),
        ("a_000000", "must have"),
    ],
)
def test_a_broken_entry_is_named(tmp_path: Path, item: Any, said: str) -> None:
    other = {**ITEM, "file": "a_000001"}
    path = annotate(tmp_path / "vggss.json", other, item if said != "twice" else other)
    with pytest.raises(DataError, match=f"vggss.json, entry 1.*{said}"):
        read_scenes(path)


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "vggss.json"
    path.write_text('[\n{"file": "a",\n "class" "x"}]')
    with pytest.raises(DataError, match=r"vggss\.json:3: is no JSON"):
        read_scenes(path)


def test_garbage_and_empty_boxes_are_told_apart() -> None:
    assert has_garbage([[0.1, 0.2, 0.5, 0.75], [-2.88e16, 0, 1, 1]])
    assert not has_garbage([[0.0, 0.0, 1.0, 1.0]])
    assert is_empty([[0.1, 0.2, 0.5, 0.2]])
    assert is_empty([[-2.88e16, -2.88e16, -2.88e16, -2.88e16]])
    assert is_empty([])
    assert not is_empty([[0.1, 0.2, 0.5, 0.2], [0.0, 0.0, 0.01, 0.01]])


@pytest.mark.parametrize("place", ["metadata", "."])
@pytest.mark.parametrize("frames", ["frames", "frame"])
def test_both_layouts_are_read(source: Sources, place: str, frames: str) -> None:
    found = source("vggss")
    annotate(found.root / place / "vggss.json", ITEM, {**ITEM, "file": "b_000001"})
    put_media(found.root, "a_000000", "b_000001", frames=frames)
    (found.root / place / "vggss_test.csv").write_bytes(b"b_000001\r\na_000000")
    test = Vggss().collections(found)["test"]
    assert list(test.ids) == ["b_000001", "a_000000"]
    assert test.columns["boxes"] == [ITEM["bbox"]] * 2
    assert test.load(0, "image").pixels.shape == (32, 48, 3)
    assert test.load(0, "audio").rate == 16_000


def test_without_a_list_all_annotations_are_test(source: Sources) -> None:
    found = source("vggss")
    annotate(found.root / "vggss.json", ITEM, {**ITEM, "file": "b_000001"})
    put_media(found.root, "a_000000")
    assert list(Vggss().collections(found)["test"].ids) == ["a_000000", "b_000001"]


def test_what_is_missing_is_listed_and_named(source: Sources) -> None:
    found = source("vggss")
    annotate(found.root / "vggss.json", ITEM, {**ITEM, "file": "b_000001"})
    put_media(found.root, "a_000000")
    test = Vggss().collections(found)["test"]
    assert None not in test.content_keys("image")
    with pytest.raises(ItemError, match=r"frames/b_000001\.jpg: the picture is not there"):
        test.load(1, "image")
    broken = Vggss().check(found)
    assert [(each.item, each.stream) for each in broken] == [
        ("b_000001", "image"),
        ("b_000001", "audio"),
    ]
    assert Vggss().status(found).found[0] == "test: 1 frames and 1 sounds of 2"


def test_an_id_without_annotation_is_named_with_its_line(source: Sources) -> None:
    found = source("vggss")
    annotate(found.root / "vggss.json", ITEM)
    put_media(found.root, "a_000000")
    (found.root / "vggss_test.csv").write_text("a_000000\nc_000000\n")
    with pytest.raises(DataError, match=r"vggss_test\.csv:2: 'c_000000' is not in vggss\.json"):
        Vggss().collections(found)


def test_silent_pairs_are_a_picture_and_another_sound(source: Sources) -> None:
    found = source("vggss")
    annotate(found.root / "vggss.json", ITEM, {**ITEM, "file": "b_000001"})
    put_media(found.root, "a_000000", "b_000001")
    put_media(found.root, "h_000002", frames="extend_frames", audio="extend_audio")
    (found.root / "vggss_test_plus_silent.csv").write_bytes(
        b"video,audio,label\r\nh_000002,h_000002,non-sounding\r\na_000000,b_000001,non-sounding"
    )
    every = Vggss().collections(found)
    silent = every["silent"]
    assert list(silent.ids) == ["h_000002", "a_000000+b_000001"]
    assert silent.columns == {
        "image_id": ["h_000002", "a_000000"],
        "audio_id": ["h_000002", "b_000001"],
    }
    assert silent.load(0, "image").pixels.shape == (32, 48, 3)
    # its vectors are those of the test items
    test = every["test"]
    assert silent.content_keys("image")[1] == test.content_keys("image")[0]
    assert silent.content_keys("audio")[1] == test.content_keys("audio")[1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b,non-sounding\n", 1),
        ("video,audio,label\na,b\n", 2),
        ("video,audio,label\na,b,sounding\n", 2),
        ("video,audio,label\n\na,,non-sounding\n", 3),
        ("video,audio,label\na,b,non-sounding\na,b,non-sounding\n", 3),
    ],
)
def test_a_broken_pair_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "silent.csv").write_text(text)
    with pytest.raises(DataError, match=rf"silent\.csv:{line}"):
        read_silent(tmp_path / "silent.csv")


def test_nothing_there(source: Sources) -> None:
    found = source("vggss")
    with pytest.raises(DataMissing, match="annotations are not there"):
        Vggss().collections(found)
    annotate(found.root / "vggss.json", ITEM)
    with pytest.raises(DataMissing, match="frames are not there"):
        Vggss().collections(found)
    assert not Vggss().status(found).present
    (found.root / "vggss.json").write_text("[")
    status = Vggss().status(found)
    assert not status.present
    assert "is no JSON" in status.advice


def test_real_annotations(assets: Path) -> None:
    scenes = read_scenes(assets / "vggss" / "vggss.json")
    assert len(scenes) == 5158
    assert len({scene.label for scene in scenes.values()}) == 221
    counts = [len(scene.boxes) for scene in scenes.values()]
    assert np.bincount(counts).tolist() == [0, 4619, 385, 94, 37, 18, 3, 2]
    assert sum(has_garbage(scene.boxes) for scene in scenes.values()) == 12
    empty = {scene.id for scene in scenes.values() if is_empty(scene.boxes)}
    assert empty == {"M1P1xla8rg0_000000", "MKC9LvRivTM_000030"}


def test_real_lists(assets: Path, source: Sources) -> None:
    found = source("vggss")
    for name in ("frames", "audio"):
        (found.root / name).mkdir()
    for folder in (assets / "vggss", assets / "vggss" / "variants"):
        for path in folder.iterdir():
            if path.name in (*LISTS.values(), "vggss.json", "vggss_test_plus_silent.csv"):
                shutil.copy(path, found.root)
    every = Vggss().collections(found)
    assert {name: len(each) for name, each in every.items()} == {
        "test": 5158,
        "heard": 2564,
        "unheard": 2575,
        "test-4911": 4911,
        "test-4692": 4692,
        "silent": 5158,
    }
    heard, unheard = (every[name] for name in ("heard", "unheard"))
    assert set(heard.ids).isdisjoint(unheard.ids)
    assert [len(set(each.columns["label"])) for each in (heard, unheard)] == [110, 110]
    silent = every["silent"]
    assert len(set(silent.ids)) == 5158
    same = [
        image
        for image, audio in zip(*(silent.columns[c] for c in ("image_id", "audio_id")), strict=True)
        if image == audio
    ]
    assert len(same) == 379
    assert set(same).isdisjoint(every["test"].ids)
    assert len(every["test"]) + len(silent) == 10_316
    facts = "\n".join(Vggss().status(found).found)
    assert "12 items whose boxes hold garbage: " in facts
    assert "2 items whose boxes cover no pixel: " in facts
    acl = ids_of(assets / "vggss" / "variants" / "acl_vggss_test_with_class.csv")
    assert {item for _, item in acl} == set(every["test"].ids)


def test_real_frames_and_sounds(assets: Path, source: Sources) -> None:
    mini = DataSource(assets / "vggss_mini", source().hash_file)
    test = Vggss(clip="centre", clip_seconds=3.0, short="tile").collections(mini)["test"]
    assert len(test) == 18
    assert Vggss().check(mini) == []
    for row in range(18):
        assert test.load(row, "audio").samples.shape == (1, 48_000)
        assert test.load(row, "image").pixels.ndim == 3
    assert not any(test.columns["garbage"])
