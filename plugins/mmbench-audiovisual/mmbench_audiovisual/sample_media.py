"""Made-up pictures, sounds and videos for samples: what is seen and what is heard go together.

An item's hue is its pitch, its stripes are its tremolo, its brightness is its overtones; classes
differ in hue and pitch, items of a class a little. So a representation can learn the link, and no
figure on a sample is pure chance.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from numpy.typing import NDArray

__all__ = ["Thing", "invent", "paint", "play", "save_jpg", "save_mp4", "save_wav", "video_id"]

#: YouTube's alphabet.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True)
class Thing:
    """Something that is seen and heard.

    Attributes:
        hue: Of its colour, 0 to 1; its pitch rises with it over three octaves.
        stripes: How many it has; its tremolo in Hz.
        light: Of its colour, 0 to 1; strength of its overtones.
        box: Where it is: x1, y1, x2, y2 as shares of the frame.
        seed: Of the noise around it.
    """

    hue: float
    stripes: int
    light: float
    box: tuple[float, float, float, float]
    seed: int


def invent(kind: int, kinds: int, rng: np.random.Generator) -> Thing:
    """Something of class ``kind`` of ``kinds``."""
    width, height = rng.uniform(0.25, 0.6, 2)
    left, top = rng.uniform(0, 1, 2) * (1 - width, 1 - height)
    # An eighth of the frame is the grid: boxes are known to the pixel in any size.
    x1, y1 = (np.floor(np.array([left, top]) * 8) / 8).tolist()
    x2, y2 = np.clip([x1 + np.ceil(width * 8) / 8, y1 + np.ceil(height * 8) / 8], 0, 1).tolist()
    return Thing(
        hue=float((kind + rng.uniform(0.1, 0.9)) / kinds),
        stripes=int(rng.integers(2, 9)),
        light=float(rng.uniform(0.5, 1.0)),
        box=(x1, y1, x2, y2),
        seed=int(rng.integers(2**31)),
    )


def video_id(rng: np.random.Generator) -> str:
    """Eleven letters, as YouTube's ids are."""
    return "".join(_LETTERS[place] for place in rng.integers(0, len(_LETTERS), 11))


def paint(thing: Thing | None, width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """A grey, cloudy picture with the thing in its box, or without any thing."""
    rng = np.random.default_rng((seed, 0 if thing is None else thing.seed))
    coarse = rng.uniform(60, 130, (-(-height // 8), -(-width // 8), 1))
    pixels = np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)[:height, :width].repeat(3, axis=2)
    if thing is not None:
        x1, y1, x2, y2 = (
            round(share * side) for share, side in zip(thing.box, (width, height) * 2, strict=True)
        )
        colour = np.array(colorsys.hsv_to_rgb(thing.hue, 0.9, thing.light)) * 255
        phase = np.arange(x2 - x1) * thing.stripes / max(x2 - x1, 1)
        bright = 0.75 + 0.25 * np.sign(np.sin(2 * np.pi * phase))
        pixels[y1:y2, x1:x2] = colour * bright[None, :, None]
    noisy: NDArray[np.float64] = pixels + rng.normal(0, 3, pixels.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def play(thing: Thing, seconds: float, rate: int, channels: int = 1) -> NDArray[np.float32]:
    """The thing's sound: [channels, time], the second channel a little softer."""
    rng = np.random.default_rng((1, thing.seed))
    time = np.arange(round(seconds * rate)) / rate
    pitch = 200 * 2 ** (3 * thing.hue)
    tone = np.sin(2 * np.pi * pitch * time)
    tone += (thing.light - 0.4) * np.sin(2 * np.pi * 2 * pitch * time)
    tone *= 0.3 * (1 + 0.7 * np.sin(2 * np.pi * thing.stripes * time))
    tone += rng.normal(0, 0.01, len(time))
    loudness = np.linspace(1, 0.8, channels)[:, None]
    heard: NDArray[np.float64] = loudness * tone
    return heard.clip(-1, 1).astype(np.float32)


def save_jpg(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a picture."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=90)


def save_wav(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write a sound as 16-bit wav."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.T, rate, subtype="PCM_16")


def save_mp4(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    fps: int,
    samples: NDArray[np.float32] | None,
    rate: int,
) -> None:
    """Write a video with (or, with None, without) sound: the same bytes whenever it is written."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    codec, options = "mpeg4", {"threads": "1", "g": "12"}
    if "libx264" in av.codecs_available:
        # Without its look ahead over macroblocks, whose bits hang on what memory held before.
        codec, options = "libx264", {**options, "preset": "ultrafast"}
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        height, width = frames[0].shape[:2]
        video: Any = container.add_stream(codec, rate=fps, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio: Any = None
        if samples is not None:
            audio = container.add_stream("aac", rate=rate, options={"threads": "1"})
            audio.layout = "mono" if len(samples) == 1 else "stereo"
        for stream in (video, audio):
            if stream is not None:
                stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for number, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if audio is not None and samples is not None:
            _write_track(container, audio, samples, rate)


def _write_track(
    container: OutputContainer, stream: Any, samples: NDArray[np.float32], rate: int
) -> None:
    """Encode a sound in blocks of AAC's length."""
    import av

    block = 1024
    for start in range(0, samples.shape[1], block):
        part = np.ascontiguousarray(samples[:, start : start + block])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=stream.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
