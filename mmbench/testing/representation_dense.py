"""Checks: a dense map covers the whole frame, row 0 at the top, column 0 at the left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import Image
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, fail
from mmbench.testing.child import label_of
from mmbench.testing.comparison import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from mmbench.api import Offer, Slot
    from mmbench.testing.representations import RepresentationSubject

    Region = tuple[slice, slice]

#: Height and width of the frames, where a slot leaves them free.
_SQUARE, _WIDE, _TALL = (96, 96), (64, 160), (160, 64)
_CORNERS = ("top left", "top right", "bottom left", "bottom right")
_EDGES = ("top", "bottom", "left", "right")
#: A corner is found where its quarter of the map changes this many times as much as the average.
_CONTRAST = 1.25
#: An edge is seen where it changes the map by this share of what a corner does.
_SEEN = 0.02


@conformance("dense", "representations")
def dense_maps_have_cells(subject: RepresentationSubject) -> None:
    """A dense map has at least one row and one column of cells.

    ``encode_dense`` returns [B, h, w, D]. A frame that is smaller than a patch still has one cell:
    enlarge it first.
    """
    for offer in subject.offers_of("dense"):
        if offer not in subject.main_offers:
            continue
        with blocking("encode_dense()", "every_offer_runs"):
            found = subject.encode(subject.shared, offer, subject.batch(offer, (0,)))
        if found.ndim == 4 and 0 in found.shape[1:3]:
            fail(
                expected=f"{label_of(offer)} to return [B, h, w, D] with h and w of at least 1",
                seen=f"shape {found.shape}",
                change="enlarge frames that are smaller than a patch",
            )


@conformance("dense", "representations")
def dense_grid_follows_the_size(subject: RepresentationSubject) -> None:
    """Frames of one size have maps of one size, whatever they show.

    Maps of a collection are stored side by side, so rows and columns may follow the frame's size
    and the options, but not what is in the picture.
    """
    for offer, slot in _dense(subject):
        size = _size(slot, _SQUARE)
        plain, striped = (
            _maps(subject, offer, slot, [picture])
            for picture in (_plain(size), _planted(size, _corner(size, "top left")))
        )
        if plain.shape[1:3] != striped.shape[1:3]:
            fail(
                expected=f"{label_of(offer)} to return one grid for two frames of {_said(size)}",
                seen=f"{plain.shape[1:3]} and {striped.shape[1:3]}",
                change="let the grid follow the frame's size and the options alone",
            )


@conformance("dense", "representations")
def dense_maps_are_the_right_way_round(subject: RepresentationSubject) -> None:
    """What is in a corner of the frame is in the same corner of the map.

    ``map[0, 0]`` is the top left. A bright square is planted in each corner of a plain frame; the
    cells that change most must lie in its quarter of the map. Where they lie elsewhere, rows or
    columns are flipped, or [w, h] is taken for [h, w]: look at ``transpose`` and ``reshape``.
    """
    _find_corners(subject, _SQUARE)


@conformance("dense", "representations")
def dense_maps_of_wide_frames_are_not_turned(subject: RepresentationSubject) -> None:
    """In a frame that is no square, a corner is still found in its corner.

    Where height and width are mixed up, square frames look right and others don't.
    """
    for offer, slot in _dense(subject):
        height, width = _size(slot, _WIDE)
        if height == width:
            raise NotRelevant(f"slot {slot.name!r} takes squares of {_said((height, width))} only")
        size = _size(slot, _SQUARE)
        if _corner_fault(subject, offer, slot, size):
            raise Blocked(
                "corners of a square are misplaced: see dense_maps_are_the_right_way_round"
            )
    _find_corners(subject, _WIDE)


@conformance("dense", "representations")
def dense_maps_cover_the_whole_frame(subject: RepresentationSubject) -> None:
    """What stands at the very edge of a wide or a tall frame changes the map.

    Boxes and masks are compared with the map as if it covered all of the frame. A centre crop, as
    the preprocessing of most classifiers has it, cuts off the sides and shifts all the rest: resize
    the frame to the model's input instead, without keeping its aspect if need be, or pad it and
    leave the padding's cells out.
    """
    for offer, slot in _dense(subject):
        for wanted in (_WIDE, _TALL):
            size = _size(slot, wanted)
            regions = [_edge(size, name) for name in _EDGES]
            regions += [_corner(size, "top left"), _middle(size)]
            *edges, corner, middle = _changes(subject, offer, slot, size, regions)
            most = max(float(each.max()) for each in (*edges, corner, middle))
            for name, change in zip(_EDGES, edges, strict=True):
                if float(change.max()) < _SEEN * most:
                    fail(
                        expected=f"{label_of(offer)} to change where something stands at the "
                        f"{name} edge of a frame of {_said(size)}",
                        seen="no cell of the map changes",
                        change="resize the whole frame instead of cropping its centre",
                    )


def _find_corners(subject: RepresentationSubject, wanted: tuple[int, int]) -> None:
    """Plant squares in the corners of a frame, and fail where one is found elsewhere."""
    for offer, slot in _dense(subject):
        size = _size(slot, wanted)
        fault = _corner_fault(subject, offer, slot, size)
        if fault:
            planted, found = fault
            fail(
                expected=f"a square in the {planted} corner of a frame of {_said(size)} to change "
                f"the {planted} of {label_of(offer)} most",
                seen=f"the {found} changes most",
                change="return [B, h, w, D] with row 0 at the top and column 0 at the left: look "
                "at reshape, transpose and flips",
            )


def _corner_fault(
    subject: RepresentationSubject, offer: Offer, slot: Slot, size: tuple[int, int]
) -> tuple[str, str] | None:
    """The first corner that is found elsewhere, and where; None if there is none.

    Raises:
        NotRelevant: The representation does not tell places apart, or has too few cells to.
    """
    changes = _changes(subject, offer, slot, size, [_corner(size, name) for name in _CORNERS])
    quarters = np.array([_quarters(change) for change in changes])
    average = np.maximum(quarters.mean(axis=1), 1e-30)
    if (quarters.max(axis=1) / average).min() < _CONTRAST:
        raise NotRelevant(
            f"a square in a corner changes all of {label_of(offer)} alike: it tells no places apart"
        )
    for row, name in enumerate(_CORNERS):
        found = _CORNERS[int(quarters[row].argmax())]
        if found != name:
            return name, found
    return None


def _quarters(change: NDArray[np.float32]) -> list[float]:
    """Mean change of a map's four quarters, as :data:`_CORNERS` names them."""
    height, width = change.shape[0] // 2, change.shape[1] // 2
    if min(height, width) < 1:
        raise NotRelevant(f"a map of {change.shape[0]} x {change.shape[1]} cells has no corners")
    parts = (
        change[:height, :width], change[:height, -width:],
        change[-height:, :width], change[-height:, -width:],
    )  # fmt: skip
    return [float(part.mean()) for part in parts]


def _dense(subject: RepresentationSubject) -> Iterator[tuple[Offer, Slot]]:
    """Dense offers that take a picture, and the slot that takes it.

    Raises:
        NotRelevant: There is none.
    """
    slots = {slot.name: slot for slot in subject.info.slots}
    found = [
        (offer, slots[name])
        for offer in subject.offers_of("dense")
        if offer in subject.main_offers
        for name in sorted(offer.slots)
        if "Image" in slots[name].kinds and slots[name].modality == "image"
    ]
    if not found:
        raise NotRelevant("no dense offer takes a picture")
    for offer, slot in found:
        subject.steady(offer)  # noise and NaN have checks of their own
        yield offer, slot


def _changes(
    subject: RepresentationSubject,
    offer: Offer,
    slot: Slot,
    size: tuple[int, int],
    regions: Sequence[Region],
) -> list[NDArray[np.float32]]:
    """How much each cell [h, w] changes when something is planted in a region, for each of them.

    Raises:
        NotRelevant: Nothing that is planted changes anything.
    """
    pictures = [_plain(size), *(_planted(size, region) for region in regions)]
    maps = _maps(subject, offer, slot, pictures)
    changes = np.linalg.norm(maps[1:] - maps[:1], axis=-1)
    if changes.max(initial=0.0) <= TOLERANCE * max(float(np.abs(maps).max(initial=0.0)), 1e-30):
        raise NotRelevant(f"nothing that was planted in a plain frame changes {label_of(offer)}")
    return list(changes)


def _maps(
    subject: RepresentationSubject, offer: Offer, slot: Slot, pictures: Sequence[Image]
) -> NDArray[np.float32]:
    """Dense maps [B, h, w, D] of pictures in one slot, the others' payloads staying as they are.

    Raises:
        Blocked: The method raises, or returns something else.
    """
    batch = subject.batch(offer, [0] * len(pictures))
    batch[slot.name] = list(pictures)
    with blocking("encode_dense() of plain frames", "every_offer_runs"):
        maps = subject.encode(subject.shared, offer, batch)
    if maps.ndim != 4 or len(maps) != len(pictures):
        raise Blocked(f"it returns shape {maps.shape}: see one_row_an_item")
    if not maps.size:
        raise Blocked(f"it returns shape {maps.shape}: see dense_maps_have_cells")
    return maps


def _plain(size: tuple[int, int]) -> Image:
    """A grey frame with a little grain."""
    grain = np.random.default_rng(0).normal(110, 5, size=(*size, 3))
    return Image(grain.clip(0, 255).astype(np.uint8))


def _planted(size: tuple[int, int], region: Region) -> Image:
    """The same frame with bright and dark stripes in a region."""
    pixels = _plain(size).pixels.copy()
    rows, columns = np.indices(size)
    stripes = ((rows + columns) // 4 % 3 == 0)[..., None]
    pixels[region] = np.where(stripes, (40, 20, 90), (255, 245, 60))[region]
    return Image(pixels)


def _corner(size: tuple[int, int], name: str) -> Region:
    """A corner's square: a quarter of the height and of the width."""
    vertical, horizontal = name.split()
    return _end(size[0], 4, first=vertical == "top"), _end(size[1], 4, first=horizontal == "left")


def _edge(size: tuple[int, int], name: str) -> Region:
    """A thin strip along an edge."""
    everywhere = slice(None)
    if name in ("top", "bottom"):
        return _end(size[0], 16, first=name == "top"), everywhere
    return everywhere, _end(size[1], 16, first=name == "left")


def _middle(size: tuple[int, int]) -> Region:
    """The middle square."""
    height, width = size
    return slice(3 * height // 8, 5 * height // 8), slice(3 * width // 8, 5 * width // 8)


def _end(length: int, parts: int, *, first: bool) -> slice:
    part = max(length // parts, 1)
    return slice(0, part) if first else slice(length - part, length)


def _size(slot: Slot, wanted: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a slot's frames: its own where it fixes them."""
    height, width = (slot.shape or (None, None))[:2]
    return height or wanted[0], width or wanted[1]


def _said(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} pixels"
