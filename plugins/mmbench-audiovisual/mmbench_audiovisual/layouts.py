"""Words of the official folders that a reader and the writer of its sample share."""

from __future__ import annotations

__all__ = [
    "AVE_ANNOTATIONS",
    "AVE_HEADER",
    "AVE_SPLITS",
    "ESC50_HEADER",
    "FLICKR_EXTENT",
    "FLICKR_MISSPELT",
    "MUSIC_INSTRUMENTS",
]

AVE_ANNOTATIONS = "Annotations.txt"
#: Collection to the file that lists it; ``all`` is :data:`AVE_ANNOTATIONS`.
AVE_SPLITS = {"train": "trainSet.txt", "valid": "valSet.txt", "test": "testSet.txt"}
#: First line of the annotations in the zip file; the copy on GitHub has none.
AVE_HEADER = "Category&VideoID&Quality&StartTime&EndTime"
#: First line of ``meta/esc50.csv``, split.
ESC50_HEADER = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
#: What the far border of the frame is called in the annotations: they are made on 256 x 256.
FLICKR_EXTENT = 256
#: The id that Senocak's ``test_list.txt`` spells 3908875357, so that many papers have 249 items.
FLICKR_MISSPELT = "3908875350"
#: What the ``category_id`` of DSOL's detector stands for, by the lists of MUSIC's videos.
MUSIC_INSTRUMENTS = {
    1: "cello",
    3: "acoustic guitar",
    8: "saxophone",
    10: "trumpet",
    11: "violin",
    12: "flute",
    13: "accordion",
}
