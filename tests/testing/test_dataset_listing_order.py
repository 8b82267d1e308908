"""Folders are listed backwards by every way of listing them."""

from __future__ import annotations

import glob
import os

import pytest

from mmbench.testing.dataset_listing_order import listed

NAMES = ["a.npy", "b.npy", "c.npy"]
WAYS = {
    "os.listdir": lambda folder: os.listdir(folder),  # noqa: PLW0108, PTH208 - looked up when called
    "os.scandir": lambda folder: [entry.name for entry in os.scandir(folder)],
    "os.walk": lambda folder: next(iter(os.walk(folder)))[2],
    "glob.glob": lambda folder: glob.glob("*.npy", root_dir=folder),  # noqa: PTH207
    "iterdir": lambda folder: [path.name for path in folder.iterdir()],
    "Path.glob": lambda folder: [path.name for path in folder.glob("*.npy")],
    "Path.rglob": lambda folder: [path.name for path in folder.rglob("*.npy")],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_folder_is_listed_by_names_or_backwards(way, tmp_path):
    for name in NAMES:
        (tmp_path / name).touch()
    before = (os.listdir, os.scandir)
    with listed(backwards=False):
        assert list(way(tmp_path)) == NAMES
    with listed(backwards=True):
        assert list(way(tmp_path)) == NAMES[::-1]
    assert (os.listdir, os.scandir) == before


def test_a_scanned_folder_is_closed(tmp_path):
    (tmp_path / "a").touch()
    with listed(backwards=True), os.scandir(tmp_path) as entries:
        assert next(entries).is_file()
