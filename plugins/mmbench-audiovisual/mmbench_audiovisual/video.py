"""Frames and sound tracks of mp4 and other video files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from mmbench.api import Audio, Image, ItemError
from mmbench_audiovisual.clips import WHOLE, Clip
from mmbench_audiovisual.files import shown
from mmbench_audiovisual.sound import sound_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

__all__ = ["load_frame", "load_track"]

#: A frame may be asked for so many seconds after the last one; later the video is too short.
_LATE = 1.0
#: Of a sound track that its header announces, at least this share must be there.
_WHOLE_TRACK = 0.9
#: Half a sample's rounding of time stamps, in seconds.
_ROUNDING = 1e-4


def load_frame(path: Path, at: float) -> Image:
    """The frame that a player shows at a time: the last one that starts no later.

    Times count from the start of the file, as a player's clock does. Before the first frame there
    is nothing to show, so there the first is taken; ``at=0`` is the first. At 25 frames a second
    ``at=5.0`` is frame 125, counted from 0. It does not matter where the key frames lie.

    Args:
        path: The video.
        at: Seconds.

    Raises:
        ItemError: It is not there, is cut off or is no video, or ends over a second before.
    """
    with _opened(path) as container:
        if not container.streams.video:
            raise ItemError("has no video track", where=shown(path))
        stream = container.streams.video[0]
        start = (container.start_time or 0) / 1_000_000
        frame = _frame_at(container, stream, start + at)
        if frame is None:
            raise ItemError("no frame of the video can be decoded", where=shown(path))
        if frame.time is not None and frame.time - start < at - _LATE - _duration(stream):
            raise ItemError(
                f"the video ends at {frame.time - start:.2f} s, before {at:g} s", where=shown(path)
            )
        return Image(cast("NDArray[np.uint8]", frame.to_ndarray(format="rgb24")))


def load_track(path: Path, clip: Clip = WHOLE) -> Audio:
    """The sound track, with as many channels and at the rate it has.

    Raises:
        ItemError: The file is not there, is cut off or is no video, or has no audio track.
    """
    import numpy as np

    with _opened(path) as container:
        if not container.streams.audio:
            raise ItemError("has no audio track", where=shown(path))
        stream = container.streams.audio[0]
        rate = int(stream.rate)
        enough = None if clip.until is None else round(clip.until * rate)
        blocks, count = [], 0
        for block in _blocks(container):
            blocks.append(block)
            count += block.shape[1]
            if enough is not None and count >= enough:
                break
        if not blocks:
            raise ItemError("no sound can be decoded from its audio track", where=shown(path))
        announced = float((stream.duration or 0) * (stream.time_base or 0))
        wanted = announced * rate if enough is None else min(announced * rate, enough)
        if count < wanted * _WHOLE_TRACK:
            raise ItemError(
                f"its audio track is cut off: {count / rate:.2f} of {announced:.2f} s are there",
                where=shown(path),
            )
        samples = np.concatenate(blocks, axis=1)
    first, last = clip.span(count, rate)
    return sound_of(samples[:, first:last], rate, clip, path)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """An open file; whatever goes wrong while it is open is an item's error.

    Raises:
        ItemError: It is not there, or can't be decoded.
    """
    import av

    try:
        with av.open(str(path), mode="r") as container:
            yield container
    except ItemError:
        raise
    except FileNotFoundError as error:
        raise ItemError("the video is not there", where=shown(path)) from error
    except Exception as error:  # FFmpeg's errors have many classes
        why = getattr(error, "strerror", None) or error  # FFmpeg's own repeats number and file
        raise ItemError(f"the video can't be decoded: {why}", where=shown(path)) from error


def _frame_at(container: InputContainer, stream: VideoStream, time: float) -> VideoFrame | None:
    """The last frame that starts no later than ``time``, or else the first."""
    target = int((time + _ROUNDING) / (stream.time_base or 1))
    start = stream.start_time or 0
    container.seek(max(target, start), stream=stream)
    found, due, _ = _scan(container, stream, target, skip=True)
    if found is not None and found.pts == due:
        return found
    # The index led behind it, or it was skipped: look from the beginning, at every frame.
    container.seek(start, stream=stream)
    found, _, first = _scan(container, stream, target, skip=False)
    return found or first


def _scan(
    container: InputContainer, stream: VideoStream, target: int, *, skip: bool
) -> tuple[VideoFrame | None, int | None, VideoFrame | None]:
    """Decode from here to ``target``, a time stamp.

    Args:
        container: The file, at a key frame.
        stream: Its pictures.
        target: The time stamp.
        skip: Leave out what no other frame needs until half a second before: 1.3 to 1.9 times as
            fast, and the frame is the same to the last bit.

    Returns:
        The last decoded frame up to ``target``, the stamp that it should have by the packets, and
        the first decoded frame.
    """
    near = target - int(0.5 / (stream.time_base or 1))
    found = first = due = None
    for packet in container.demux(stream):
        if packet.pts is not None:
            early = skip and packet.pts < near
            stream.codec_context.skip_frame = "NONREF" if early else "DEFAULT"
            if packet.pts <= target:
                due = packet.pts if due is None else max(due, packet.pts)
        for frame in packet.decode():
            if frame.pts is None:
                continue
            first = first or frame
            if frame.pts > target:
                return found, due, first
            found = frame
    return found, due, first


def _duration(stream: VideoStream) -> float:
    """How long one frame is shown, in seconds."""
    return 1 / float(stream.average_rate) if stream.average_rate else 0.0


def _blocks(container: InputContainer) -> Iterator[Any]:
    """The decoded track as float32 [channels, time], block by block."""
    from av import AudioResampler

    resampler = AudioResampler(format="fltp")  # the samples' type alone: rate and layout stay
    for frame in container.decode(audio=0):
        for block in resampler.resample(frame):
            yield block.to_ndarray()
    for block in resampler.resample(None):
        yield block.to_ndarray()
