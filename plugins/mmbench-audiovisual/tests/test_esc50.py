"""ESC-50 and ESC-10: list and folders."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from mmbench.api import DataError, DataMissing, DataSource
from mmbench_audiovisual.esc50 import ESC10, Esc50
from mmbench_audiovisual.layouts import ESC50_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable

    Sources = Callable[..., DataSource]

LINES = [
    "1-100032-A-0.wav,1,0,dog,True,100032,A",
    "5-9032-A-3.wav,5,3,cow,False,9032,A",
    "2-17-B-20.wav,2,20,crying_baby,True,17,B",
]


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(4_410), 44_100)


def test_the_list(source: Sources) -> None:
    found = source("esc50")
    (found.root / "meta").mkdir()
    (found.root / "meta" / "esc50.csv").write_text("\n".join([",".join(ESC50_HEADER), *LINES]))
    for line in LINES:
        put(found.root / "audio" / line.split(",")[0])
    every = Esc50().collections(found)
    assert list(every["esc50"].ids) == ["1-100032-A-0", "5-9032-A-3", "2-17-B-20"]
    assert every["esc50"].columns == {"label": ["dog", "cow", "crying baby"], "fold": [1, 5, 2]}
    assert list(every["esc10"].ids) == ["1-100032-A-0", "2-17-B-20"]
    assert list(every["esc10"].streams) == ["audio"]
    assert Esc50().check(found) == []


@pytest.mark.parametrize("nest", ["", "ESC-10-master"])
def test_folders_of_classes(source: Sources, nest: str) -> None:
    found = source("esc50")
    put(found.root / nest / "001 - Dog bark" / "1-100032-A.ogg")
    put(found.root / nest / "004 - Baby cry" / "3-151080-A.ogg")
    put(found.root / nest / "door knock" / "x.wav")
    (found.root / nest / "001 - Dog bark" / "notes.txt").write_text("")
    every = Esc50().collections(found)
    assert list(every) == ["esc10"]
    assert list(every["esc10"].ids) == [
        "001 - Dog bark/1-100032-A",
        "004 - Baby cry/3-151080-A",
        "door knock/x",
    ]
    assert every["esc10"].columns == {
        "label": ["dog", "crying baby", "door knock"],
        "fold": [1, 3, 0],
    }


def test_many_folders_are_esc50_and_hold_esc10(source: Sources) -> None:
    found = source("esc50")
    for number in range(12):
        put(found.root / f"class {number}" / "a.wav")
    put(found.root / "rain" / "a.wav")
    every = Esc50().collections(found)
    assert len(every["esc50"]) == 13
    assert every["esc10"].columns["label"] == ["rain"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names_that_are_no_utf8_are_items_that_can_be_written(source: Sources) -> None:
    found = source("esc50")
    folder = Path(os.fsdecode(os.fsencode(found.root) + b"/ca\xf1on"))
    put(found.root / "a.wav")
    folder.mkdir()
    (found.root / "a.wav").rename(folder / os.fsdecode(b"caf\xe9.wav"))
    (folder / os.fsdecode(b"na\xefve.wav")).write_bytes(b"")
    ten = Esc50().collections(found)["esc10"]
    assert list(ten.ids) == [r"ca\xf1on/caf\xe9", r"ca\xf1on/na\xefve"]
    for text in (*ten.ids, *ten.columns["label"], *ten.content_keys("audio"), ten.fingerprint()):
        str(text).encode()
    broken = Esc50().check(found)
    assert [each.item for each in broken] == [r"ca\xf1on/na\xefve"]
    broken[0].reason.encode()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1-1-A-0.wav,1,0,dog,True,100032", "is not filename,fold"),
        ("1-1-A-0.wav,one,0,dog,True,100032,A", "is not filename,fold"),
        ("1-1-A-0.wav,1,0,dog,yes,100032,A", "is not filename,fold"),
        ("../1-A-0.wav,1,0,dog,True,100032,A", "is not filename,fold"),
        (LINES[0], "there twice"),
        (",1,0,dog,True,100032,A", "is empty"),
    ],
)
def test_a_broken_line_is_named(source: Sources, line: str, said: str) -> None:
    found = source("esc50")
    (found.root / "audio").mkdir()
    (found.root / "esc50.csv").write_text("\n".join([",".join(ESC50_HEADER), LINES[0], line]))
    with pytest.raises(DataError, match=rf"esc50\.csv:3.*{said}"):
        Esc50().collections(found)


@pytest.mark.parametrize("folders", [[], ["audio"], ["meta"], ["rain"]])
def test_nothing_there(source: Sources, folders: list[str]) -> None:
    found = source("esc50")
    for name in folders:
        (found.root / name).mkdir()
    with pytest.raises(DataMissing):
        Esc50().collections(found)
    assert not Esc50().status(found).present


def test_real_sounds(assets: Path, source: Sources) -> None:
    real = DataSource(assets / "esc10", source().hash_file)
    ten = Esc50().collections(real)["esc10"]
    assert len(ten) == 80
    assert Counter(ten.columns["label"]) == dict.fromkeys(ESC10, 8)
    assert set(ten.columns["fold"]) == {1, 2, 3, 4, 5}
    assert Esc50().check(real) == []
