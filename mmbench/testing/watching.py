"""Watches a process: what it reads, writes and asks of the network, as Python's audit tells."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["STARTS", "Watch", "started", "user_caches"]

#: Audit events that reach for another machine, and where their address stands.
_NETWORK = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
#: Audit events that change a path, and where its directory descriptor stands (-1: none).
_WRITES = {
    "os.mkdir": 2,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.truncate": -1,
    "os.chmod": 2,
    "os.chown": 3,
}
#: Audit events with two paths; the second is changed, and where it is moved the first too.
_MOVES = {"os.rename", "os.link", "os.symlink"}
#: Audit events that start another process.
STARTS = {
    "subprocess.Popen", "os.posix_spawn", "os.spawn", "os.system", "os.exec", "os.fork",
    "os.forkpty", "os.startfile", "pty.spawn",
}  # fmt: skip
#: Flags of ``open`` that change a file.
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Variables that name a library's cache folder.
_CACHE_VARIABLES = (
    "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "TORCH_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR",
    "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "CUDA_CACHE_PATH",
)  # fmt: skip
#: Where caches are by default, under the home folder.
_CACHES = (".cache", ".config/matplotlib", ".triton", ".nv", "Library/Caches")


def user_caches() -> list[Path]:
    """The folders that libraries cache in: writing there is no bad manners."""
    named = [Path(os.environ[name]) for name in _CACHE_VARIABLES if os.environ.get(name)]
    with contextlib.suppress(RuntimeError):  # no home folder
        named += [Path.home() / name for name in _CACHES]
    return named


def started(event: str, arguments: tuple[Any, ...]) -> str:
    """A process that an audit event of :data:`STARTS` tells of, in a line."""
    return f"{event} {' '.join(map(repr, arguments[:2]))}"[:120]


class Watch:
    """Records, while it is on, what is written and started, and what is asked of the network.

    What is read is recorded while the plugin loads and encodes.

    What reaches for another machine is refused with an ``OSError``, as where there is no network.
    What compiled code does without Python's knowledge is not seen.

    Args:
        allowed: Folders that may be written to.
    """

    def __init__(self, allowed: list[Path]) -> None:
        self.allowed = [os.path.realpath(path) for path in allowed]
        self.written: list[str] = []
        self.network: list[str] = []
        self.read: list[str] = []
        self.started: list[str] = []
        self.while_: str | None = None
        self._seers: dict[str, Callable[[str, tuple[Any, ...]], None]] = {
            "open": self._see_open,
            "sqlite3.connect": self._see_database,
            **dict.fromkeys(_NETWORK, self._see_network),
            **dict.fromkeys(_WRITES, self._see_change),
            **dict.fromkeys(_MOVES, self._see_move),
            **dict.fromkeys(STARTS, self._see_start),
        }
        sys.addaudithook(self._see)

    @contextlib.contextmanager
    def on(self, doing: str) -> Iterator[None]:
        """Watch meanwhile.

        Args:
            doing: What is done, as in "while it is loaded".
        """
        self.while_ = doing
        try:
            yield
        finally:
            self.while_ = None

    @property
    def is_used(self) -> bool:
        """Whether the plugin loads or encodes at the moment."""
        return self.while_ in ("loaded", "used")

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.while_ is not None and event in self._seers:
            self._seers[event](event, arguments)

    def _see_open(self, _event: str, arguments: tuple[Any, ...]) -> None:
        path, mode, flags = arguments
        if (mode and set(mode) & set("wax+")) or (flags or 0) & _CHANGES:
            self._note(path)
        elif self.is_used and (full := _full(path)) is not None:
            self.read.append(os.path.realpath(full))

    def _see_database(self, _event: str, arguments: tuple[Any, ...]) -> None:
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else ""
        if path not in ("", ":memory:") and not Path(path).exists():
            self._note(path)

    def _see_change(self, event: str, arguments: tuple[Any, ...]) -> None:
        place = _WRITES[event]
        descriptor = arguments[place] if 0 <= place < len(arguments) else -1
        full = _full(arguments[0], descriptor)
        # To make a folder that is there, or to remove what is not, changes nothing.
        if full is not None and os.path.lexists(full) != (event == "os.mkdir"):
            self._note(full)

    def _see_move(self, event: str, arguments: tuple[Any, ...]) -> None:
        self._note(arguments[1])
        if event == "os.rename":
            self._note(arguments[0])

    def _see_start(self, event: str, arguments: tuple[Any, ...]) -> None:
        self.started.append(started(event, arguments))

    def unheard(self, found: Iterable[str]) -> list[str]:
        """Of files that have changed, those of which Python said nothing, and who it may have been.

        Args:
            found: Their real paths.
        """
        heard = {path.partition(" while ")[0] for path in self.written}
        who = f" (a process was started: {self.started[0]})" if self.started else ""
        return [path + who for path in found if path not in heard]

    def _see_network(self, event: str, arguments: tuple[Any, ...]) -> None:
        address = arguments[_NETWORK[event]]
        # A socket's address is a tuple, but for a local (Unix) socket's path.
        if (_NETWORK[event] == 1 and not isinstance(address, tuple)) or not _is_remote(address):
            return
        what = f"{event.removeprefix('socket.')} {_host(address)!r}"
        self.network.append(f"{what} while it is {self.while_}")
        raise OSError("the conformance kit lets nothing reach the network")

    def _note(self, path: Any) -> None:
        full = _full(path)
        if full is None or full.startswith(("/dev/", "/proc/")) or "__pycache__" in full:
            return
        if not any(full == folder or full.startswith(folder + os.sep) for folder in self.allowed):
            self.written.append(f"{full} while it is {self.while_}")


def _full(path: Any, descriptor: Any = -1) -> str | None:
    """The real path, or None of a descriptor or of what is no path."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return None
    with contextlib.suppress(TypeError, ValueError, OSError):
        text = os.fsdecode(path)
        if isinstance(descriptor, int) and descriptor >= 0:
            folder = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - light at listing
            text = os.path.join(folder, text)  # noqa: PTH118 - light at listing
        # The last part itself, not what it may point to: that is what is changed.
        folder, name = os.path.split(os.path.abspath(text))  # noqa: PTH100 - light at listing
        return os.path.realpath(folder) + os.sep + name
    return None


def _host(address: Any) -> Any:
    """The machine of an address."""
    host = address[0] if isinstance(address, tuple) and address else address
    return host.decode(errors="replace") if isinstance(host, bytes) else host


def _is_remote(address: Any) -> bool:
    """Whether an address, or a name to look up, is of another machine."""
    host = _host(address)
    if not isinstance(host, str) or not host:
        return False
    return host not in ("localhost", "::1", "0.0.0.0", "::", socket.gethostname()) and (  # noqa: S104
        not host.startswith("127.")
    )
