"""Flickr-SoundNet: annotations by position and by name, its layouts, its lists."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mmbench.api import DataMissing, DataSource, ItemError
from mmbench_audiovisual.files import ids_of
from mmbench_audiovisual.flickr_soundnet import FlickrSoundnet, read_boxes
from mmbench_audiovisual.layouts import FLICKR_MISSPELT
from mmbench_audiovisual.sample_media import save_jpg, save_wav
from mmbench_audiovisual.silent import read_silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Sources = Callable[..., DataSource]

BY_NAME = """<annotation><annotator><bbox><what>x</what>
 <ymin>20</ymin><xmin>10</xmin><ymax>220</ymax><xmax>110</xmax></bbox></annotator></annotation>"""
BY_PLACE = """<annotation><file>x</file><a><kind>k</kind><bbox><first>7</first>
 <p>10</p><q>20</q><r> 110 </r><s>220</s></bbox><other><bbox/></other></a>
 <b><bbox><first/><p>0</p><p>0</p><p>256</p><p>256</p><more>9</more></bbox></b></annotation>"""


def put(root: Path, item: str, folder: str | None, xml: str | None = BY_NAME) -> None:
    """One item, in ``Data/N`` or in folders of its kind."""
    places = (folder, folder) if folder else ("frames", "audio")
    save_jpg(root / places[0] / f"{item}.jpg", np.zeros((32, 48, 3), dtype=np.uint8))
    save_wav(root / places[1] / f"{item}.wav", np.zeros((1, 16_000)), 16_000)
    if xml is not None:
        notes = root / ("test/Annotations" if folder and "test" in folder else "Annotations")
        notes.mkdir(exist_ok=True, parents=True)
        (notes / f"{item}.xml").write_text(xml)


def test_boxes_by_name_and_by_place(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(BY_NAME)
    assert read_boxes(tmp_path / "a.xml") == [[10, 20, 110, 220]]
    (tmp_path / "a.xml").write_text(BY_PLACE)
    assert read_boxes(tmp_path / "a.xml") == [[10, 20, 110, 220], [0, 0, 256, 256]]


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (None, "has no annotation"),
        ("", "is no XML"),
        ("<annotation>", "is no XML"),
        ("<a><b><bbox><i/><p>1</p><p>2</p><p>3</p></bbox></b></a>", "can't be read"),
        ("<a><b><bbox><i/><p>1</p><p>2</p><p>3</p><p>x</p></bbox></b></a>", "can't be read"),
        ("<a><b><bbox><i/><p>1</p><p>2</p><p>3</p><p/></bbox></b></a>", "can't be read"),
    ],
)
def test_a_broken_annotation_drops_its_item(source: Sources, xml: str | None, said: str) -> None:
    found = source("flickr_soundnet")
    put(found.root, "1", "Data/1")
    put(found.root, "2", "Data/2", xml)
    (found.root / "flickr_test.csv").write_bytes(b"1,202\r\n2,0")
    test = FlickrSoundnet().collections(found)["test"]
    assert test.columns == {"boxes": [[[10, 20, 110, 220]], []], "annotators": [1, 0]}
    with pytest.raises(ItemError, match=rf"2\.xml.*{said}"):
        test.load(1, "image")
    assert None not in test.content_keys("image")
    broken = FlickrSoundnet().check(found)
    assert [(each.collection, each.item, each.stream) for each in broken] == [
        ("test", "2", "image")
    ]
    unused = FlickrSoundnet(annotations="unused")
    assert unused.check(found) == []
    pairs = unused.collections(found)["test"]
    assert pairs.columns == {}
    assert pairs.content_keys("image")[0] == test.content_keys("image")[0]


@pytest.mark.parametrize("folder", ["Data/7", "test/Data/7", None])
def test_layouts(source: Sources, folder: str | None) -> None:
    found = source("flickr_soundnet")
    put(found.root, "1", folder)
    (found.root / "metadata").mkdir()
    (found.root / "metadata" / "test_flickr_5k.txt").write_text("1.jpg\n")
    assert FlickrSoundnet().check(found) == []
    pairs = FlickrSoundnet().collections(found)["five-thousand"]
    assert pairs.columns["boxes"] == [[[10, 20, 110, 220]]]


def test_the_misspelt_id_makes_two_collections(source: Sources) -> None:
    found = source("flickr_soundnet")
    put(found.root, "1", "Data/1")
    put(found.root, FLICKR_MISSPELT, "Data/2")
    (found.root / "flickr_test.csv").write_text(f"1,0\n{FLICKR_MISSPELT},0\n")
    every = FlickrSoundnet().collections(found)
    assert list(every["test"].ids) == ["1", FLICKR_MISSPELT]
    assert list(every["test-249"].ids) == ["1"]
    (found.root / "flickr_test.csv").write_text("1,0\n")
    assert "test-249" not in FlickrSoundnet().collections(found)
    assert any(FLICKR_MISSPELT in fact for fact in FlickrSoundnet().status(found).found)


def test_missing_media_name_the_list(source: Sources) -> None:
    found = source("flickr_soundnet")
    put(found.root, "1", "Data/1")
    (found.root / "flickr_test.csv").write_text("1,0\n2,0\n")
    test = FlickrSoundnet().collections(found)["test"]
    with pytest.raises(ItemError, match=r"the sound is not there\n  2 is listed in .*flickr_test"):
        test.load(1, "audio")


def test_nothing_there(source: Sources) -> None:
    found = source("flickr_soundnet")
    with pytest.raises(DataMissing, match="no list"):
        FlickrSoundnet().collections(found)
    (found.root / "flickr_test.csv").write_text("1,0\n")
    with pytest.raises(DataMissing, match="frames are not there"):
        FlickrSoundnet().collections(found)


def test_real_lists(assets: Path, source: Sources) -> None:
    found = source("flickr_soundnet")
    (found.root / "Data" / "0").mkdir(parents=True)
    for path in (assets / "flickr_soundnet").iterdir():
        if path.is_file() and path.name != "flickr_test_249.csv":
            shutil.copy(path, found.root)
    every = FlickrSoundnet(annotations="unused").collections(found)
    assert {name: len(each) for name, each in every.items()} == {
        "test": 250,
        "test-249": 249,
        "five-thousand": 5000,
        "supervised": 4750,
        "silent": 250,
    }
    lists = {name: set(each.ids) for name, each in every.items()}
    assert lists["five-thousand"] == lists["test"] | lists["supervised"]
    assert len(lists["silent"]) == 250
    for image, audio in zip(*every["silent"].columns.values(), strict=True):
        assert image != audio
        assert {image, audio} <= lists["test"]
    place = assets / "flickr_soundnet"
    assert {item for _, item in ids_of(place / "flickr_test_249.csv")} == lists["test-249"]
    variants = place / "variants"
    for name in ("acl_flickr_test_with_class.csv", "ssltie_test_flickr_250.txt"):
        assert lists["test"] >= {item for _, item in ids_of(variants / name)}
    senocak = {item for _, item in ids_of(variants / "senocak_test_list.txt")}
    assert senocak - lists["test"] == {"3908875357"}
    assert lists["test"] - senocak == {FLICKR_MISSPELT}
    assert len(read_silent(place / "flickr_test_plus_silent.csv")) == 250
