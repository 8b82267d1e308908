"""The new process of :mod:`mmbench.testing.processes`: ``python -m mmbench.testing.child FOLDER``.

Nothing that is not needed for listing may be imported before the plugin's hooks are.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["HEAVY", "label_of"]

#: What listing must not import: each takes a tenth of a second to several seconds.
HEAVY = frozenset(
    {
        "cv2", "datasets", "h5py", "jax", "laion_clap", "librosa", "matplotlib", "numba",
        "onnxruntime", "open_clip", "pandas", "PIL", "pyarrow", "scipy", "sklearn", "tensorflow",
        "timm", "torch", "torchaudio", "torchvision", "transformers", "trimesh",
    }
)  # fmt: skip
#: Audit events that reach for another machine.
_NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
#: Audit events that change the file system, besides ``open``.
_WRITES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink"}
_YEAR = 400 * 86_400.0 + 12_345.6


class Watch:
    """Records what is written and what is asked of the network, while it is on.

    Args:
        allowed: Folders that may be written to.
    """

    def __init__(self, allowed: list[Path]) -> None:
        self.allowed = [str(path.resolve()) for path in allowed]
        self.written: list[str] = []
        self.network: list[str] = []
        self.on = False
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in _NETWORK:
            self._see_network(event, arguments)
        elif event == "open":
            path, mode, flags = arguments
            writes = (mode and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR)
            if writes and isinstance(path, (str, bytes, os.PathLike)):
                self._see_write(path)
        elif event in _WRITES:
            self._see_write(arguments[0])

    def _see_network(self, event: str, arguments: tuple[Any, ...]) -> None:
        address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        if event == "socket.connect" and isinstance(address, (str, bytes)):
            return  # a local socket of another process
        self.network.append(f"{event.removeprefix('socket.')} {address!r}")
        raise OSError("the conformance kit lets nothing reach the network")

    def _see_write(self, path: Any) -> None:
        with contextlib.suppress(TypeError, ValueError):
            full = os.path.realpath(os.fsdecode(path))
            quiet = full.startswith(("/dev/", "/proc/")) or "__pycache__" in full
            if not quiet and not any(full.startswith(folder) for folder in self.allowed):
                self.written.append(full)


def label_of(offer: Any) -> str:
    """An offer's name in a report."""
    return f"{offer.kind}:{'+'.join(sorted(offer.slots))}"


def _listing(order: dict[str, Any], watch: Watch) -> dict[str, Any]:
    """Import a plugin and call its hooks, as listing does: what that brought and cost."""
    from importlib.metadata import EntryPoint

    from mmbench.registry import LOAD_PLUGINS, load_registry  # ours is there before any plugin

    os.environ.pop(LOAD_PLUGINS, None)
    point = EntryPoint(order["plugin"]["entry_point"], order["plugin"]["module"], "mmbench")
    before = set(sys.modules)
    watch.on = True
    start = time.perf_counter()
    try:
        load_registry([point])
    finally:
        milliseconds = (time.perf_counter() - start) * 1000
        watch.on = False
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    return {"modules": sorted(new & HEAVY), "listing_milliseconds": milliseconds}


def _a_year_later() -> None:
    """Move the clocks that a plugin might read."""
    import datetime as dt

    real, real_ns, moment = time.time, time.time_ns, dt.datetime

    class Both(type):
        """Moments of either class are moments."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, moment)

    class Later(moment, metaclass=Both):  # type: ignore[misc, valid-type]
        """``datetime`` a year later."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return moment.now(tz) + dt.timedelta(seconds=_YEAR)

        @classmethod
        def utcnow(cls) -> Any:
            return moment.fromtimestamp(real() + _YEAR, dt.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    time.time = lambda: real() + _YEAR
    time.time_ns = lambda: real_ns() + int(_YEAR * 1e9)
    dt.datetime = Later  # type: ignore[misc]


def _encode(folder: Path, order: dict[str, Any], watch: Watch, report: dict[str, Any]) -> None:
    """Build, load and encode the standard batch of every offer."""
    import numpy as np

    from mmbench.api import RepresentationSpec, State, Stream
    from mmbench.registry import Entry, PluginInfo
    from mmbench.testing.representations import RepresentationSubject

    streams = [
        Stream(**{**each, "shape": each["shape"] and tuple(each["shape"])})
        for each in order["streams"]
    ]
    said: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in order["spec"].items()
    }
    entry = Entry(RepresentationSpec(**said), PluginInfo(**order["plugin"]))
    # What the caller resolved already is given as it was: lists become tuples again here.
    subject = RepresentationSubject(
        entry, order["given"], folder / "cache", tuple(streams), target=order["target"]
    )
    if (folder / "state.npz").is_file():
        with np.load(folder / "state.npz", allow_pickle=False) as file:
            arrays = {name[2:]: file[name] for name in file.files if name.startswith("a:")}
            subject.state = State(arrays, json.loads(str(file["meta"])))
    # Import what encoding needs before the watch is on: a library's own import is not the plugin.
    _ = subject.cls
    watch.on = True
    try:
        report["fingerprint"] = subject.new().fingerprint()
        subject.shared = subject.ready(seed=order["seed"])
        vectors = {label_of(offer): subject.vectors(offer) for offer in subject.offers}
    finally:
        watch.on = False
    np.savez(folder / "vectors.npz", **vectors)


def main(folder: Path) -> None:
    """Do what the order says, and leave a report."""
    order = json.loads((folder / "order.json").read_text())
    watch = Watch([folder / "cache", folder / "tmp"])
    report: dict[str, Any] = {}
    if order.get("later"):
        _a_year_later()
    try:
        if "spec" in order:
            _encode(folder, order, watch, report)
        else:
            report |= _listing(order, watch)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is reported
        report["error"] = f"{type(error).__name__}: {error}"
    report |= {"written": sorted(set(watch.written)), "network": sorted(set(watch.network))}
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
