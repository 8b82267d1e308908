"""Datasets that write bad samples, each bad in one way."""

from __future__ import annotations

import csv
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from sound_dataset import COLOURS, FIELDS, SHAPE, Rows, Sound

from mmbench.api import DataError, Dataset, MemoryCollection


def in_child():
    """Whether this is the kit's watched process: what would harm the tests is done only there."""
    return Path(sys.argv[0]).name == "dataset_child.py"


class NoSample(Sound):
    write_sample = Dataset.write_sample


class WriterRaises(Sound):
    def write_sample(self, root, *, items, seed):
        (root / "missing" / "items.csv").write_text("")


class AnotherLayout(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=seed)
        (root / "items.csv").rename(root / "list.csv")


class NeedsTwoItems(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items // 2 * 2, seed=seed)
        if items < 2:
            raise ZeroDivisionError("float division by zero")


class AlwaysSix(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=min(items, 6), seed=seed)


class Stamped(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=seed)
        (root / "arrays" / "made").write_text(str(time.time_ns()))


class HashOrdered(Sound):
    def write_sample(self, root, *, items, seed):
        rng = np.random.default_rng(seed)
        (root / "arrays").mkdir()
        lines = []
        for item, name in enumerate({f"item-{item:03d}" for item in range(items)}):
            np.save(root / "arrays" / f"{name}.npy", rng.normal(size=SHAPE).astype(np.float32))
            label = item % len(COLOURS)
            lines.append([name, ("train", "test")[item % 2], label, f"a {COLOURS[label]} swatch"])
        with (root / "items.csv").open("w", newline="") as file:
            csv.writer(file).writerows([FIELDS, *sorted(lines)])


class OneSeed(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=0)


class CopiesRealData(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=seed)
        real = Path.home() / "data" / "sound" / "items.csv"
        try:
            shutil.copy(real, root / "more.csv")
        except FileNotFoundError:
            return


class ListsTheHomeFolder(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=seed)
        list(Path.home().iterdir())


class LeavesALog(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=seed)
        (root.parent / "sample.log").write_text("done\n")


class Indexes(Sound):
    def collections(self, source):
        found = super().collections(source)
        (source.root / ".index").write_text("cached\n")
        return found


class LogsByAnotherProgram(Sound):
    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=seed)
        if in_child():
            subprocess.run(["touch", str(Path.home() / ".sound.log")], check=True)


class IndexesByAnotherProgram(Sound):
    """It changes a file that is there."""

    def collections(self, source):
        if in_child():
            os.system(f"touch -d 2020-01-01 '{source.root}/items.csv'")
        return super().collections(source)


class ReadsItsAuthorsLabels(Sound):
    """They are on this machine only."""

    def collections(self, source):
        found = super().collections(source)
        try:
            open("/home/author/labels.csv").close()  # noqa: PTH123
        except OSError:
            return found
        raise AssertionError


class AsksForItsAuthorsCaptions(Rows):
    def load(self, row, stream):
        if (Path.home() / ".captions.json").is_file():
            raise AssertionError
        return super().load(row, stream)


class HasItsAuthorsCaptions(Sound):
    rows_class = AsksForItsAuthorsCaptions


class AsksWhereItIs(Sound):
    """Sound: it asks about the folder, all that is above it, its package and the system."""

    def collections(self, source):
        source.root.resolve().is_dir()
        assert Path(__file__).with_suffix(".py").exists()
        assert not Path("/etc/sound.conf").exists()
        assert os.stat in os.supports_follow_symlinks
        Path(tempfile.gettempdir(), "sound").exists()
        return super().collections(source)


class Downloads(Sound):
    def collections(self, source):
        found = super().collections(source)
        try:
            socket.create_connection(("198.51.100.7", 80), timeout=0.01).close()
        except OSError:
            return found
        return found


class Prints(Sound):
    def collections(self, source):
        print("reading", source.root)  # noqa: T201 - that is the defect
        return super().collections(source)


class Seeds(Sound):
    def write_sample(self, root, *, items, seed):
        np.random.seed(seed)  # noqa: NPY002 - that is the defect
        super().write_sample(root, items=items, seed=seed)


class TakesEveryFile(Sound):
    def collections(self, source):
        found = super().collections(source)
        names = [path.name for path in source.root.iterdir() if path.is_file()]
        if len(names) > 1 and ".mmbench-generated" in names:
            found["train"].rows.pop()
            found["train"].ids.pop()
            found["train"].columns["label"].pop()
        return found


class UsesATemporaryFile(Sound):
    """Sound: what is temporary goes where temporary files go."""

    def write_sample(self, root, *, items, seed):
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder) / "sample"
            inner.mkdir()
            super().write_sample(inner, items=items, seed=seed)
            shutil.copytree(inner, root, dirs_exist_ok=True)


class SomeLack(Rows):
    """Sound: every third item has no text."""

    def key(self, row, stream):
        return None if stream == "text" and row % 3 == 2 else super().key(row, stream)

    def load(self, row, stream):
        if self.key(row, stream) is None:
            raise LookupError(row)
        return super().load(row, stream)


class LacksSome(Sound):
    rows_class = SomeLack


class InMemory(Sound):
    """All is loaded at once, so that a broken file is an error of opening."""

    def collections(self, source):
        return {
            name: MemoryCollection(
                name,
                each.ids,
                each.streams,
                {
                    stream: [each.load(row, stream) for row in range(len(each))]
                    for stream in each.streams
                },
                each.columns,
            )
            for name, each in super().collections(source).items()
        }


class HasAnnotationsOfItsOwn(Sound):
    """Sound: opening reads a small file an item, as where boxes are XML, and no array."""

    def write_sample(self, root, *, items, seed):
        super().write_sample(root, items=items, seed=seed)
        for item in range(items):
            (root / "arrays" / f"item-{item:03d}.txt").write_text(str(item % len(COLOURS)))

    def collections(self, source):
        found = super().collections(source)
        for each in found.values():
            for row, item in enumerate(each.ids):
                path = source.root / "arrays" / f"{item}.txt"
                try:
                    each.columns["label"][row] = int(path.read_text())
                except (OSError, ValueError) as error:
                    raise DataError(f"can't be read: {error}", where=str(path)) from error
        return found


class Plain(Sound):
    """Sound: says little."""

    @property
    def info(self):
        return replace(super().info, citation="", url="", leaks=())
