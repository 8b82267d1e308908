"""GMC as a representation: subsets, predictions, states, and what is said of bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gmc_worlds import SMALL, STREAMS, batch, bound, collection, fit_data, fitted

from mmbench.api import (
    Array,
    DataError,
    FitData,
    Image,
    ItemError,
    MemoryCollection,
    NotApplicable,
    Sequence,
    State,
    Stream,
    Text,
    UsageError,
)
from mmbench_gmc.gmc import GMC
from mmbench_gmc.mult import MulT

SLOTS = [stream.name for stream in STREAMS]


@pytest.fixture(scope="module")
def gmc():
    return fitted(GMC(**SMALL))


@pytest.fixture(scope="module")
def classifier():
    return fitted(GMC(**SMALL), fit_data(target="label", kind="class"))


def test_every_subset_is_offered_and_counted(gmc):
    info = gmc.info
    assert len(info.offers) == 14
    assert info.offer("global", frozenset(SLOTS)).dim == 6
    network = gmc._learnt.network
    assert info.parameters == sum(each.numel() for each in network.parameters())
    assert gmc.state().meta["parameters"] == info.parameters


def test_subsets_are_means_and_the_complete_set_is_not(gmc):
    items = batch()
    singles = {slot: gmc.encode({slot: items[slot]}) for slot in SLOTS}
    np.testing.assert_allclose(np.linalg.norm(singles["image"], axis=1), 1.0, rtol=1e-5)
    two = gmc.encode({slot: items[slot] for slot in ("words", "image")})
    np.testing.assert_allclose(two, (singles["words"] + singles["image"]) / 2, rtol=1e-5)
    np.testing.assert_allclose(
        gmc.fuse({s: singles[s] for s in ("image", "words")}), two, rtol=1e-5
    )
    assert gmc.fuse(singles) is None
    joint = gmc.encode(items)
    assert not np.allclose(joint, sum(singles.values()) / 3, atol=1e-3)


def test_renormalised_means_are_fused_alike():
    gmc = fitted(GMC(**SMALL, renormalise=True))
    items = batch()
    singles = {slot: gmc.encode({slot: items[slot]}) for slot in SLOTS[:2]}
    found = gmc.encode({slot: items[slot] for slot in SLOTS[:2]})
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(gmc.fuse(singles), found, rtol=1e-5)


def test_it_learns_classes_in_sorted_order_from_every_subset():
    model = GMC(**{**SMALL, "epochs": 25, "learning_rate": 8e-3})
    names = ["oak", "ash", "yew", "elm", "fir"]  # sorted, they stand elsewhere
    gmc = fitted(model, fit_data(collection(tree=names * 6), target="tree", kind="class"))
    places = np.array([sorted(names).index(name) for name in names * 2])
    items = batch(rows=range(10))
    for subset in (SLOTS, *([slot] for slot in SLOTS)):
        scores = gmc.predict({slot: items[slot] for slot in subset})
        assert scores.shape == (10, 5)
        assert (scores.argmax(axis=1) == places).mean() >= 0.9, subset


def test_it_learns_values():
    model = GMC(**{**SMALL, "epochs": 25, "learning_rate": 8e-3})
    gmc = fitted(model, fit_data(target="value", kind="value"))
    found = gmc.predict(batch(rows=range(10)))
    assert found.shape == (10,)
    np.testing.assert_allclose(found, (np.arange(10) % 5) / 2 - 1, atol=0.25)


@pytest.mark.parametrize("target", [(None, None), ("label", "class"), ("value", "value")])
def test_a_state_gives_the_same_bits(target):
    gmc = fitted(GMC(**SMALL), fit_data(target=target[0], kind=target[1]))
    state = gmc.state()
    floats = {n: a.dtype for n, a in state.arrays.items() if not n.endswith("num_batches_tracked")}
    assert set(floats.values()) <= {np.dtype(np.float32)}
    again = GMC(**SMALL)
    again.bind(STREAMS)
    again.load_state(State(state.arrays, state.meta))
    np.testing.assert_array_equal(again.encode(batch()), gmc.encode(batch()))
    if target[0]:
        np.testing.assert_array_equal(again.predict(batch()), gmc.predict(batch()))
    assert again.state().meta == state.meta


def test_a_task_without_target_gives_no_prediction(gmc):
    with pytest.raises(UsageError, match="trained without a target"):
        gmc.predict(batch())


def test_mult_needs_a_target_and_two_sequences():
    mult = MulT(epochs=1, layers=1, dim=10)
    with pytest.raises(NotApplicable, match=r"two sequences or more, not image \(Array\), sound"):
        mult.bind(STREAMS)
    words = [replace(STREAMS[2], name=name, modality=name) for name in ("text", "audio")]
    mult.bind(words)
    assert mult.info.offer("global", frozenset({"text"})).dim == 20
    items = collection()
    doubled = replace(
        items,
        streams={each.name: each for each in words},
        payloads=dict.fromkeys(("text", "audio"), items.payloads["words"]),
    )
    data = fit_data()
    both = replace(bound(doubled), binding={"text": "text", "audio": "audio"})
    with pytest.raises(UsageError, match="learns nothing without a target"):
        mult.fit(FitData(both, None, data.spec), context())


def context():
    from mmbench.api import Context

    return Context()


def test_a_subset_that_it_cannot_take_is_named(gmc):
    with pytest.raises(UsageError, match="can't take smell: it was trained on image, sound, words"):
        gmc.encode({"smell": batch()["sound"]})


def test_all_streams_missing_is_said(gmc):
    with pytest.raises(UsageError, match="all streams are missing: an item needs one of image"):
        gmc.encode({})


def test_unequal_lengths_are_counted(gmc):
    items = batch()
    with pytest.raises(UsageError, match="unequal numbers: 4 of image, 3 of sound"):
        gmc.encode({"image": items["image"], "sound": items["sound"][:3]})


def test_another_shape_or_kind_is_named(gmc):
    with pytest.raises(UsageError, match=r"shape \(6,\) and is handed \(7,\)"):
        gmc.encode({"sound": [Array(np.zeros(7, np.float32))]})
    with pytest.raises(UsageError, match="kind Array and is handed a Text"):
        gmc.encode({"sound": [Text("six")]})


def test_numbers_that_are_none_lose_their_item(gmc):
    with pytest.raises(ItemError, match="holds NaN or infinity"):
        gmc.encode({"sound": [Array(np.full(6, np.inf, np.float32))]})
    with pytest.raises(ItemError, match="no steps"):
        gmc.encode({"words": [Sequence(np.zeros((0, 4), np.float32))]})


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("class", ["a", None] * 15, "holds None, which is no class"),
        ("class", [1.0, float("nan")] * 15, "holds nan, which is no class"),
        ("class", ["a"] * 30, "one class only, 'a'"),
        ("value", [0.0, float("inf")] * 15, "holds inf, which is no finite number"),
        ("value", ["high"] * 30, "holds 'high', which is no finite number"),
    ],
)
def test_a_target_out_of_range_is_named(kind, values, said):
    data = fit_data(collection(odd=values), target="odd", kind=kind)
    with pytest.raises(DataError, match=said):
        fitted(GMC(**SMALL), data)


def test_a_class_of_the_validation_items_alone_is_named():
    valid = collection(8, seed=2, name="valid", label=["new"] * 8)
    with pytest.raises(DataError, match="valid: 'label' holds 'new', which is none of the 5"):
        fitted(GMC(**SMALL), fit_data(valid=valid, target="label", kind="class"))


def test_items_with_gaps_are_passed_over_and_too_few_refused():
    items = collection()
    payloads = {**items.payloads, "sound": [None] * 28 + list(items.payloads["sound"][28:])}
    fitted(GMC(**SMALL), fit_data(replace(items, payloads=payloads)))
    payloads["image"] = [None, *[None] * 28, items.payloads["image"][29]]
    said = r"1 of the 30 training items 'train'(.|\n)*1 have image, 2 have sound(.|\n)*streams"
    with pytest.raises(UsageError, match=said):
        fitted(GMC(**SMALL), fit_data(replace(items, payloads=payloads)))


@pytest.mark.parametrize("odd", [np.full(6, np.nan, np.float32), None])
def test_a_training_item_that_cannot_be_read_is_named(odd):
    class Broken(MemoryCollection):
        def load(self, row, stream):
            if (row, stream) == (17, "sound") and odd is None:
                raise ItemError("the file is cut short", where="17.wav", fix="fetch it again")
            return super().load(row, stream)

    items = collection()
    sounds = list(items.payloads["sound"])
    if odd is not None:
        sounds[17] = Array(odd)
    broken = Broken(
        items.name, items.ids, items.streams, {**items.payloads, "sound": sounds}, items.columns
    )
    with pytest.raises(DataError) as seen:
        fitted(GMC(**SMALL), fit_data(broken))
    assert "can't learn from sound of item 'train-17'" in str(seen.value)
    assert ("17.wav" if odd is None else "train: ") in str(seen.value)
    assert seen.value.fix == (
        "fetch it again" if odd is None else "mend the item, or leave it out of the training items"
    )


def test_wanted_streams_are_taken_alone():
    gmc = GMC(**SMALL, streams=("sound", "words"))
    gmc.bind(STREAMS)
    assert [slot.name for slot in gmc.info.slots] == ["sound", "words"]
    with pytest.raises(NotApplicable, match=r"takes taste of the kinds Image.*image \(Array\)"):
        GMC(streams=("taste",)).bind(STREAMS)


def test_streams_that_it_cannot_take_are_left_out():
    gmc = GMC()
    gmc.bind([*STREAMS, Stream("price", "table", "Table")])
    assert [slot.name for slot in gmc.info.slots] == SLOTS
    with pytest.raises(NotApplicable, match=r"is handed price \(Table\)"):
        gmc.bind([Stream("price", "table", "Table")])


def test_crossmodal_joint_encoders_take_sequences_only():
    gmc = GMC(joint="crossmodal")
    gmc.bind(STREAMS)
    with pytest.raises(UsageError, match=r"two sequences or more, not image \(Array\), sound"):
        _ = gmc.info


def test_scales_are_learnt_but_for_the_papers_streams(classifier):
    assert sorted(classifier._learnt.scalings) == SLOTS
    mean = classifier.state().arrays["mean/sound"]
    values = np.stack([each.values for each in collection().payloads["sound"]])
    np.testing.assert_allclose(mean, values.mean(axis=0), rtol=1e-4, atol=1e-6)
    assert not classifier.state().arrays["mean/words"].any()  # padding stays padding
    words = np.stack([each.values for each in collection().payloads["words"]])
    deviation = classifier.state().arrays["deviation/words"]
    np.testing.assert_allclose(deviation, np.sqrt((words**2).mean(axis=(0, 1))), rtol=1e-4)
    from mmbench_gmc.inputs import Input
    from mmbench_gmc.plans import published

    assert published(Input("image", "Array", (1, 28, 28), "image"))
    assert not published(Input("image", "Image", (3, 28, 28), "image"))


def test_pictures_of_any_size_come_to_one_shape():
    from mmbench_gmc.inputs import input_of, to_arrays

    form = input_of(Stream("image", "image", "Image", (32, 96, 3)))
    assert form.shape == (3, 20, 52)
    pixels = np.full((7, 9, 3), 255, np.uint8)
    found = to_arrays(form, [Image(pixels), Image(np.zeros((640, 480, 3), np.uint8))])
    np.testing.assert_allclose(found[0], 1.0, rtol=1e-6)
    assert not found[1].any()


def test_half_precision_encodes_about_the_same(gmc):
    from mmbench.api import Context

    usual = gmc.encode(batch())
    half = GMC(**SMALL)
    half.bind(STREAMS)
    half.load(Context(dtype="bf16"))
    half.load_state(gmc.state())
    found = half.encode(batch())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, usual, atol=0.05)
    assert torch.get_num_threads() == 1
