"""Views and derived collections: plain data, random only by (seed, item), children by parents."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mmbench.api import (
    Array,
    Audio,
    Collection,
    DerivedCollection,
    Image,
    ItemError,
    MemoryCollection,
    PointCloud,
    Sequence,
    Stream,
    Text,
    UsageError,
    Video,
    View,
)

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (20, 40, 3), dtype=np.uint8)
IMAGE = Image(PIXELS)
AUDIO = Audio(RNG.uniform(-1, 1, (2, 500)).astype(np.float32), 8000)
VIDEO = Video(RNG.integers(0, 256, (50, 4, 4, 3), dtype=np.uint8), 25.0)
SEQUENCE = Sequence(RNG.normal(size=(500, 3)).astype(np.float32))
ARRAY = Array(RNG.normal(size=(4, 5)).astype(np.float32))


def values_of(payload):
    return next(
        getattr(payload, name)
        for name in ("pixels", "samples", "frames", "values")
        if hasattr(payload, name)
    )


@pytest.mark.parametrize("payload", [IMAGE, AUDIO, VIDEO, SEQUENCE, ARRAY])
def test_noise_is_drawn_from_seed_and_item(payload):
    view = View("noise", {"level": 0.1}, seed=3)
    first = values_of(view.apply(payload, "item"))
    np.testing.assert_array_equal(first, values_of(view.apply(payload, "item")))
    for other in (
        view.apply(payload, "another"),
        View("noise", {"level": 0.1}, 4).apply(payload, "item"),
    ):
        assert (values_of(other) != first).any()
    before = values_of(payload)
    assert first.dtype == before.dtype
    scale = 255 if before.dtype == np.uint8 else 1
    drawn = (first.astype(float) - before) / scale
    assert 0 < np.abs(drawn).max() < 0.6
    assert np.std(drawn) == pytest.approx(0.1, rel=0.35)
    assert getattr(view.apply(payload, "item"), "rate", None) == getattr(payload, "rate", None)
    assert getattr(view.apply(payload, "item"), "fps", None) == getattr(payload, "fps", None)


@pytest.mark.parametrize(("payload", "axis"), [(AUDIO, 1), (VIDEO, 0), (SEQUENCE, 0)])
def test_dropped_frames_are_zero_and_the_others_untouched(payload, axis):
    found = View("drop_frames", {"rate": 0.3}).apply(payload, "item")
    before, after = (np.moveaxis(values_of(each), axis, 0) for each in (payload, found))
    gone = (after == 0).reshape(len(after), -1).all(axis=1)
    assert after.dtype == before.dtype
    assert 0.1 < gone.mean() < 0.5
    np.testing.assert_array_equal(after[~gone], before[~gone])
    again = View("drop_frames", {"rate": 0.3}).apply(payload, "item")
    np.testing.assert_array_equal(values_of(again), values_of(found))


def test_a_dropped_infinity_is_zero():
    broken = Sequence(np.full((50, 2), -np.inf, np.float32))
    values = View("drop_frames", {"rate": 1.0}).apply(broken, "item").values
    assert (values == 0).all()


@pytest.mark.parametrize("payload", [IMAGE, AUDIO, VIDEO, SEQUENCE, ARRAY])
def test_zero_fills_and_keeps_shape_and_kind(payload):
    found = View("zero").apply(payload, "item")
    assert type(found) is type(payload)
    assert values_of(found).shape == values_of(payload).shape
    assert values_of(found).dtype == values_of(payload).dtype
    assert not values_of(found).any()


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((0, 0, 1, 1), (0, 20), (0, 40)),
        ((0.25, 0.5, 0.75, 1.0), (10, 20), (10, 30)),
        ((-1, -1, 2, 2), (0, 20), (0, 40)),  # clipped to the frame
        ((0.5, 0.5, 0.5, 0.5), (10, 11), (20, 21)),  # at least a pixel
        (np.array([0.25, 0.5, 0.75, 1.0], np.float32), (10, 20), (10, 30)),
    ],
)
def test_crop_cuts_the_box(box, rows, columns):
    found = View("crop", {"box": box}).apply(IMAGE, "item").pixels
    np.testing.assert_array_equal(found, PIXELS[slice(*rows), slice(*columns)])
    assert found.flags.c_contiguous


def test_a_box_outside_the_frame_is_the_items_fault():
    with pytest.raises(ItemError, match="cuts nothing out of a 40x20 image"):
        View("crop", {"box": [1.0, 0.0, 1.0, 1.0]}).apply(IMAGE, "item")


@pytest.mark.parametrize(
    ("view", "payload", "said"),
    [
        (View("blur"), IMAGE, "no view is called 'blur': crop, noise"),
        (View("crop", {"box": [0, 0, 1, 1]}), AUDIO, "applies to Image, not Audio"),
        (View("zero"), Text("x"), "does not apply to a payload of kind Text"),
        (View("noise", {"level": 1}), PointCloud(np.zeros((1, 3))), "kind PointCloud"),
        (View("drop_frames", {"rate": 0.5}), IMAGE, "needs a time axis; Image has none"),
        (View("drop_frames", {"rate": 0.5}), ARRAY, "needs a time axis; Array has none"),
    ],
)
def test_a_view_that_does_not_apply_says_so(view, payload, said):
    with pytest.raises(UsageError, match=said):
        view.apply(payload, "item")


def test_view_keys_name_options_and_seed():
    key = View("crop", {"box": [0.0, 0.5]}, 1).key()
    assert View("crop", {"box": (0.0, 0.5)}, 1).key() == key
    assert View("crop", {"box": np.array([0.0, 0.5])}, 1).key() == key
    assert View("noise", {"a": 1, "b": 2}).key() == View("noise", {"b": 2, "a": 1}).key()
    others = (View("crop", {"box": [0.0, 0.5]}, 2), View("crop", {"box": [0.0, 0.6]}, 1))
    assert key not in {other.key() for other in others}


class Counted(Collection):
    """Images that count how often they are decoded."""

    name = "frames"

    def __init__(self):
        self.ids = ["a", "b", "c"]
        self.streams = {
            "image": Stream("image", "image", "Image", (20, 40, 3), provenance="generated"),
            "audio": Stream("audio", "audio", "Audio"),
        }
        self.columns = {}
        self.decoded = []

    def load(self, row, stream):
        self.decoded.append(row)
        return IMAGE

    def content_keys(self, stream):
        return ["key-a", None, "key-c"]


def derived(parent=None, **changes):
    fields = {
        "name": "crops",
        "parent": parent or Counted(),
        "stream": "image",
        "rows": [0, 0, 2],
        "views": [[], [View("zero")], [View("crop", {"box": [0, 0, 0.5, 1]}), View("zero")]],
    }
    return DerivedCollection(**fields | changes)


def test_children_point_to_their_parents():
    children = derived(columns={"score": [1, 2, 3]})
    assert children.ids == ["a#0", "a#1", "c#0"]
    assert children.columns == {"parent": ["a", "a", "c"], "score": [1, 2, 3]}
    assert set(children.streams) == {"image"}
    assert children.streams["image"].provenance == "generated"
    assert children.streams["image"].shape is None
    assert not children.auxiliary


def test_a_parent_is_decoded_once_for_neighbouring_children():
    parent = Counted()
    children = derived(parent)
    shapes = [children.load(row, "image").pixels.shape for row in range(3)]
    assert parent.decoded == [0, 2]
    assert shapes == [(20, 40, 3), (20, 40, 3), (20, 20, 3)]


def test_content_keys_are_the_parents_and_the_views():
    keys = derived(rows=[0, 1, 2]).content_keys("image")
    assert keys[0] == "key-a"  # no view: the parent's own vector serves
    assert keys[1] is None
    assert keys[2].startswith("key-c|crop@")
    assert len(set(derived().content_keys("image"))) == 3


def test_randomness_follows_the_item_wherever_it_lies():
    view = View("noise", {"level": 0.5}, 7)
    one = derived(rows=[0, 2], views=[[view], [view]])
    other = derived(rows=[2, 0], views=[[view], [view]])
    np.testing.assert_array_equal(one.load(0, "image").pixels, other.load(1, "image").pixels)
    assert (one.load(0, "image").pixels != one.load(1, "image").pixels).any()


def test_it_travels_to_workers():
    streams = {"image": Stream("image", "image", "Image")}
    parent = MemoryCollection("m", ["a"], streams, {"image": [IMAGE]})
    children = derived(parent, rows=[0], views=[[View("crop", {"box": [0, 0, 0.5, 1]})]])
    there = pickle.loads(pickle.dumps(children))
    assert there.fingerprint() == children.fingerprint()
    np.testing.assert_array_equal(there.load(0, "image").pixels, PIXELS[:, :20])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"views": [[]]}, "3 rows and 1 views"),
        ({"ids": ["x"]}, "3 rows and 1 ids"),
        ({"stream": "text"}, "'frames' has no stream 'text'"),
    ],
)
def test_what_does_not_line_up_is_refused(changes, said):
    with pytest.raises(UsageError, match=said):
        derived(**changes)


def test_only_the_derived_stream_is_there():
    with pytest.raises(KeyError):
        derived().load(0, "audio")
    with pytest.raises(KeyError):
        derived().content_keys("audio")


def test_a_broken_parent_is_tried_once_for_all_its_children():
    class Broken(MemoryCollection):
        def load(self, row, stream):
            tried.append(row)
            raise ItemError("is cut off", where=f"file {row}", fix="get it again")

    tried = []
    streams = {"image": Stream("image", "image", "Image")}
    parent = Broken("pictures", ["a", "b"], streams, {"image": [IMAGE, IMAGE]})
    views = [[View("crop", {"box": [0, 0, 1, side / 4]})] for side in (1, 2, 3, 4)]
    crops = DerivedCollection("crops", parent, "image", [0, 0, 1, 1], views)
    for row in range(4):
        with pytest.raises(ItemError, match=f"file {row // 2}: is cut off") as caught:
            crops.load(row, "image")
        assert caught.value.fix == "get it again"
    assert tried == [0, 1]
