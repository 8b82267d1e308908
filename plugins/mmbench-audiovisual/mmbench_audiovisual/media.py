"""What every dataset here shares: media files as streams, and a check that decodes each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mmbench.api import (
    BrokenItem,
    Collection,
    DataMissing,
    Dataset,
    DataStatus,
    ItemError,
    MmbenchError,
    Stream,
)
from mmbench_audiovisual.clips import WHOLE, Clip
from mmbench_audiovisual.files import shown
from mmbench_audiovisual.picture import Framing, load_picture
from mmbench_audiovisual.sound import load_sound
from mmbench_audiovisual.video import load_frame, load_track

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mmbench.api import DataSource, Payload
    from mmbench_audiovisual.boxes import Box

__all__ = [
    "Frame",
    "Media",
    "MediaCollection",
    "MediaDataset",
    "Picture",
    "Sound",
    "Track",
    "Unusable",
]


class Media(Protocol):
    """One stream of one item: a file, and how it is decoded."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def recipe(self) -> str:
        """How it is decoded, as part of a content key."""
        ...

    def load(self) -> Payload:
        """Decode it."""
        ...


@dataclass(frozen=True)
class Picture:
    """A picture file, whole or the square in its middle."""

    path: Path
    framing: Framing = "whole"

    @property
    def recipe(self) -> str:
        """Names the part, where it is one."""
        return "picture" if self.framing == "whole" else f"picture {self.framing}"

    def load(self) -> Payload:
        """Decode it."""
        return load_picture(self.path, self.framing)


@dataclass(frozen=True)
class Sound:
    """A part of a sound file."""

    path: Path
    clip: Clip = WHOLE

    @property
    def recipe(self) -> str:
        """Names the part."""
        return f"sound {self.clip.key}"

    def load(self) -> Payload:
        """Decode it."""
        return load_sound(self.path, self.clip)


@dataclass(frozen=True)
class Frame:
    """The frame of a video at a time, in seconds."""

    path: Path
    at: float

    @property
    def recipe(self) -> str:
        """Names the time."""
        return f"frame t={self.at:.3f}"

    def load(self) -> Payload:
        """Decode it."""
        return load_frame(self.path, self.at)


@dataclass(frozen=True)
class Track:
    """A part of a video's sound track."""

    path: Path
    clip: Clip = WHOLE

    @property
    def recipe(self) -> str:
        """Names the part."""
        return f"track {self.clip.key}"

    def load(self) -> Payload:
        """Decode it."""
        return load_track(self.path, self.clip)


@dataclass(frozen=True)
class Unusable:
    """An item that is left out whatever its media are: its annotation is missing or broken."""

    path: Path
    error: ItemError

    @property
    def recipe(self) -> str:
        """Names the reason."""
        return f"unusable {self.error.what}"

    def load(self) -> Payload:
        """Say why.

        Raises:
            ItemError: Always.
        """
        raise ItemError(self.error.what, where=self.error.where, fix=self.error.fix)


_STREAMS = {
    "image": Stream("image", "image", "Image"),
    "audio": Stream("audio", "audio", "Audio"),
}


class MediaCollection(Collection):
    """Items whose streams are media files.

    Args:
        name: The collection's name.
        ids: One a row.
        media: Of the streams ``image`` and ``audio`` (or one of them), one a row.
        columns: Row-aligned plain values.
        source: Where the dataset lies.
        reader: Name and version of the reader, the beginning of every content key.
        proposals: Boxes by id; they become the column ``proposals``.
        listed: The list that names the items; errors about files that are not there name it.
    """

    parallel_loads = True

    def __init__(
        self,
        name: str,
        ids: Sequence[str],
        media: Mapping[str, Sequence[Media]],
        columns: Mapping[str, Sequence[Any]],
        source: DataSource,
        reader: str,
        listed: Path | None = None,
        proposals: Mapping[str, list[Box]] | None = None,
    ) -> None:
        self.name = name
        self.ids = list(ids)
        self.streams = {stream: _STREAMS[stream] for stream in media}
        self.columns = dict(columns)
        if proposals is not None:
            self.columns["proposals"] = [proposals.get(item, []) for item in self.ids]
        self._media = {stream: list(each) for stream, each in media.items()}
        self._source = source
        self._reader = reader
        self._listed = listed

    def load(self, row: int, stream: str) -> Payload:
        """Decode one stream of one item.

        Raises:
            ItemError: It can't be decoded; names the file.
        """
        media = self._media[stream][row]
        try:
            return media.load()
        except ItemError as error:
            if self._listed is None or media.path.is_file():
                raise
            fix = f"{self.ids[row]} is listed in {shown(self._listed)}"
            raise ItemError(error.what, where=error.where, fix=fix) from error

    def content_keys(self, stream: str) -> list[str | None]:
        """Reader, hash of the file, and how it is decoded.

        Of a file that is not there its name: the item is listed as broken, with the reason that
        ``load`` gives, which a ``None`` (it never had this stream) would hide.
        """
        return [self._key(media) for media in self._media[stream]]

    def _key(self, media: Media) -> str:
        if not media.path.is_file():
            place = media.path.relative_to(self._source.root).as_posix()
            return f"{self._reader}/{media.recipe}/missing:{place!a}"
        return f"{self._reader}/{media.recipe}/{self._source.hash_file(media.path)}"


class MediaDataset(Dataset):
    """A dataset whose collections share media files."""

    #: What to say to those who don't have it.
    advice = ""

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """What was found of it, in words. Decodes nothing.

        Raises:
            MmbenchError: What ``collections`` raises.
        """
        return tuple(f"{len(each)} {name}" for name, each in self.collections(source).items())

    def status(self, source: DataSource) -> DataStatus:
        """What is there of it, what is not, and what its annotations are known to have wrong."""
        try:
            return DataStatus(True, found=self.facts(source), advice=self.advice)
        except DataMissing as error:
            return DataStatus(False, missing=(error.where,), advice=error.fix or self.advice)
        except MmbenchError as error:
            return DataStatus(False, advice=str(error))

    def check(
        self,
        source: DataSource,
        progress: Callable[[int, int, str], None] = lambda _done, _total, _what: None,
    ) -> list[BrokenItem]:
        """Decode every stream of every item, each once, and list what is broken."""
        reasons: dict[str, str | None] = {}
        broken = []
        for name, collection in self.collections(source).items():
            for stream in collection.streams:
                keys = collection.content_keys(stream)
                for row, item in enumerate(collection.ids):
                    progress(row, len(collection), f"{name}/{stream}")
                    key = str(keys[row])
                    if key not in reasons:
                        reasons[key] = _reason(collection, row, stream)
                    reason = reasons[key]
                    if reason is not None:
                        broken.append(BrokenItem(name, item, stream, reason))
        return broken


def _reason(collection: Collection, row: int, stream: str) -> str | None:
    """Why a stream of an item can't be decoded, if so."""
    try:
        collection.load(row, stream)
    except ItemError as error:
        return str(error)
    return None
