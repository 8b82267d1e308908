"""Damages one file of a sample at a time, sees what the dataset makes of it, and mends it again."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from mmbench.api import SAMPLE_MARKER
from mmbench.testing.checks import Blocked, described
from mmbench.testing.loaded import Loaded, load_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mmbench.api import Collection, Dataset, DataSource, DataStatus

__all__ = ["Damage", "Seen", "Trials"]

#: ``altered``, ``altered early``: a byte near the end, or in the middle, is another. ``cut``: the
#: second half is gone. ``garbage``: bytes that are no text stand in the middle.
Damage = Literal["altered", "altered early", "gone", "empty", "cut", "garbage"]

#: Files of a sample that are damaged, at most.
_VICTIMS = 10
#: Of a kind of file that has no more than so many, all are damaged; of others one.
_FEW = 3
#: What systems leave in folders.
_LITTER = (".DS_Store", "Thumbs.db")
#: Words of one line of a list that are changed one by one, at most.
_WORDS = 24
_WORD = re.compile(r"\w+")
_GARBAGE = b"\xff\xfe\x00\x93,\x81\xff"


@dataclass(frozen=True)
class Seen:
    """What a dataset makes of a folder.

    Attributes:
        collections: What it opened.
        error: What opening, or a fingerprint, raised instead.
        step: What raised it.
        fingerprints: Of the collections.
        columns: Ids and columns of the collections.
        loaded: Every stream of every item.
    """

    collections: Mapping[str, Collection] = field(default_factory=dict)
    error: BaseException | None = None
    step: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    loaded: tuple[Loaded, ...] = ()

    @property
    def failed(self) -> list[Loaded]:
        """What did not load."""
        return [each for each in self.loaded if each.error is not None]

    @property
    def items(self) -> int:
        """Items in all collections."""
        return sum(len(collection) for collection in self.collections.values())


class Damageable(Protocol):
    """What is asked of a dataset's subject here."""

    @property
    def name(self) -> str:
        """What users type."""
        ...

    @property
    def workspace(self) -> Path:
        """A folder for what is written."""
        ...

    @property
    def small(self) -> Path:
        """A small sample."""
        ...

    def new(self) -> Dataset:
        """A new instance of the dataset."""
        ...

    def source(self, root: Path) -> DataSource:
        """The dataset as it lies in a folder."""
        ...

    def open(self, root: Path) -> Mapping[str, Collection]:
        """Its collections, read from a folder."""
        ...


class Trials:
    """Damage to a copy of the small sample, one file at a time; each is tried once.

    Args:
        subject: The dataset.
    """

    def __init__(self, subject: Damageable) -> None:
        self.subject = subject
        self.root = subject.workspace / "damaged" / subject.name
        shutil.copytree(subject.small, self.root)
        self._seen: dict[tuple[Damage, Path], Seen] = {}

    @cached_property
    def before(self) -> Seen:
        """What it makes of the sample as it was written.

        Raises:
            Blocked: It can't read that.
        """
        seen = self.look()
        if seen.error is not None:
            raise Blocked(f"{seen.step} raised {described(seen.error)}: see sample_is_read_back")
        if seen.failed:
            raise Blocked(f"{seen.failed[0].label} does not load: see every_item_loads")
        if not seen.items:
            raise Blocked("the sample has no items: see sample_is_read_back")
        if any(len(set(each.ids)) < len(each) for each in seen.collections.values()):
            raise Blocked("ids repeat: see ids_are_unique")
        again = self.look()
        if again.fingerprints != seen.fingerprints:
            raise Blocked("fingerprints change by themselves: see dataset_fingerprint_is_stable")
        if [each.digest for each in again.loaded] != [each.digest for each in seen.loaded]:
            raise Blocked("payloads change by themselves: see loading_twice_is_equal")
        return seen

    @cached_property
    def files(self) -> list[Path]:
        """Files to damage, one or a few of each kind: suffix and depth of folders."""
        kinds: dict[tuple[str, int], list[Path]] = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and path.name != SAMPLE_MARKER and path.stat().st_size:
                place = path.relative_to(self.root)
                kinds.setdefault((path.suffix, len(place.parts)), []).append(place)
        found = []
        for places in kinds.values():
            found += places if len(places) <= _FEW else [places[len(places) // 2]]
        return found[:_VICTIMS]

    @cached_property
    def lists(self) -> list[Path]:
        """Those of them that are text."""
        return [place for place in self.files if _is_text((self.root / place).read_bytes())]

    def each(self, damage: Damage) -> Iterator[tuple[Path, Seen]]:
        """Every file, and what the dataset makes of the folder when that one is damaged."""
        _ = self.before
        for place in self.files if damage != "garbage" else self.lists:
            if (damage, place) not in self._seen:
                with _damaged(self.root / place, damage):
                    self._seen[damage, place] = self.look()
            yield place, self._seen[damage, place]

    @cached_property
    def texts(self) -> dict[Path, str]:
        """Every file of the sample that is text, with what stands in it."""
        return {
            path.relative_to(self.root): path.read_bytes().decode()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and _is_text(path.read_bytes())
        }

    def listed(self, place: Path) -> bool:
        """Whether a text of the sample names this file, and no other file has its name."""
        names = Counter(path.name for path in self.root.rglob("*"))
        if names[place.name] > 1 or place.name == SAMPLE_MARKER:
            return False
        named = rf"(?<!\w){re.escape(place.name)}(?!\w)"
        if len(place.stem) > 2:  # a shorter one may be a label or a number
            named += rf"|(?<![\w.-]){re.escape(place.stem)}(?![\w-])"
        return any(re.search(named, text) for path, text in self.texts.items() if path != place)

    def reworded(self) -> Iterator[tuple[Path, Seen]]:
        """Every list, with one word of its middle line changed, one by one; nothing is loaded.

        Where another line has another word in that place, it is taken: it is likely to be valid.
        """
        _ = self.before
        for place in self.lists:
            text = self.texts.get(place, "")
            for other in _reworded(text):
                try:
                    (self.root / place).write_bytes(other.encode())
                    yield place, self.look(load=False)
                finally:
                    (self.root / place).write_bytes(text.encode())

    def check(
        self, place: Path | None, damage: Damage = "cut"
    ) -> set[tuple[str, str, str]] | BaseException:
        """What its ``check`` lists (where a file is damaged), or what it raises."""
        with _damaged(self.root / place, damage) if place else nullcontext():
            try:
                broken = self.subject.new().check(self.subject.source(self.root))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - that is what was seen
                return error
        return {(each.collection, each.item, each.stream) for each in broken}

    def status(self, place: Path, damage: Damage = "gone") -> DataStatus | BaseException:
        """What its ``status`` says where a file is damaged, or what it raises."""
        with _damaged(self.root / place, damage):
            try:
                return self.subject.new().status(self.subject.source(self.root))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - that is what was seen
                return error

    def littered(self) -> Seen:
        """What it makes of the folder while files lie in it that are none of its own."""
        litter = [self.root / "README.txt", self.root / "__MACOSX" / "._data"]
        for folder in [self.root, *(path for path in self.root.rglob("*") if path.is_dir())]:
            names = sorted(path.name for path in folder.iterdir() if path.is_file())
            litter += [folder / name for name in (*_LITTER, *(f"._{each}" for each in names[:1]))]
        litter = [path for path in litter if not path.exists()]
        (self.root / "__MACOSX").mkdir()
        for path in litter:
            path.write_bytes(b"\0\5\x16\7 litter")
        try:
            return self.look()
        finally:
            for path in litter:
                path.unlink()
            (self.root / "__MACOSX").rmdir()

    def copied(self, place: Path) -> Seen:
        """What it makes of the folder while copies of a file lie beside it and below it."""
        path = self.root / place
        beside, below = path.with_name(f"copy of {path.name}"), path.parent / "old" / path.name
        below.parent.mkdir()
        try:
            for each in (beside, below):
                shutil.copyfile(path, each)
            return self.look(load=False)
        finally:
            beside.unlink(missing_ok=True)
            shutil.rmtree(below.parent)

    def look(self, root: Path | None = None, *, load: bool = True) -> Seen:
        """Open a folder (the damaged one, unless another is named) and load all of it, or none."""
        step = "collections()"
        try:
            collections = self.subject.open(root or self.root)
            step = "reading ids and columns"
            columns = {name: _described(each) for name, each in collections.items()}
            step = "fingerprint()"
            fingerprints = {name: each.fingerprint() for name, each in collections.items()}
            step = "content_keys()"
            loaded = tuple(load_all(collections)) if load else ()
            _ = [each.digest for each in loaded]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is seen
            return Seen(error=error, step=step)
        return Seen(collections, None, "", fingerprints, columns, loaded)


def _described(collection: Collection) -> str:
    """Ids and columns, to be compared."""
    columns = {
        name: values.tolist() if hasattr(values, "tolist") else list(values)
        for name, values in collection.columns.items()
    }
    return repr((list(collection.ids), sorted(columns.items())))


class _damaged:  # noqa: N801 - used as a verb
    """While it lasts, a file is damaged."""

    def __init__(self, path: Path, damage: Damage) -> None:
        self.path = path
        self.damage = damage
        self.bytes = path.read_bytes()

    def __enter__(self) -> None:
        if self.damage == "gone":
            self.path.unlink()
        else:
            self.path.write_bytes(_DAMAGES[self.damage](self.bytes))

    def __exit__(self, *_: object) -> None:
        self.path.write_bytes(self.bytes)


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _reworded(text: str) -> Iterator[str]:
    """A text with one word of its middle line changed, for every word of it."""
    lines = text.splitlines(keepends=True)
    middle = len(lines) // 2
    words = [[word.group() for word in _WORD.finditer(line)] for line in lines]
    found = list(_WORD.finditer(lines[middle])) if lines else []
    for number in range(0, len(found), len(found) // _WORDS + 1):
        word = found[number]
        others = [line[number] for line in words[1:] if len(line) > number]
        other = next((each for each in others if each != word.group()), word.group() + "s")
        line = lines[middle][: word.start()] + other + lines[middle][word.end() :]
        yield "".join([*lines[:middle], line, *lines[middle + 1 :]])


def _altered(content: bytes, share: float) -> bytes:
    """Another byte at this share of the length; of a text the next letter or digit before it."""
    at = min(int(len(content) * share), len(content) - 1)
    if _is_text(content):
        while at and not content[at : at + 1].isalnum():
            at -= 1
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def _cut(content: bytes) -> bytes:
    """The first half; of a text to the begin of a line, which is then too short."""
    half = len(content) // 2
    line = content.rfind(b"\n", 0, half) + 1
    return content[: line + 3] if line and _is_text(content) else content[:half]


def _garbage(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + _GARBAGE + content[middle:]


_DAMAGES = {
    "altered": lambda content: _altered(content, 0.9),
    "altered early": lambda content: _altered(content, 0.5),
    "empty": lambda _content: b"",
    "cut": _cut,
    "garbage": _garbage,
}
