"""Binding slots to streams: by modality, kind and shape; never by guessing."""

from __future__ import annotations

import pytest

from mmbench.api import Slot, Stream, UsageError
from mmbench.api.streams import bind_slots, fits

IMAGE = Slot("image", "image", ("Image",))
AUDIO = Slot("audio", "audio", ("Audio", "Sequence"))


def streams(*each):
    return {stream.name: stream for stream in each}


PHOTO = Stream("photo", "image", "Image", (224, 224, 3))
SKETCH = Stream("sketch", "image", "Image")
SOUND = Stream("sound", "audio", "Audio", (1, None), 16000)


def test_each_slot_takes_the_stream_that_fits():
    assert bind_slots([IMAGE, AUDIO], streams(SOUND, PHOTO)) == {"image": "photo", "audio": "sound"}


def test_a_slot_that_nothing_fits_stays_unbound():
    assert bind_slots([IMAGE, AUDIO], streams(PHOTO)) == {"image": "photo"}
    assert bind_slots([IMAGE], {}) == {}


def test_two_streams_for_one_slot_are_an_error_that_names_the_mend():
    with pytest.raises(UsageError, match="any of the streams photo, sketch") as caught:
        bind_slots([IMAGE], streams(PHOTO, SKETCH), where="representation clip")
    assert caught.value.where == "representation clip"
    assert 'bind = { image = "photo" }' in caught.value.fix


def test_the_suite_chooses():
    both = streams(PHOTO, SKETCH)
    assert bind_slots([IMAGE], both, {"image": "sketch"}) == {"image": "sketch"}
    # The choice is about another collection: here nothing is ambiguous.
    assert bind_slots([IMAGE], streams(PHOTO), {"image": "sketch"}) == {"image": "photo"}
    with pytest.raises(UsageError, match="could take any"):
        bind_slots([IMAGE], both, {"image": "drawing"})


def test_a_choice_that_does_not_fit_is_an_error():
    said = r"stream 'sound' \(audio, Audio\) does not fit slot 'image' \(image, Image\)"
    with pytest.raises(UsageError, match=said):
        bind_slots([IMAGE], streams(PHOTO, SOUND), {"image": "sound"})


@pytest.mark.parametrize(
    ("slot", "stream", "expected"),
    [
        (IMAGE, PHOTO, True),
        (IMAGE, SOUND, False),
        (AUDIO, Stream("s", "audio", "Tokens"), False),  # another kind
        (IMAGE, Stream("s", "audio", "Image"), False),  # a spectrogram is audio
        (Slot("i", "image", ("Image",), (224, 224, 3)), PHOTO, True),
        (Slot("i", "image", ("Image",), (None, None, 3)), PHOTO, True),
        (Slot("i", "image", ("Image",), (32, 32, 3)), PHOTO, False),
        (Slot("i", "image", ("Image",), (32, 32, 3)), SKETCH, True),  # undeclared
        (Slot("a", "audio", ("Audio",), (1, 16000)), SOUND, True),  # an axis that varies
        (Slot("a", "audio", ("Audio",), (16000,)), SOUND, False),  # another rank
    ],
)
def test_modality_kind_and_shape_decide(slot, stream, expected):
    assert fits(slot, stream) is expected
