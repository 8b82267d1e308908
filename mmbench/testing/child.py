"""The new process of :mod:`mmbench.testing.processes`: ``python -m mmbench.testing.child FOLDER``.

Nothing that is not needed for listing may be imported before the plugin's hooks are.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.import_cost import HEAVY
from mmbench.testing.clock import move_clocks, move_dates
from mmbench.testing.own_folders import new_since, snapshot
from mmbench.testing.reading import data_files, record_variables, variables_asked
from mmbench.testing.surroundings import (
    changes,
    random_states,
    restore,
    surroundings,
    undo_inherited,
)
from mmbench.testing.watching import Watch, user_caches

if TYPE_CHECKING:
    from mmbench.testing.representations import RepresentationSubject

__all__ = ["label_of"]

#: What no library's import changes: here the first load is held to account too.
_NEVER_BY_IMPORT = frozenset(
    {
        "the working folder", "sys.argv", "sys.stdout", "numpy.seterr",
        "the global state of numpy.random",
    }
)  # fmt: skip

#: Files beside the folders of this process that the kit writes.
_OURS = ("vectors.npz", "stdout", "stderr")
#: Seconds that are waited at most, should processes not agree on ``time.monotonic``.
_LONGEST = 2.0


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
    start = time.perf_counter()
    with watch.on("listed"):
        load_registry([point])
    milliseconds = (time.perf_counter() - start) * 1000
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    return {"modules": sorted(new & HEAVY), "listing_milliseconds": milliseconds}


def _subject(folder: Path, order: dict[str, Any]) -> RepresentationSubject:
    """What the order names."""
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
    return subject


def _encode(subject: RepresentationSubject, seed: int, watch: Watch) -> dict[str, Any]:
    """Load, and encode the standard batch of every offer: the vectors by label."""
    subject.__dict__.pop("shared", None)
    subject._vectors.clear()  # noqa: SLF001 - encoded anew
    with watch.on("loaded"):
        subject.shared = subject.ready(seed=seed)
    with watch.on("used"):
        return {label_of(offer): subject.vectors(offer) for offer in subject.offers}


def _represent(folder: Path, order: dict[str, Any], watch: Watch, report: dict[str, Any]) -> None:
    """Build, load and encode twice.

    The first time imports what is imported late. So what the second changes around it is the
    plugin's doing, and not that of a library's import; and dates, which compiled modules derive
    from, can be moved before the second.
    """
    import numpy as np

    subject = _subject(folder, order)
    before = surroundings() | random_states()
    with watch.on("imported"):
        cls = subject.cls
    with watch.on("built"), contextlib.suppress(Exception):  # a check of its own says so
        report["fingerprint"] = str(subject.new().fingerprint())
    asked = record_variables(cls.__module__, lambda: watch.is_used)
    vectors = _encode(subject, order["seed"], watch)
    after = surroundings() | random_states()
    report["changed"] = [name for name in changes(before, after) if name in _NEVER_BY_IMPORT]
    restore(before)
    if order["later"]:
        move_dates(cls.__module__.partition(".")[0])
    time.sleep(min(max(order["not_before"] - time.monotonic(), 0.0), _LONGEST))
    before = surroundings() | random_states()
    vectors = _encode(subject, order["seed"], watch)
    report["changed"] += changes(before, surroundings() | random_states())
    written = [each.partition(" while ")[0] for each in watch.written]
    report["read"] = data_files(watch.read, cls.__module__, [os.path.realpath(folder), *written])
    report["asked"] = variables_asked(asked)
    np.savez(folder / "vectors.npz", **vectors)


def main(folder: Path) -> None:
    """Do what the order says, and leave a report."""
    order = json.loads((folder / "order.json").read_text())
    allowed = [folder / "cache", folder / "tmp", *user_caches()]
    mine = [*allowed, *(folder / name for name in _OURS)]
    watch, before = Watch(allowed), snapshot([folder], mine)
    report: dict[str, Any] = {}
    undo_inherited()
    # Log messages and warnings are no bad manners: without a handler they would be printed.
    logging.lastResort = logging.NullHandler()
    logging.captureWarnings(capture=True)
    if order.get("later"):
        move_clocks()
    try:
        if "spec" in order:
            _represent(folder, order, watch, report)
        else:
            report |= _listing(order, watch)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is reported
        report["error"] = f"{type(error).__name__}: {error}"
    # What compiled code or another process writes is not heard of, but is seen where it lies.
    unheard = watch.unheard(new_since(before, snapshot([folder], mine), allowed))
    report["written"] = sorted({*watch.written, *unheard})
    report["network"] = sorted(set(watch.network))
    report["changed"] = sorted(set(report.get("changed", ())))
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
