"""What a plugin reads that is neither its own, nor of the system: files of its author's machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.testing.reading import CODE, is_asked_by
from mmbench.testing.watching import Watch, user_caches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ReadingWatch", "named_paths"]

#: Audit events that look into a file or a folder, whose first argument says which.
_READS = ("open", "os.listdir", "os.scandir")
#: Where an operating system keeps what belongs to no user.
_SYSTEM = (
    "/bin", "/dev", "/etc", "/lib", "/nix", "/opt", "/proc", "/run", "/sbin", "/snap", "/sys",
    "/usr", "/var/cache", "/Library", "/System", "/private/etc", "/private/var/db",
)  # fmt: skip
#: Functions of ``os`` that say whether a file is there, of which Python's audit says nothing.
_QUESTIONS = ("stat", "lstat", "access")
#: Modules through which they are asked.
_BETWEEN = ("os", "genericpath", "posixpath", "ntpath", "pathlib", "pathlib._local", "pathlib._abc")


class ReadingWatch(Watch):
    """Records, besides what is written, which files and folders are looked into.

    Args:
        allowed: Folders that may be written to.
    """

    def __init__(self, allowed: list[Path]) -> None:
        self.seen: list[str] = []
        self.asked: list[str] = []
        self.opened: list[str] = []
        super().__init__(allowed)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.while_ is not None and event in _READS and _looks(event, arguments):
            path = arguments[0]
            if path is None or isinstance(path, (str, bytes, os.PathLike)):
                text: str = "." if path is None else os.fsdecode(path)
                self.seen.append(os.path.realpath(text))
                self.opened += self.seen[-1:] if event == "open" else []
        super()._see(event, arguments)

    def hear_questions(self, module: str) -> None:
        """From now on, record too which files a plugin's own code asks whether they are there.

        Args:
            module: Of the plugin: all modules of its package are its own.
        """
        for name in _QUESTIONS:
            real = getattr(os, name)
            heard = self._heard(real, module)
            setattr(os, name, heard)
            for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
                if real in known:
                    known.add(heard)

    def _heard(self, real: Callable[..., Any], module: str) -> Callable[..., Any]:
        def asking(path: Any, *given: Any, **named: Any) -> Any:
            is_path = isinstance(path, (str, bytes, os.PathLike))
            if self.while_ is not None and is_path and is_asked_by(module, _BETWEEN):
                doing, self.while_ = self.while_, None  # to resolve a path asks, too
                self.asked.append(os.path.realpath(os.fsdecode(path)))
                self.while_ = doing
            return real(path, *given, **named)

        return asking

    def foreign(self, own: Iterable[Path | str]) -> list[str]:
        """What was looked into and belongs neither to Python, nor to the system, nor to ``own``."""
        away = os.path.realpath(Path.cwd())
        known = [
            os.path.realpath(path)
            for path in (*_python(), *_SYSTEM, *user_caches(), Path.home() / ".config", *own)
        ]
        known = [path for path in known if path != away]
        # To find out where a folder really lies, all above it are asked about.
        asked = (path for path in self.asked if not any(_below(each, [path]) for each in known))
        found = {path for path in (*self.seen, *asked) if not _below(path, known)}
        return sorted(path for path in found if path == away or not _is_imported(path))

    def below(self, folder: Path) -> int:
        """How often a file below a folder was opened."""
        return sum(_below(path, [os.path.realpath(folder)]) for path in self.opened)


def named_paths(options: dict[str, Any]) -> list[str]:
    """Paths that options name: what lies there may be read."""
    return [value for value in options.values() if isinstance(value, str) and os.sep in value]


def _python() -> list[str]:
    """Where Python is, and all packages that were imported from wherever they lie."""
    packages = [
        folder
        for name, module in list(sys.modules.items())
        if "." not in name
        for folder in getattr(module, "__path__", ())
        if isinstance(folder, str)
    ]
    return [sys.prefix, sys.base_prefix, sys.exec_prefix, *packages]


def _is_imported(path: str) -> bool:
    """Whether Python reads this to import a module, or to know an installed distribution."""
    folders = [os.path.realpath(each) for each in sys.path if each]
    parts = Path(path).parts
    if {"site-packages", "dist-packages"} & set(parts) or path in folders:
        return True
    # A library looks for parts of itself along the path: torch does for NVIDIA's.
    if _below(path, folders) and not os.path.lexists(path):
        return True
    is_code = path.endswith(CODE) or any(
        part.endswith((".dist-info", ".egg-info")) for part in parts
    )
    return is_code and _below(path, folders)


def _looks(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a file or folder is looked into, rather than written to."""
    if event != "open":
        return True
    path, mode, flags = arguments
    if mode:
        return not set(mode) & set("wxa") or "+" in mode
    # What is opened by its descriptor's number may be relative to a folder that isn't said.
    absolute = isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith("/")
    return absolute and not (flags or 0) & os.O_WRONLY


def _below(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)
