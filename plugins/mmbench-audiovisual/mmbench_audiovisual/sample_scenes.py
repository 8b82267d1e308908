"""Made-up scenes and sounds in the layouts of VGG-SS, Flickr-SoundNet, MUSIC and ESC-50."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from mmbench_audiovisual.layouts import (
    ESC50_HEADER,
    FLICKR_EXTENT,
    FLICKR_MISSPELT,
    MUSIC_INSTRUMENTS,
)
from mmbench_audiovisual.sample_media import (
    Thing,
    invent,
    paint,
    play,
    save_jpg,
    save_wav,
    video_id,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_esc50", "write_flickr", "write_music", "write_vggss"]

_SOUNDS_OF_VGG = ("dog barking", "female speech, man speaking", "playing cello", "train whistling")
_RATE = 16_000
#: No square, so that a reader that mixes up the sides is found out.
_WIDTH, _HEIGHT = 96, 64


def write_vggss(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` scenes, as many silent pairs, and one clip whose source is not visible."""
    rng = np.random.default_rng(seed)
    ids, scenes = [], []
    for number in range(items):
        kind = number % len(_SOUNDS_OF_VGG)
        thing = invent(kind, len(_SOUNDS_OF_VGG), rng)
        item = f"{video_id(rng)}_{int(rng.integers(0, 600)):06d}"
        _write_scene(root, item, thing, 10.0)
        boxes = [list(thing.box)]
        if number % 5 == 4:  # two boxes that overlap
            x1, y1, x2, y2 = thing.box
            boxes = [[x1, y1, (x1 + x2) / 2, y2], [x1, y1, x2, y2]]
        scenes.append({"file": item, "class": _SOUNDS_OF_VGG[kind], "bbox": boxes})
        ids.append(item)
    hidden = f"{video_id(rng)}_000000"
    save_jpg(root / "frames" / f"{hidden}.jpg", paint(None, _WIDTH, _HEIGHT, seed))
    _save(root / "audio" / f"{hidden}.wav", invent(0, 1, rng), 10.0)
    lists = root / "metadata"
    lists.mkdir()
    _write(lists / "vggss.json", json.dumps(scenes))
    # As they are distributed: some with CRLF and without a final newline.
    _write(lists / "vggss_test.csv", "\r\n".join(ids))
    _write(lists / "vggss_heard_test.csv", "".join(f"{item}\n" for item in ids[::2]))
    if ids[1::2]:
        _write(lists / "vggss_unheard_test.csv", "".join(f"{item}\n" for item in ids[1::2]))
    pairs = [(hidden, hidden), *_mismatched(ids)]
    _write(lists / "vggss_test_plus_silent.csv", _silent(pairs))


def write_flickr(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` annotated scenes as the download unpacks; half of them are tests."""
    rng = np.random.default_rng(seed)
    ids = []
    for number in range(items):
        thing = invent(number % 4, 4, rng)
        item = FLICKR_MISSPELT if number == 2 else str(int(rng.integers(10**9, 10**10)))
        folder = root / "Data" / str(number % 10)
        save_jpg(folder / f"{item}.jpg", paint(thing, _WIDTH, _HEIGHT))
        _save(folder / f"{item}.wav", thing, 10.0)
        _write(root / "Annotations" / f"{item}.xml", _annotation(item, thing, rng))
        ids.append(item)
    tests = ids[: max(items // 2, min(items, 3))]
    lists = root / "metadata"
    values = rng.integers(0, 310, len(tests))
    lines = [f"{item},{value}" for item, value in zip(tests, values, strict=True)]
    _write(lists / "flickr_test.csv", "\r\n".join(lines))
    _write(lists / "test_flickr_5k.txt", "".join(f"{item}.jpg\n" for item in sorted(ids)))
    if len(ids) > len(tests):
        _write(lists / "flickr_sup_train.txt", "".join(f"{i}\n" for i in ids[len(tests) :]))
    pairs = _mismatched(tests)
    if pairs:
        _write(lists / "flickr_test_plus_silent.csv", _silent(pairs))


def write_music(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` solo frames with one box, two a second and eight a video, and some duets."""
    rng = np.random.default_rng(seed)
    kinds = list(MUSIC_INSTRUMENTS)
    frames: dict[str, object] = {}
    for video in range(-(-items // 8)):
        things = [invent(kind % 4, 4, rng) for kind in range(4)]
        stem = f"{video_id(rng)}_0_1000"
        sounds = [play(thing, 1.0, _RATE) for thing in things]
        save_wav(root / "audio" / f"{stem}.wav", np.concatenate(sounds, axis=1), _RATE)
        for number in range(min(8, items - 8 * video)):
            second = number // 2
            place = f"{stem}/frame_{second:03d}/{second * 30 + number % 2 * 7:05d}.jpg"
            pixels = paint(things[second], _WIDTH, _HEIGHT, number)
            save_jpg(root / "video_frames" / place, pixels)
            frames[place] = _boxed([things[second]], [kinds[second]])
        if frames:
            place = f"{stem}/frame_003/00113.jpg"
            save_jpg(root / "video_frames" / place, paint(None, _WIDTH, _HEIGHT, video))
            frames[place] = _boxed([], [])
    _write(root / "solotest.json", json.dumps(frames))
    _write_duets(root, items // 4, rng)


def _write_duets(root: Path, count: int, rng: np.random.Generator) -> None:
    """Frames with two instruments, whose sounds are added."""
    frames: dict[str, object] = {}
    kinds = list(MUSIC_INSTRUMENTS)
    for number in range(count):
        left, right = invent(number % 2, 4, rng), invent(2 + number % 2, 4, rng)
        stem = f"{video_id(rng)}_0_1000"
        together = (play(left, 1.0, _RATE) + play(right, 1.0, _RATE)) / 2
        save_wav(root / "audio" / f"{stem}.wav", together, _RATE)
        pixels = np.hstack([paint(left, _WIDTH, _HEIGHT), paint(right, _WIDTH, _HEIGHT)])
        place = f"{stem}/frame_000/00000.jpg"
        save_jpg(root / "video_frames" / place, pixels)
        halves = [_moved(left, 0.0), _moved(right, 0.5)]
        frames[place] = _boxed(halves, [kinds[number % 2], kinds[2 + number % 2]], 2 * _WIDTH)
    if frames:
        _write(root / "duettest.json", json.dumps(frames))


def write_esc50(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` sounds of eight classes, half of them of ESC-10."""
    rng = np.random.default_rng(seed)
    targets = {
        "dog": 0,
        "cow": 3,
        "rain": 10,
        "wind": 16,
        "crying_baby": 20,
        "siren": 42,
        "rooster": 1,
        "pig": 2,
    }
    lines = [",".join(ESC50_HEADER)]
    for number in range(items):
        kind = number % len(targets)
        category, target = list(targets.items())[kind]
        fold = number // len(targets) % 5 + 1
        source = int(rng.integers(10_000, 300_000))
        name = f"{fold}-{source}-A-{target}.wav"
        thing = invent(kind, len(targets), rng)
        save_wav(root / "audio" / name, play(thing, 5.0, _RATE), _RATE)
        lines.append(f"{name},{fold},{target},{category},{kind % 2 == 0},{source},A")
    _write(root / "meta" / "esc50.csv", "".join(f"{line}\n" for line in lines))


def _write_scene(root: Path, item: str, thing: Thing, seconds: float) -> None:
    save_jpg(root / "frames" / f"{item}.jpg", paint(thing, _WIDTH, _HEIGHT))
    _save(root / "audio" / f"{item}.wav", thing, seconds)


def _save(path: Path, thing: Thing, seconds: float) -> None:
    """A thing's sound, mono or stereo."""
    save_wav(path, play(thing, seconds, _RATE, 1 + thing.seed % 2), _RATE)


def _mismatched(ids: list[str]) -> list[tuple[str, str]]:
    """Each picture with the sound of an item of another class."""
    return [(item, ids[(number + 1) % len(ids)]) for number, item in enumerate(ids)][: len(ids) - 1]


def _silent(pairs: list[tuple[str, str]]) -> str:
    lines = ["video,audio,label", *(f"{image},{audio},non-sounding" for image, audio in pairs)]
    return "\r\n".join(lines)


def _annotation(item: str, thing: Thing, rng: np.random.Generator) -> str:
    """Three annotators' boxes, a few pixels apart; one of them has drawn none of four."""
    corners = np.array(thing.box) * FLICKR_EXTENT
    boxes = []
    for annotator in range(3 if thing.seed % 4 else 2):
        drawn = np.clip(corners + rng.integers(-4, 5, 4), 0, FLICKR_EXTENT).astype(int)
        names = ("xmin", "ymin", "xmax", "ymax")
        values = "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, drawn.tolist(), strict=True))
        boxes.append(
            f"  <annotator id='{annotator}'><type>object</type>"
            f"<bbox><name>source</name>{values}</bbox></annotator>\n"
        )
    return f"<annotation>\n  <file>{item}</file>\n{''.join(boxes)}</annotation>\n"


def _moved(thing: Thing, left: float) -> Thing:
    """The thing in one half of a frame of twice the width."""
    x1, y1, x2, y2 = thing.box
    box = (left + x1 / 2, y1, left + x2 / 2, y2)
    return Thing(thing.hue, thing.stripes, thing.light, box, thing.seed)


def _boxed(things: list[Thing], kinds: list[int], width: int = _WIDTH) -> dict[str, object]:
    """A frame's entry in DSOL's files, the misspelt key included."""
    boxes = []
    for thing, kind in zip(things, kinds, strict=True):
        x1, y1, x2, y2 = thing.box
        share = [x1, y1, x2 - x1, y2 - y1]
        pixels = [round(v * side) for v, side in zip(share, (width, _HEIGHT) * 2, strict=True)]
        boxes.append({"box": pixels, "normbox": share, "category_id": kind})
    return {"bbox": boxes, "wdith": width, "height": _HEIGHT}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
