"""Datasets that pass every check, in other layouts than a list and a file an item."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np

from mmbench.api import (
    Audio,
    Collection,
    DataError,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    ItemError,
    Sequence,
    Stream,
    Text,
)

CLASSES = ("bird", "car", "dog")


class Clips(Collection):
    """Waves and their captions, in a folder a class; names are all the annotation there is."""

    def __init__(self, source, places):
        self.name = "all"
        self.ids = [place.as_posix().removesuffix(".pcm") for place in places]
        self.streams = {
            "audio": Stream("audio", "audio", "Audio", (1, None), 8000.0),
            "text": Stream("text", "text", "Text"),
        }
        self.columns = {"label": np.array([CLASSES.index(place.parts[0]) for place in places])}
        self.source = source
        self.paths = {
            "audio": [source.root / place for place in places],
            "text": [source.root / place.with_suffix(".txt") for place in places],
        }

    def load(self, row, stream):
        path = self.paths[stream][row]
        try:
            content = path.read_bytes()
            if stream == "text":
                return Text(content.decode())
            samples = np.frombuffer(content, dtype="<i2")
        except (OSError, ValueError) as error:
            raise ItemError(f"can't be read: {error}", where=str(path)) from error
        if not samples.size:
            raise ItemError("is empty", where=str(path))
        return Audio((samples[None] / 32768).astype(np.float32), 8000)

    def content_keys(self, stream):
        return [
            None if stream == "text" and not path.is_file() else self.source.hash_file(path)
            for path in self.paths[stream]
        ]


class Folders(Dataset):
    """``<class>/<name>.pcm`` and ``<class>/<name>.txt``, which some lack."""

    @property
    def info(self):
        return DatasetInfo("folders", "1", "unknown")

    def places(self, source):
        """The clips, in an order that is the same everywhere."""
        found = [path for name in CLASSES for path in (source.root / name).glob("[!.]*.pcm")]
        return sorted(path.relative_to(source.root) for path in found)

    def collections(self, source):
        places = self.places(source)
        if not places:
            raise DataMissing("no clips", where=str(source.root / CLASSES[0] / "*.pcm"))
        return {"all": Clips(source, places)}

    def status(self, source):
        places = self.places(source)
        if places:
            return DataStatus(True, found=(f"{len(places)} clips",))
        wanted = tuple(str(source.root / name) for name in CLASSES)
        return DataStatus(False, missing=wanted, advice="record some")

    def write_sample(self, root, *, items, seed):
        rng = np.random.default_rng(seed)
        for name in CLASSES:
            (root / name).mkdir()
        for item in range(items):
            label = CLASSES[item % len(CLASSES)]
            samples = rng.integers(-9000, 9000, 60 + item, dtype=np.int16)
            (root / label / f"{item:02d}.pcm").write_bytes(samples.astype("<i2").tobytes())
            if item % 4:
                (root / label / f"{item:02d}.txt").write_text(f"{label} number {item}")


class Members(Collection):
    """Members of one archive."""

    def __init__(self, path, rows, digest):
        self.name = "test"
        self.ids = [row["name"] for row in rows]
        self.streams = {"steps": Stream("steps", "trajectory", "Sequence", (None, 2))}
        self.columns = {
            "tags": [row["tags"] for row in rows],
            "score": [row["score"] for row in rows],
        }
        self.path = path
        self.digest = digest

    def load(self, row, stream):
        try:
            with zipfile.ZipFile(self.path) as archive:
                content = archive.read(f"{self.ids[row]}.npy")
            return Sequence(np.load(io.BytesIO(content), allow_pickle=False))
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            where = f"{self.path}[{self.ids[row]}]"
            raise ItemError(f"can't be read: {error}", where=where) from error

    def content_keys(self, stream):
        return [f"archive-1:{self.digest}:{item}" for item in self.ids]


class Archive(Dataset):
    """``index.json`` and one ``steps.zip`` that holds all items."""

    @property
    def info(self):
        return DatasetInfo("archive", "1", "MIT", url="https://example.org/archive")

    def collections(self, source):
        for name in ("index.json", "steps.zip"):
            if not (source.root / name).is_file():
                raise DataMissing("is not there", where=str(source.root / name), fix="get it")
        path = source.root / "index.json"
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            rows = [{"name": r["name"], "tags": r["tags"], "score": r["score"]} for r in rows]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"is no index: {error}", where=str(path)) from error
        archive = source.root / "steps.zip"
        return {"test": Members(archive, rows, source.hash_file(archive))}

    def status(self, source):
        wanted = [source.root / name for name in ("index.json", "steps.zip")]
        missing = tuple(str(path) for path in wanted if not path.is_file())
        if missing:
            return DataStatus(False, missing=missing, advice="get them from the archive")
        return DataStatus(True, found=("index.json and steps.zip",))

    def write_sample(self, root, *, items, seed):
        rng = np.random.default_rng(seed)
        rows = []
        with zipfile.ZipFile(root / "steps.zip", "w") as archive:
            for item in range(items):
                content = io.BytesIO()
                np.save(content, rng.normal(size=(5 + item, 2)).astype(np.float32))
                member = zipfile.ZipInfo(f"walk {item}.npy", (2020, 1, 1, 0, 0, 0))
                archive.writestr(member, content.getvalue())
                tags = ["slow", "fast"][: item % 3]
                rows.append({"name": f"walk {item}", "tags": tags, "score": item / 7})
        (root / "index.json").write_text(json.dumps(rows, indent=1))
