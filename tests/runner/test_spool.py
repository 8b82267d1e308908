from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from mmbench.api import Array, ItemError
from mmbench.runner import spool as spools
from mmbench.runner.keys import digest_rows
from mmbench.runner.payload_files import pack
from mmbench.runner.sharing import SharedItems
from mmbench.runner.spool import Busy, Spool, remove_dead_spools, run_spool


def shared(keys, consumers=(frozenset({"a", "b"}),)) -> SharedItems:
    digests, _ = digest_rows([keys])
    order = np.argsort(digests[:, 0])
    return SharedItems(digests[order], np.arange(len(keys))[order] % len(consumers), consumers)


@pytest.fixture
def running(tmp_path):
    """A run's spool for the items ``k0`` to ``k9``."""
    with run_spool(tmp_path, shared([f"k{n}" for n in range(10)]), 10**9) as made:
        yield made


class Reader:
    """Counts; breaks as it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error

    def __call__(self):
        self.calls += 1
        if self.error is not None:
            raise self.error
        return Array(np.array([7.0, self.calls], np.float32))


def test_an_item_is_decoded_by_the_first_worker_only(running) -> None:
    reader = Reader()
    found = [Spool(running.folder, 10**9).load("k3", "i", reader).values for _ in range(3)]

    assert reader.calls == 1
    np.testing.assert_array_equal(found, [[7, 1]] * 3)


def test_what_nobody_shares_is_not_kept(running) -> None:
    reader = Reader()
    for _ in range(2):
        Spool(running.folder, 10**9).load("other", "i", reader)

    assert reader.calls == 2
    assert not list((running.folder / "0").iterdir())


def test_who_comes_meanwhile_waits_or_does_something_else(running) -> None:
    begun, go_on = threading.Event(), threading.Event()
    reader = Reader()

    def slow():
        begun.set()
        assert go_on.wait(10)
        return reader()

    found = []
    one = threading.Thread(
        target=lambda: found.append(Spool(running.folder, 10**9).load("k1", "i", slow))
    )
    one.start()
    assert begun.wait(10)
    with pytest.raises(Busy):
        Spool(running.folder, 10**9).load("k1", "i", reader, wait=False)
    two = threading.Thread(
        target=lambda: found.append(Spool(running.folder, 10**9).load("k1", "i", reader))
    )
    two.start()
    time.sleep(0.05)
    assert not found
    go_on.set()
    one.join()
    two.join()
    assert reader.calls == 1
    assert [each.values.tolist() for each in found] == [[7, 1], [7, 1]]


def test_a_killed_worker_lets_go(running) -> None:
    code = (
        "import sys, time; from pathlib import Path; from mmbench.runner.spool import Spool\n"
        "def decode(): print('begun', flush=True); time.sleep(60)\n"
        "Spool(Path(sys.argv[1]), 10**9).load('k1', 'i', decode)"
    )
    command = [sys.executable, "-c", code, str(running.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "begun\n"
        with pytest.raises(Busy):
            Spool(running.folder, 10**9).load("k1", "i", Reader(), wait=False)
        other.kill()
        other.wait(10)
        other.stdout.close()
    assert Spool(running.folder, 10**9).load("k1", "i", Reader()).values[0] == 7


class StrangeError(ItemError):
    """A plugin's own."""


class UnidentifiedError(OSError):
    """A library's own."""


@pytest.mark.parametrize(
    "error",
    [
        ItemError("is broken", where="a.jpg", fix="mend it"),
        StrangeError("is strange", where="b.jpg"),
        ValueError("no picture"),
        EOFError("the end"),
        UnidentifiedError("can't tell what it is"),
        FileNotFoundError(errno.ENOENT, "No such file", "/a/b"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_item_is_opened_once_and_said_alike(running, error) -> None:
    reader = Reader(error)
    said = []
    for _ in range(3):
        with pytest.raises(spools.BROKEN) as caught:
            Spool(running.folder, 10**9).load("k5", "i", reader)
        said.append(f"{type(caught.value).__name__}: {caught.value}")

    assert reader.calls == 1
    assert said == [f"{type(error).__name__}: {error}"] * 3
    other = Reader(ItemError("has another name"))
    with pytest.raises(ItemError, match="another name"):  # of two broken ones each has its words
        Spool(running.folder, 10**9).load("k5", "another", other)


@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, "Too many open files"), RuntimeError("a bug"), MemoryError()]
)
def test_what_may_pass_is_tried_again(running, error) -> None:
    reader = Reader(error)
    for _ in range(2):
        with pytest.raises(type(error)):
            Spool(running.folder, 10**9).load("k5", "i", reader)
    assert reader.calls == 2


@pytest.mark.parametrize("content", [b"", b"{", b"{}\n", b"x" * 99])
def test_a_damaged_entry_is_decoded_again(running, content) -> None:
    reader = Reader()
    Spool(running.folder, 10**9).load("k5", "i", reader)
    (entry,) = (running.folder / "0").iterdir()
    whole_entry = entry.read_bytes()
    entry.write_bytes(content)

    assert Spool(running.folder, 10**9).load("k5", "i", reader).values[1] == 2
    assert len(entry.read_bytes()) == len(whole_entry)


def test_a_full_spool_keeps_no_more_until_a_job_later(running) -> None:
    size = pack(Reader()()).bytes
    spool = Spool(running.folder, 2 * size)
    reader = Reader()
    for _ in range(2):
        for item in ("k1", "k2", "k3", "k4"):
            spool.load(item, item, reader)
    assert reader.calls == 6
    assert "the spool is full" in running.warning()
    assert "--spool-gb" in running.warning()

    running.ended("a")
    assert len(list((running.folder / "0").iterdir())) == 2
    assert spool.load("k3", "k3", reader).values[1] == 7
    running.ended("b")
    assert not (running.folder / "0").exists()
    (running.folder / "0").mkdir()  # as another source would be
    spool.load("k3", "k3", reader)
    assert not list((running.folder / "0").iterdir())
    spool.try_again()
    spool.load("k3", "k3", reader)
    spool.load("k4", "k4", reader)
    assert len(list((running.folder / "0").iterdir())) == 2


def test_a_disk_that_refuses_is_no_failure(running, monkeypatch) -> None:
    def refuse(path, packed):
        path.write_bytes(b"a part")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spools, "write_payload", refuse)
    reader = Reader()
    for _ in range(2):
        Spool(running.folder, 10**9).load("k1", "i", reader)

    assert reader.calls == 2
    assert "No space left" in running.warning()
    assert not list((running.folder / "0").iterdir())


@pytest.mark.parametrize("gone", ["locks", "0", "everything"])
def test_what_is_removed_meanwhile_is_no_failure(running, gone) -> None:
    spool = Spool(running.folder, 10**9)
    shutil.rmtree(running.folder if gone == "everything" else running.folder / gone)
    reader = Reader()
    for _ in range(2):
        assert spool.load("k1", "i", reader).values[0] == 7
    assert reader.calls == 2


def test_a_source_goes_with_its_last_job(tmp_path) -> None:
    consumers = (frozenset({"a", "b"}), frozenset({"b", "c"}))
    with run_spool(tmp_path, shared(["k0", "k1"], consumers), None) as running:
        there = lambda: sorted(p.name for p in running.folder.glob("[0-9]"))  # noqa: E731
        assert there() == ["0", "1"]
        running.ended("a")
        running.ended("c")
        running.ended("nobody")
        assert there() == ["0", "1"]
        running.ended("b")
        assert there() == []
        assert running.warning() is None
    assert not running.folder.exists()


@pytest.mark.parametrize(("items", "limit"), [(SharedItems(), None), (shared(["k0"]), 0)])
def test_nothing_to_share_makes_no_folder(tmp_path, items, limit) -> None:
    with run_spool(tmp_path, items, limit) as running:
        assert running is None
    assert not list(tmp_path.iterdir())


def test_an_interrupt_removes_it(tmp_path) -> None:
    with pytest.raises(KeyboardInterrupt), run_spool(tmp_path, shared(["k0"]), None) as running:
        raise KeyboardInterrupt
    assert not running.folder.exists()


def test_leftovers_of_the_dead_go_and_the_living_stay(tmp_path) -> None:
    code = (
        "import sys, time; from pathlib import Path; import numpy as np\n"
        "from mmbench.runner.spool import run_spool\n"
        "from mmbench.runner.sharing import SharedItems\n"
        "digests, sources = np.zeros((1, 2), np.uint64), np.zeros(1, np.int64)\n"
        "items = SharedItems(digests, sources, (frozenset('a'),))\n"
        "with run_spool(Path(sys.argv[1]), items, None) as made:\n"
        "    print(made.folder, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with run_spool(tmp_path, shared(["k0"]), None) as living:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            dead = tmp_path / "spool" / other.stdout.readline().strip()
            assert dead.is_dir()
            assert remove_dead_spools(tmp_path) == []
            other.send_signal(signal.SIGKILL)
            other.wait(10)
            other.stdout.close()
        assert remove_dead_spools(tmp_path, dry_run=True) == [dead]
        assert dead.is_dir()
        with run_spool(tmp_path, SharedItems(), None):
            assert not dead.exists()
        assert living.folder.is_dir()


def test_a_spool_that_cannot_be_made_is_done_without(tmp_path, caplog) -> None:
    (tmp_path / "spool").write_text("in the way")
    with run_spool(tmp_path, shared(["k0"]), None) as running:
        assert running is None
    assert "no spool" in caplog.text
