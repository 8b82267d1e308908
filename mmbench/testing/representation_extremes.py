"""Checks that payloads at the edge of what is valid are encoded, or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import Audio, ItemError
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.child import label_of
from mmbench.testing.comparison import TOLERANCE, far_apart, same_axes
from mmbench.testing.extreme_items import extremes_of, fits_slot, octave
from mmbench.testing.items import main_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmbench.api import Offer, Payload, Slot
    from mmbench.testing.representations import RepresentationSubject

#: Kinds whose payloads follow a vocabulary: where a representation gives examples of its own, what
#: we make up is no valid input.
_VOCABULARIES = ("Tokens", "Table")
#: Sounds that are tried at two rates; the share of the largest value that an octave changes where
#: pitch matters.
_SOUNDS, _OCTAVE = 3, 0.02


@conformance("extremes", "representations")
def picture_of_any_size_works(subject: RepresentationSubject) -> None:
    """A picture of one pixel, a very wide and a very tall one are encoded or refused.

    Data sets hold thumbnails, banners and crops of a few pixels. Resize with a lower bound of one
    pixel. ``raise ItemError("...")`` drops the item and lists it in the record; any other
    exception fails the whole cell.
    """
    _encodes(subject, "picture_size", "resize so that no side becomes 0")


@conformance("extremes", "representations")
def plain_picture_works(subject: RepresentationSubject) -> None:
    """An all-black and an all-white picture are encoded or refused.

    Videos begin with black frames. A picture without contrast has a standard deviation of 0:
    don't divide by it.
    """
    _encodes(subject, "plain_picture", "divide by the contrast only where it is above a floor")


@conformance("extremes", "representations")
def sound_of_any_length_works(subject: RepresentationSubject) -> None:
    """A sound of one sample, and one of 320,000, are encoded or refused.

    Clips are cut off at the end of a recording. Pad what is shorter than a window; cut, or
    average over, what is longer than the model takes.
    """
    _encodes(subject, "sound_length", "pad short sounds to a window; cut or average long ones")


@conformance("extremes", "representations")
def silence_works(subject: RepresentationSubject) -> None:
    """Silence is encoded or refused.

    Web videos have empty sound tracks. The logarithm of 0 is infinite and the largest sample is
    0: add a small constant before ``log``, and don't divide by a peak of 0.
    """
    _encodes(subject, "silence", "put a floor under the logarithm and under the peak")


@conformance("extremes", "representations")
def loud_sound_works(subject: RepresentationSubject) -> None:
    """A sound that is clipped at full scale is encoded or refused.

    Recordings clip. Look for an overflow where samples become integers: 1.0 is 32,767.
    """
    _encodes(subject, "loud_sound", "clip samples to the range of the integers they become")


@conformance("extremes", "representations")
def any_channels_work(subject: RepresentationSubject) -> None:
    """A sound in stereo, and one of a single channel, are encoded or refused.

    ``Audio.samples`` is [channels, time]: average over the channels for a mono model. A slot
    that needs a number of channels says so: ``Slot(..., shape=(1, None))``.
    """
    _encodes(subject, "channels", "average the channels, or fix them in the slot's shape")


@conformance("extremes", "representations")
def any_rate_works(subject: RepresentationSubject) -> None:
    """A sound at another sampling rate is encoded or refused.

    Slots don't fix a rate, and streams come at their own: resample ``samples`` from ``rate`` to
    what the model was trained with. Taking the samples as they are changes every pitch.
    """
    _encodes(subject, "rate", "resample from payload.rate")


@conformance("extremes", "representations")
def rate_is_heeded(subject: RepresentationSubject) -> None:
    """The same samples at another rate are another sound, and have another vector.

    At half the rate they last twice as long and sound an octave lower. What takes the samples as
    they are, whatever ``rate`` says, hears each data set at another pitch: resample, or compute
    frequencies from ``rate``. It is tried where an octave makes a difference at all.
    """
    tried = False
    for offer, slot in _ways_in(subject):
        ordinary = subject.batch(offer, range(_SOUNDS))
        if not all(isinstance(each, Audio) for each in ordinary[slot.name]):
            continue
        usual = subject.steady(offer)[:_SOUNDS]
        pairs = [octave(each) for each in ordinary[slot.name] if isinstance(each, Audio)]
        try:
            higher, slower = (
                subject.encode(subject.shared, offer, ordinary | {slot.name: list(sounds)})
                for sounds in zip(*pairs, strict=True)
            )
        except Exception:  # noqa: BLE001, S112 - refused, or see any_rate_works
            continue
        if far_apart(usual, higher) <= _OCTAVE or higher.shape != usual.shape:
            continue
        tried = True
        if far_apart(higher, slower) <= TOLERANCE:
            fail(
                expected=f"{label_of(offer)} to tell sounds apart that have the same samples at "
                "two rates",
                seen="the same vectors, though an octave makes a difference",
                change="resample from payload.rate, or compute frequencies from it",
            )
    if not tried:
        raise NotRelevant("no slot takes sounds of any rate whose pitch makes a difference")


@conformance("extremes", "representations")
def empty_text_works(subject: RepresentationSubject) -> None:
    """An empty text, and one of spaces only, are encoded or refused.

    Captions are missing in most data sets. A tokenizer that marks beginning and end gives two
    tokens for them; a mean over no tokens is NaN.
    """
    _encodes(subject, "empty_text", "average over the marks of beginning and end, too")


@conformance("extremes", "representations")
def long_text_works(subject: RepresentationSubject) -> None:
    """A text of 20,000 characters is encoded or refused.

    Product descriptions and transcripts are longer than a model's context: truncate, and say in
    the documentation where.
    """
    _encodes(subject, "long_text", "truncate to the model's context: truncation=True")


@conformance("extremes", "representations")
def text_in_any_script_works(subject: RepresentationSubject) -> None:
    """A text in other scripts, with emoji and combining marks, is encoded or refused.

    Text is Unicode. Don't encode it as ASCII or index a table by ``ord``; unknown characters have
    a token of their own.
    """
    _encodes(subject, "scripts", "map unknown characters to the unknown token")


@conformance("extremes", "representations")
def cloud_of_any_size_works(subject: RepresentationSubject) -> None:
    """A cloud of one point, and one of 5,000, are encoded or refused.

    Sample points with replacement where there are fewer than the model takes.
    """
    _encodes(subject, "cloud_size", "sample with replacement where there are too few points")


@conformance("extremes", "representations")
def cloud_in_one_place_works(subject: RepresentationSubject) -> None:
    """A cloud whose points are all equal is encoded or refused.

    Its radius is 0: a normalisation that divides by it gives NaN. Put a floor under it.
    """
    _encodes(subject, "cloud_in_one_place", "put a floor under the radius that you divide by")


@conformance("extremes", "representations")
def cloud_with_or_without_colours_works(subject: RepresentationSubject) -> None:
    """A cloud is encoded or refused, with colours and without.

    ``PointCloud.rgb`` may be None. A model of coloured clouds takes a constant colour then.
    """
    _encodes(subject, "cloud_colours", "take a constant colour where rgb is None")


@conformance("extremes", "representations")
def sequence_of_any_length_works(subject: RepresentationSubject) -> None:
    """A sequence of one step, and one of 1,000, are encoded or refused.

    ``Sequence.values`` is [time, features]. Differences over time of one step are empty; position
    tables end.
    """
    _encodes(subject, "sequence_length", "pad, resample or cut the time axis")


@conformance("extremes", "representations")
def zeros_work(subject: RepresentationSubject) -> None:
    """A sequence or array of zeros is encoded or refused.

    Feature extractors fail to zeros (a face that is not found). Don't divide by a length or a
    deviation of 0.
    """
    _encodes(subject, "zeros", "put a floor under what you divide by")


@conformance("extremes", "representations")
def video_of_one_frame_works(subject: RepresentationSubject) -> None:
    """A video of one frame is encoded or refused.

    Repeat the frame where the model takes several.
    """
    _encodes(subject, "one_frame", "repeat frames where there are too few")


@conformance("extremes", "representations")
def table_with_holes_works(subject: RepresentationSubject) -> None:
    """A table without cells, and one whose cells are all None, are encoded or refused.

    Catalogues are incomplete: ``cells.get(name)`` may give None, for numbers too.
    """
    _encodes(subject, "table_holes", "take a value of its own for cells that are missing or None")


@conformance("extremes", "representations")
def table_of_other_columns_works(subject: RepresentationSubject) -> None:
    """A table with columns that nobody knows is encoded or refused.

    Catalogues grow: pass over columns that the model was not trained on.
    """
    _encodes(subject, "table_columns", "pass over columns that the model does not know")


@conformance("extremes", "representations")
def single_token_works(subject: RepresentationSubject) -> None:
    """A single token is encoded or refused.

    Differences, pairs and averages over neighbours need a special case.
    """
    _encodes(subject, "one_token", "pad short inputs")


def _encodes(subject: RepresentationSubject, group: str, change: str) -> None:
    """Fail where an extreme of this group raises something, or has no proper vector.

    Raises:
        NotRelevant: No slot takes such payloads.
    """
    tried = 0
    refused: NotRelevant | None = None
    for offer, slot in _ways_in(subject):
        for kind in _kinds(subject, slot):
            ordinary = subject.items.payload(slot, 0, 0, None if kind == main_kind(slot) else kind)
            for name, payload in extremes_of(group, ordinary):
                if kind in _VOCABULARIES and _gives_examples(subject, slot):
                    refused = NotRelevant(f"{slot.name} takes its own examples only")
                elif fits_slot(slot, payload):
                    _encode(subject, offer, slot, payload, name, change)
                    tried += 1
                else:
                    refused = NotRelevant(f"slot {slot.name} asks for shape {slot.shape}")
    if not tried:
        raise refused or NotRelevant("no slot takes such payloads")


def _ways_in(subject: RepresentationSubject) -> Iterator[tuple[Offer, Slot]]:
    """Each slot, with the smallest offer of each kind that takes it."""
    for kind in sorted({offer.kind for offer in subject.encoded_offers()}):
        offers = sorted(subject.offers_of(kind), key=lambda offer: len(offer.slots))
        for slot in subject.info.slots:
            for offer in [offer for offer in offers if slot.name in offer.slots][:1]:
                yield offer, slot


def _kinds(subject: RepresentationSubject, slot: Slot) -> tuple[str, ...]:
    """What a slot takes now: a trained representation was trained on one kind."""
    return (main_kind(slot),) if subject.is_trained else slot.kinds


def _gives_examples(subject: RepresentationSubject, slot: Slot) -> bool:
    """Whether a representation makes the payloads of this slot itself."""
    own = subject.items.representation.example(slot, 0, np.random.default_rng(0))
    return own is not None


def _encode(
    subject: RepresentationSubject,
    offer: Offer,
    slot: Slot,
    payload: Payload,
    name: str,
    change: str,
) -> None:
    """Fail where this payload, beside ordinary ones in other slots, has no proper vector."""
    usual = subject.alone(offer)
    if offer.kind != "prediction" and not usual.any():
        raise Blocked("ordinary items have no length: see output_is_not_zero")
    wanted = usual.shape
    batch = subject.batch(offer, (0,)) | {slot.name: [payload]}
    expected = f"{label_of(offer)} to encode {name} in slot {slot.name}, or to raise ItemError"
    try:
        found = subject.encode(subject.shared, offer, batch)
    except ItemError:
        return
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        fail(
            expected=expected,
            seen=f"it raised {described(error)}",
            change=f'{change}; or raise ItemError("..."), which drops this item only',
        )
    seen = ""
    if not same_axes(offer, found.shape, wanted):
        seen = f"shape {found.shape}; ordinary items have {wanted}"
    elif not np.isfinite(found).all():
        seen = f"{int((~np.isfinite(found)).sum())} of {found.size} values are NaN or infinite"
    elif not found.size:
        seen = f"shape {found.shape}, which holds nothing"
    elif offer.kind != "prediction" and not found.any():
        seen = "a zero vector, which has no direction"
    if seen:
        fail(expected=expected, seen=seen, change=change)
