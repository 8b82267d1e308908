"""Every stream says the number it stands for, in the declared shape, the same everywhere."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numbers_samples import load_all, peaks
from scipy.ndimage import zoom

from mmbench.api import payload_digest
from mmbench.builtin.numbers import dtmf, glyphs, strokes, words
from mmbench.builtin.numbers.seeding import bell, draw_rng

# The same on numpy 1.26 and 2, and on every platform: raise VERSION when one must change.
GOLDEN = {
    ("train", 1499, "image"): "e12cd44f1e6855a55f5bdf632bcf8821",
    ("train", 1499, "audio"): "2300679302b10e1354dafcd0f0c1f073",
    ("train", 1499, "text"): "4cb04f78460ec7727f5f65c35be81126",
    ("train", 1499, "trajectory"): "1832f4b0a4f38d723d36afa1e1f03e62",
    ("train", 1499, "pointcloud"): "9140e0e38196028d457e1ae3e0da7114",
    ("test", 0, "image"): "ad0dedc6d4a289479699d427833973cd",
    ("test", 0, "audio"): "52fcfd2a289ad0c5e59abcdfb6ccb600",
    ("test", 0, "text"): "8af21679ce1a046103615fcf24781715",
    ("test", 0, "trajectory"): "a31d4354411cf0f4a12e448eac9978f2",
    ("test", 0, "pointcloud"): "cd52912a71e79e4689a70007d8c54310",
    ("test", 47, "image"): "402c13b136d5f64549dabc86e8e3caf8",
    ("test", 47, "audio"): "ca92d15705ab98fc508d26ff06f53eb8",
    ("test", 47, "text"): "e888ae69e64c89626cf924d5954cffc9",
    ("test", 47, "trajectory"): "d4049c13fe92c29ce18ecd18f60c8284",
    ("test", 47, "pointcloud"): "6c8f92cfdb9bf2f71c56aa3ab5174417",
    ("digits-test", 100, "image"): "2510fbf9e3d03851fabdfe47f0d616c2",
    ("digits-test", 100, "audio"): "c343a431e409916b86a57764cae6a742",
    ("digits-test", 100, "text"): "7bee02438c1dc845d473793945a9ebd6",
    ("digits-test", 100, "trajectory"): "6d7be4c7dc970cc82518e3bd20e25dd9",
    ("digits-test", 100, "pointcloud"): "04f7fcff55444d020315d2e7fe9ffe8b",
    ("scenes-test", 5, "image"): "760cba1567fc818ea02436a4c66d02d4",
    ("scenes-test", 5, "audio"): "80cbbb1f77320b43360825bc07a8fd85",
    ("scenes-silent", 199, "image"): "5ce0ded1c995935e682650354900bcb2",
    ("scenes-silent", 199, "audio"): "7813f9e25dd04bad8f52758e35c91fc9",
}


def test_golden_digests(world):
    found = {
        (name, row, stream): payload_digest(world[name].load(row, stream)).hex()
        for name, row, stream in GOLDEN
    }
    assert found == GOLDEN


def test_payloads_have_the_declared_shape_and_type(world):
    arrays = {"image": "pixels", "audio": "samples", "trajectory": "values", "pointcloud": "xyz"}
    for name, collection in world.items():
        for stream in collection.streams.values():
            payload = collection.load(len(collection) - 1, stream.name)
            assert type(payload).__name__ == stream.kind
            if stream.name in arrays:
                array = getattr(payload, arrays[stream.name])
                assert array.shape == stream.shape, (name, stream)
                assert array.dtype == (np.uint8 if stream.name == "image" else np.float32)
                assert np.isfinite(array).all()


def test_provenance_is_real_only_for_recorded_digits(world):
    real = {
        (name, stream.name)
        for name, collection in world.items()
        for stream in collection.streams.values()
        if stream.provenance == "real"
    }
    splits = ("train", "valid", "test")
    numbers = {(f"{kind}{split}", "image") for kind in ("", "digits-") for split in splits}
    assert real == numbers | {("train-first", "image"), ("train-second", "image")}


def test_columns(world):
    test = world["test"]
    numbers = test.columns["number"]
    assert [int(item.removeprefix("test/")) for item in test.ids] == numbers
    for row in (0, 57, 399):
        assert numbers[row] == int(
            "".join(str(test.columns[c][row]) for c in ("hundreds", "tens", "ones"))
        )
        assert test.columns["value"][row] == pytest.approx(-3 + 6 * numbers[row] / 999)
    assert set(test.columns["phrasing"]) == set(words.NUMBER_PHRASINGS)
    train = world["train"]
    assert len(train) == 1500
    assert train.ids[:3] == [f"train/{train.columns['number'][0]:03d}/{k}" for k in range(3)]
    for start in range(0, 1500, 3):
        assert len(set(train.columns["phrasing"][start : start + 3])) == 3


def test_renditions_of_a_number_differ(world):
    for stream in ("image", "audio", "trajectory", "pointcloud"):
        assert len({payload_digest(world["train"].load(row, stream)) for row in range(3)}) == 3


def test_content_keys_name_each_item_and_the_handwriting(world, source):
    from mmbench.api import DataSource
    from mmbench.builtin.numbers.dataset import Numbers

    keys = [
        key
        for name, collection in world.items()
        if name not in ("train-first", "train-second")
        for stream in collection.streams
        for key in collection.content_keys(stream)
    ]
    assert len(set(keys)) == len(keys)
    for stream in world["train"].streams:  # the halves are the same items: nothing is encoded twice
        first, second = (set(world[f"train-{half}"].content_keys(stream))
                         for half in ("first", "second"))  # fmt: skip
        assert not first & second
        assert first | second == set(world["train"].content_keys(stream))
    other = Numbers().collections(DataSource(source.root, lambda path: "another file"))
    assert not set(keys) & set(other["test"].content_keys("image"))


def test_enlarging_agrees_with_scipy(world):
    cells = glyphs.read_glyphs(glyphs.digits_file()).cells[:40]
    for side in (28, 32, 37, 52):
        for each in cells:
            expected = zoom(each, side / 8, order=1, mode="nearest", grid_mode=True) * 255 / 16
            assert np.abs(glyphs.enlarge(each, side) - expected).max() <= 0.5 + 1e-9


def test_tones_have_the_keypad_frequencies(world):
    assert dtmf.FREQUENCIES[1] == (697, 1209)
    assert dtmf.FREQUENCIES[6] == (770, 1477)
    assert dtmf.FREQUENCIES[0] == (941, 1336)
    test = world["test"]
    for row in range(0, 400, 5):
        payload = test.load(row, "audio")
        assert payload.rate == 8000
        for place, column in enumerate(("hundreds", "tens", "ones")):
            key = payload.samples[0, place * dtmf.SLOT : (place + 1) * dtmf.SLOT]
            expected = dtmf.FREQUENCIES[test.columns[column][row]]
            assert peaks(key) == pytest.approx(list(expected), abs=12)


def test_tones_are_loud_but_not_clipped(world):
    loudest = [np.abs(sound.samples).max() for sound in load_all(world["test"], "audio")]
    assert min(loudest) > 0.1
    assert max(loudest) < 1.0
    assert np.unique(world["test"].load(0, "audio").samples * 2**15 % 1).tolist() == [0.0]


EXAMPLES = [
    (342, "british", "three hundred and forty-two"),
    (342, "american", "three hundred forty-two"),
    (342, "digits", "three four two"),
    (342, "paired", "three forty-two"),
    (342, "places", "three hundreds, four tens and two ones"),
    (0, "british", "zero"),
    (0, "paired", "zero hundred"),
    (7, "american", "seven"),
    (7, "digits", "zero zero seven"),
    (7, "paired", "zero oh seven"),
    (500, "british", "five hundred"),
    (500, "paired", "five hundred"),
    (615, "british", "six hundred and fifteen"),
    (990, "american", "nine hundred ninety"),
    (212, "paired", "two twelve"),
]


@pytest.mark.parametrize(("number", "phrasing", "said"), EXAMPLES)
def test_words_of_examples(number, phrasing, said):
    assert words.say_number(number, phrasing) == said


@pytest.mark.parametrize("phrasing", list(words.NUMBER_PHRASINGS))
def test_a_phrasing_tells_all_numbers_apart(phrasing):
    assert words.say_number(342, phrasing) == words.NUMBER_PHRASINGS[phrasing]
    assert len({words.say_number(number, phrasing) for number in range(1000)}) == 1000


VALUES = {name: value for value, name in enumerate(words.DIGITS + words._TEENS)}
VALUES |= {name: 10 * ten for ten, name in enumerate(words._TENS) if name}


@pytest.mark.parametrize("phrasing", ["british", "american"])
def test_words_add_up(phrasing):
    for number in range(1000):
        said = re.split(r"[ -]", words.say_number(number, phrasing).replace(" and ", " "))
        total = 0
        for word in said:
            total = total * 100 if word == "hundred" else total + VALUES[word]
        assert total == number


def test_texts_say_the_number(world):
    test = world["test"]
    for row, payload in enumerate(load_all(test, "text")):
        number, phrasing = test.columns["number"][row], test.columns["phrasing"][row]
        assert payload.text == words.say_number(number, phrasing)
    digits = world["digits-test"]
    for row, payload in enumerate(load_all(digits, "text")):
        assert payload.text.endswith(words.DIGITS[digits.columns["digit"][row]])


def test_pen_strokes_stay_in_their_cells_and_lift(world):
    for row in range(0, 400, 10):
        values = world["test"].load(row, "trajectory").values
        assert set(values[:, 2]) == {0.0, 1.0}
        for place in range(3):
            digit = values[20 * place : 20 * (place + 1)]
            assert digit[-1, 2] == 0.0
            assert (np.abs(digit[:, 0] - place - 0.5) < 0.6).all()
            assert (np.abs(digit[:, 1] - 0.5) < 0.7).all()
    one, four = (strokes.draw_trajectory([digit], draw_rng("test")) for digit in (1, 4))
    assert (one[:, 2] == 0).sum() == 1
    assert (four[:, 2] == 0).sum() == 2


@pytest.mark.parametrize("stream", ["trajectory", "image"])
def test_drawn_digits_are_recognisable(world, stream):
    field = {"trajectory": "values", "image": "pixels"}[stream]
    train, test = world["digits-train"], world["digits-valid"]
    known, asked = (
        np.stack([getattr(p, field).astype(float).ravel() for p in load_all(c, stream)])
        for c in (train, test)
    )
    distances = (
        ((asked[:, None] - known[None]) ** 2).sum(axis=2)
        if stream == "trajectory"
        else ((asked**2).sum(axis=1)[:, None] - 2 * asked @ known.T + (known**2).sum(axis=1))
    )
    named = np.array(train.columns["digit"])[distances.argmin(axis=1)]
    assert (named == test.columns["digit"]).mean() > 0.95


def test_clouds_are_the_strokes_with_depth(world):
    for row in range(0, 400, 20):
        xyz = world["test"].load(row, "pointcloud").xyz
        assert 0.15 < xyz[:, 2].max() <= 0.4
        assert xyz[:, 2].min() >= 0.0
        places = np.clip(np.floor(xyz[:, 0]), 0, 2)
        assert (places == np.repeat(range(3), 96)).mean() > 0.95


def test_bell_shaped_noise_has_unit_variance():
    noise = bell(draw_rng("bell"), (100_000,))
    assert noise.mean() == pytest.approx(0.0, abs=0.02)
    assert noise.std() == pytest.approx(1.0, abs=0.02)
