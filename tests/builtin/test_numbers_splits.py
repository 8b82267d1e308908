"""No number and no handwritten digit is in two splits; nothing heavy is imported to open them."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from mmbench.builtin.numbers.glyphs import digits_file, read_glyphs
from mmbench.builtin.numbers.splits import SPLITS, split_glyphs, split_numbers


def test_numbers_are_split_500_100_400_without_overlap():
    numbers = split_numbers()
    assert [len(numbers[split]) for split in SPLITS] == [500, 100, 400]
    assert sorted(number for mine in numbers.values() for number in mine) == list(range(1000))


def test_collections_hold_their_split(world):
    numbers = split_numbers()
    assert set(world["train"].columns["number"]) == set(numbers["train"])
    assert world["valid"].columns["number"] == numbers["valid"]
    assert world["test"].columns["number"] == numbers["test"]


def test_the_halves_of_training_are_its_items_and_share_no_number(world):
    first, second = (world[f"train-{half}"] for half in ("first", "second"))
    assert not set(first.columns["number"]) & set(second.columns["number"])
    assert {*first.ids, *second.ids} == set(world["train"].ids)
    assert len(first) == len(second) == 750
    for stream in ("image", "audio", "text"):
        whole = dict(zip(world["train"].ids, world["train"].content_keys(stream), strict=True))
        assert first.content_keys(stream) == [whole[item] for item in first.ids]


def test_every_handwritten_digit_is_in_one_split():
    rows = read_glyphs(digits_file()).rows
    every = [row for split in SPLITS for mine in rows[split] for row in mine]
    assert sorted(every) == list(range(1797))
    assert all(len(mine) >= 15 for split in SPLITS for mine in rows[split])


def shown(world, split) -> set[int]:
    """Rows of the handwriting that any collection of a split shows."""
    collections = [world[split], world[f"digits-{split}"]]
    found = {row for c in collections for item in range(len(c)) for row in c.glyph_rows(item)}
    for name in (f"scenes-{split}", "scenes-silent"):
        if name in world and (name != "scenes-silent" or split == "test"):
            scenes = world[name]
            found |= {tile.row for row in range(len(scenes)) for tile in scenes.plan(row).tiles}
    return found


def test_no_two_splits_show_the_same_handwriting(world):
    by_split = {split: shown(world, split) for split in SPLITS}
    assert all(by_split.values())
    for first, second in combinations(SPLITS, 2):
        assert not by_split[first] & by_split[second]


def test_handwriting_shows_the_digits_it_stands_for(world):
    glyphs = read_glyphs(digits_file())
    for name in ("train", "test", "digits-valid"):
        collection = world[name]
        for row in range(0, len(collection), 7):
            labels = [int(glyphs.labels[each]) for each in collection.glyph_rows(row)]
            if name.startswith("digits"):
                assert labels == [collection.columns["digit"][row]]
            else:
                assert labels == [
                    collection.columns[place][row] for place in ("hundreds", "tens", "ones")
                ]


def test_the_file_read_directly_is_what_scikit_learn_loads():
    from sklearn.datasets import load_digits

    bundled = load_digits()
    glyphs = read_glyphs(digits_file())
    np.testing.assert_array_equal(glyphs.cells, bundled.images)
    np.testing.assert_array_equal(glyphs.labels, bundled.target)


def test_split_glyphs_is_stratified():
    labels = np.repeat(np.arange(10), 50)
    rows = split_glyphs(labels)
    assert {len(mine) for mine in rows["train"]} == {30}
    assert {len(mine) for mine in rows["valid"]} == {5}
    assert {len(mine) for mine in rows["test"]} == {15}


SCRIPT = """
import sys
from hashlib import blake2b
from pathlib import Path
from mmbench.api import DataSource, payload_digest
from mmbench.builtin.numbers.dataset import Numbers
digest = lambda path: blake2b(path.read_bytes(), digest_size=16).hexdigest()
world = Numbers().collections(DataSource(Path("/nowhere"), digest))
for name, collection in world.items():
    print(name, collection.fingerprint())
print(payload_digest(world["scenes-test"].load(5, "image")).hex())
heavy = {"sklearn", "scipy", "pandas", "torch"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_sees_the_same_world_without_heavy_imports(world, seed):
    from mmbench.api import payload_digest

    env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True
    )
    *lines, image = result.stdout.split("\n")[:-1]
    assert dict(line.split() for line in lines) == {
        name: collection.fingerprint() for name, collection in world.items()
    }
    assert image == payload_digest(world["scenes-test"].load(5, "image")).hex()
