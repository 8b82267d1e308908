"""The decode spool: what one worker of a run decoded, kept on disk until the last job has had it.

Layout: ``<cache>/spool/<run>/<source>/<digest>``, one decoded payload a file, beside the reason why
there is none (``<digest>-<item>.json``). Only items that several jobs ask for come here
(:mod:`mmbench.runner.sharing`); they are decoded under a lock, so that two workers never decode the
same one. The run's own process holds the lock ``alive`` while it lives, removes what no job will
ask for any more, and in the end all of it. The spool is a matter of speed only: where it is full or
the disk refuses it, items are decoded again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import shutil
import struct
import threading
import weakref
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from filelock import FileLock, Timeout

from mmbench.api import ItemError, StoreError
from mmbench.results.atomic import locked
from mmbench.runner.payload_files import pack, read_payload, write_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mmbench.api import Payload
    from mmbench.runner.sharing import SharedItems

__all__ = ["BROKEN", "Busy", "RunSpool", "Spool", "remove_dead_spools", "run_spool"]

log = logging.getLogger("mmbench.spool")

#: What :meth:`Collection.load` raises for an item that is broken.
BROKEN = (ItemError, OSError, ValueError, EOFError)
#: Errors of the system that another try would meet again; others may pass.
_LASTING = {None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
#: Share of the free disk that a run may take.
_SHARE = 0.25
_COUNTER = struct.Struct("<q")
_FOLDER, _ALIVE, _TABLE, _USED, _FULL = "spool", "alive.lock", "items.npz", "used", "full"


class Busy(Exception):  # noqa: N818 - an answer, not a failure
    """Another worker decodes this item just now."""


class Spool:
    """What a worker sees of the run's spool.

    Args:
        folder: The run's.
        limit: Bytes that all of it may take.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._budget = _Budget(folder, limit)
        self._has_room = True
        with np.load(folder / _TABLE, allow_pickle=False) as table:
            self._first = np.ascontiguousarray(table["digests"][:, 0])
            self._digests = table["digests"]
            self._sources = table["sources"]

    def try_again(self) -> None:
        """Forget that there was no room: sources that are done with have made some."""
        self._has_room = True

    def load(
        self, key: str, item: str, decode: Callable[[], Payload], *, wait: bool = True
    ) -> Payload:
        """What ``decode`` returns or raises; it is called only where nobody called it before.

        Args:
            key: The item's content key: another item of this key has the same payload.
            item: Names the item itself, since errors speak of it.
            decode: Decodes the item.
            wait: Wait for whoever decodes this item just now.

        Raises:
            Busy: Somebody does, and ``wait`` is False.
        """
        digest = blake2b(key.encode(), digest_size=16).digest()
        source = self._source(digest)
        if source is None:
            return decode()
        place = _Place(self._folder / str(source), digest.hex(), item)
        payload = place.read()
        if payload is not None:
            return payload
        if not self._has_room:
            place.raise_reason()
            return decode()
        lock = self._lock(digest, wait=wait)
        if lock is None:
            return decode()
        try:
            payload = place.read()
            if payload is None:
                place.raise_reason()
                payload = self._decode(place, decode)
            return payload
        finally:
            os.close(lock)

    def _lock(self, digest: bytes, *, wait: bool) -> int | None:
        """An open file that holds the lock of an item (and of some others); None without locks.

        It dies with its holder, and is the system's own: a library that looks again and again
        would wait longer than most items take to decode.

        Raises:
            Busy: Somebody else has it, and ``wait`` is False.
        """
        file = None
        try:
            file = os.open(self._folder / "locks" / digest[:1].hex(), os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:  # no lock is no reason to lose an item
            if file is not None:
                os.close(file)
            if isinstance(error, BlockingIOError):
                raise Busy from None
            return None
        return file

    def _decode(self, place: _Place, decode: Callable[[], Payload]) -> Payload:
        """Decode an item and keep it, or the reason why it can't be done."""
        try:
            payload = decode()
        except BROKEN as error:
            if not isinstance(error, OSError) or error.errno in _LASTING:
                with contextlib.suppress(OSError):
                    place.keep_error(error)
            raise
        packed = pack(payload)
        if packed is None:
            return payload
        try:
            if self._budget.take(packed.bytes):
                place.keep(lambda path: write_payload(path, packed))
            else:
                self._say_full(f"the spool is full ({self._budget.limit / 1e9:.3g} GB)")
        except OSError as error:
            self._say_full(f"the spool can't be written to ({error.strerror or error})")
        return payload

    def _source(self, digest: bytes) -> int | None:
        """The source that an item is of; None where it is asked for once only."""
        one, two = np.frombuffer(digest, dtype=np.uint64)
        place = int(np.searchsorted(self._first, one))
        while place < len(self._first) and self._first[place] == one:
            if self._digests[place, 1] == two:
                return int(self._sources[place])
            place += 1
        return None

    def _say_full(self, why: str) -> None:
        """Leave word for the run, and keep nothing more during this job."""
        self._has_room = False
        with contextlib.suppress(OSError), (self._folder / _FULL).open("x") as file:
            file.write(why)


@dataclass(frozen=True)
class _Place:
    """Where an item's payload lies, or the reason why there is none."""

    folder: Path
    digest: str
    item: str

    def read(self) -> Payload | None:
        """The payload; None where nobody has decoded it."""
        with contextlib.suppress(OSError, ValueError, EOFError, LookupError, TypeError):
            return read_payload(self.folder / self.digest)
        return None

    def raise_reason(self) -> None:
        """Raise what was raised when somebody tried to decode it, if somebody did.

        Raises:
            ItemError, OSError, ValueError, EOFError: That.
        """
        try:
            said = json.loads(self._reason.read_text())
        except (OSError, ValueError):
            return
        raise _error(said)

    def keep(self, write: Callable[[Path], object]) -> None:
        """Keep a payload: all of it or none."""
        self._publish(self.folder / self.digest, write)

    def keep_error(self, error: Exception) -> None:
        """Keep why there is no payload."""
        said: dict[str, Any] = {"name": type(error).__name__, "text": [str(error)]}
        said["kind"] = next(kind.__name__ for kind in BROKEN if isinstance(error, kind))
        if isinstance(error, ItemError):
            said["text"] = [error.what, error.where, error.fix]
        self._publish(self._reason, lambda path: path.write_text(json.dumps(said)))

    @property
    def _reason(self) -> Path:
        item = blake2b(self.item.encode(errors="surrogatepass"), digest_size=8).hexdigest()
        return self.folder / f"{self.digest}-{item}.json"

    def _publish(self, path: Path, write: Callable[[Path], object]) -> None:
        aside = self.folder / f".{uuid4().hex}"
        try:
            write(aside)
            aside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            raise


def _error(said: dict[str, Any]) -> Exception:
    """An error like the one that was kept: a class of the same name, with the same words."""
    kind: Any = next(each for each in BROKEN if each.__name__ == said["kind"])
    if kind.__name__ != said["name"]:
        kind = type(said["name"], (kind,), {})
    text = said["text"]
    error = kind(*text) if len(text) == 1 else kind(text[0], where=text[1], fix=text[2])
    assert isinstance(error, Exception)
    return error


class _Budget:
    """Bytes that the spool takes, counted by all processes together.

    Each process has eight bytes of one file to count in, so that nobody waits for anybody. Two
    that look at once may both take the last room: the limit holds but for an item a process.

    Args:
        folder: The run's.
        limit: Bytes that all of it may take.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.limit = limit
        self._mine = 0
        self._lock = threading.Lock()
        file = os.open(folder / _USED, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(file, bytes(_COUNTER.size))
        self._place = os.lseek(file, 0, os.SEEK_CUR) - _COUNTER.size
        os.close(file)
        # Not to append: pwrite would, wherever it is told to write.
        self._file = os.open(folder / _USED, os.O_RDWR)
        weakref.finalize(self, os.close, self._file)

    def used(self) -> int:
        """Bytes that are taken."""
        counters = os.pread(self._file, os.fstat(self._file).st_size, 0)
        return sum(each for (each,) in _COUNTER.iter_unpack(counters))

    def take(self, size: int) -> bool:
        """Take room for so many bytes, if there is any."""
        with self._lock:
            if self.used() + size > self.limit:
                return False
            self._mine += size
            os.pwrite(self._file, _COUNTER.pack(self._mine), self._place)
            return True

    def give_back(self, size: int) -> None:
        """Give room back, whoever took it."""
        with self._lock:
            self._mine -= size
            os.pwrite(self._file, _COUNTER.pack(self._mine), self._place)


class RunSpool:
    """The spool as the run's own process has it.

    Args:
        folder: The run's.
        limit: Bytes that all of it may take.
        consumers: Of each source, the jobs that ask for its items.
    """

    def __init__(self, folder: Path, limit: int, consumers: tuple[frozenset[str], ...]) -> None:
        self.folder = folder
        self.limit = limit
        self._waiting = {source: set(jobs) for source, jobs in enumerate(consumers)}
        self._budget = _Budget(folder, limit)

    def ended(self, job: str) -> None:
        """A job has ended, well or badly: remove what no other job will ask for."""
        for source in [source for source, jobs in self._waiting.items() if job in jobs]:
            self._waiting[source].discard(job)
            if not self._waiting[source]:
                del self._waiting[source]
                self._remove(self.folder / str(source))

    def warning(self) -> str | None:
        """Why items were decoded again, and what helps; None if they were not."""
        try:
            why = (self.folder / _FULL).read_text()
        except OSError:
            return None
        return (
            f"{why}: some items are decoded again by every job that needs them. Free some disk "
            "space under the cache, or let it have more: --spool-gb"
        )

    def _remove(self, folder: Path) -> None:
        size = 0
        with contextlib.suppress(OSError):
            size = sum(path.stat().st_size for path in folder.iterdir())
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._budget.give_back(size)


@contextlib.contextmanager
def run_spool(cache: Path, shared: SharedItems, limit: int | None) -> Iterator[RunSpool | None]:
    """A run's spool while the block lasts; None where there is nothing to share, or no room.

    Args:
        cache: The store's root.
        shared: What is worth keeping.
        limit: Bytes that it may take; None for a quarter of what is free, 0 for no spool.
    """
    with contextlib.suppress(OSError, StoreError):
        remove_dead_spools(cache)
    with contextlib.ExitStack() as stack:
        spool = None
        if shared and limit != 0:
            try:
                spool = _made(stack, cache, shared, limit)
            except (OSError, StoreError) as error:
                log.warning("no spool, so items are decoded for every job anew: %s", error)
        yield spool


def _made(
    stack: contextlib.ExitStack, cache: Path, shared: SharedItems, limit: int | None
) -> RunSpool:
    """A new spool, which ``stack`` removes."""
    folder = cache / _FOLDER / uuid4().hex
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    if limit is None:
        limit = int(_SHARE * shutil.disk_usage(cache).free)
    with locked(cache / _FOLDER):  # or another run would take it for a dead one's
        folder.mkdir()
        stack.enter_context(FileLock(folder / _ALIVE))
    (folder / "locks").mkdir()
    for source in range(len(shared.consumers)):
        (folder / str(source)).mkdir()
    np.savez(folder / _TABLE, digests=shared.digests, sources=shared.sources)
    return RunSpool(folder, limit, shared.consumers)


def remove_dead_spools(cache: Path, *, dry_run: bool = False) -> list[Path]:
    """Remove what killed runs left; returns the folders."""
    spools = cache / _FOLDER
    if not spools.is_dir():
        return []
    dead = []
    with locked(spools):
        for folder in sorted(path for path in spools.iterdir() if path.is_dir()):
            try:
                with FileLock(folder / _ALIVE, timeout=0):
                    dead.append(folder)
            except (Timeout, OSError):
                continue
        for folder in dead if not dry_run else ():
            shutil.rmtree(folder, ignore_errors=True)
    return dead
