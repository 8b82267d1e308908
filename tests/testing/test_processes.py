"""The watched process: what it sees, what it is told, and how it ends."""

from __future__ import annotations

import ast
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mutant_runs import registry_with

from mmbench.api import State
from mmbench.testing import processes
from mmbench.testing.catalogue import Target
from mmbench.testing.checks import Blocked
from mmbench.testing.processes import start_watched, watched
from mmbench.testing.surroundings import (
    changes,
    new_random_states,
    random_states,
    restore,
    surroundings,
)
from mmbench.testing.watching import Watch, user_caches


def subject_of(path, workspace, **options):
    registry, name = registry_with("representations", path)
    return Target("representations", name, registry, options).subject(workspace)


@pytest.fixture(scope="module")
def hooked():
    """One for the module: an audit hook can't be taken down again."""
    return Watch([])


@pytest.fixture
def watch(hooked, tmp_path):
    (tmp_path / "cache").mkdir()
    hooked.allowed = [os.path.realpath(tmp_path / "cache")]
    hooked.written.clear()
    hooked.network.clear()
    return hooked


def changed_by(watch, tmp_path, act):
    with watch.on("tested"):
        act()
    end = " while it is tested"
    return [Path(each.removesuffix(end)).name for each in watch.written if each.endswith(end)]


def make(path):
    path.write_text("old")
    return path


WRITES = {
    "write": lambda here: (here / "new").write_text("x"),
    "append": lambda here: (here / "old").open("a").close(),
    "update": lambda here: (here / "old").open("r+").close(),
    "os.open": lambda here: os.close(os.open(here / "new", os.O_CREAT | os.O_WRONLY)),
    "save": lambda here: np.save(here / "new", np.zeros(2)),
    "mkdir": lambda here: (here / "new").mkdir(),
    "remove": lambda here: (here / "old").unlink(),
    "symlink": lambda here: (here / "new").symlink_to("old"),
    "hard link": lambda here: os.link(here / "old", here / "new"),
    "chmod": lambda here: (here / "old").chmod(0o600),
    "truncate": lambda here: os.truncate(here / "old", 0),
    "rmdir": lambda here: (here / "empty").rmdir(),
}


@pytest.mark.parametrize("act", WRITES.values(), ids=WRITES)
def test_what_changes_a_file_is_seen(act, watch, tmp_path):
    make(tmp_path / "old")
    (tmp_path / "empty").mkdir()
    (found,) = changed_by(watch, tmp_path, lambda: act(tmp_path))
    assert found in ("new", "new.npy", "old", "empty")


def test_a_move_changes_both_places(watch, tmp_path):
    make(tmp_path / "old")
    act = lambda: (tmp_path / "old").rename(tmp_path / "new")  # noqa: E731
    assert sorted(changed_by(watch, tmp_path, act)) == ["new", "old"]


def test_a_path_relative_to_an_open_folder_is_found(watch, tmp_path):
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    make(tmp_path / "old")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert changed_by(watch, tmp_path, lambda: os.unlink("old", dir_fd=folder)) == ["old"]
    finally:
        os.close(folder)
    assert watch.written == [f"{os.path.realpath(tmp_path)}/old while it is tested"]


def test_a_sibling_of_an_allowed_folder_is_not_allowed(watch, tmp_path):
    (tmp_path / "cache-of-others").mkdir()
    act = lambda: make(tmp_path / "cache-of-others" / "new")  # noqa: E731
    assert changed_by(watch, tmp_path, act) == ["new"]


def quiet(here):
    """All that is no writing outside the allowed folders."""
    (here / "old").read_text()
    (here / "cache" / "new").write_text("x")
    (here / "cache" / "deep").mkdir()
    (here / "cache" / "new").rename(here / "cache" / "newer")
    (here / "there").mkdir(exist_ok=True)
    (here / "there").mkdir(parents=True, exist_ok=True)
    (here / "never").unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        (here / "never").rmdir()
    Path(os.devnull).write_text("x")
    os.fdopen(os.dup(1), "wb").close()


def test_what_changes_nothing_is_not_seen(watch, tmp_path):
    make(tmp_path / "old")
    (tmp_path / "there").mkdir()
    assert changed_by(watch, tmp_path, lambda: quiet(tmp_path)) == []


def test_nothing_is_seen_while_it_is_off(watch, tmp_path):
    make(tmp_path / "new")
    assert watch.written == []


def datagram(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talking:
        talking.connect(address)


REACHES = {
    "connect": lambda: datagram(("192.0.2.1", 9)),
    "getaddrinfo": lambda: socket.getaddrinfo("weights.invalid", 443),
    "gethostbyname": lambda: socket.gethostbyname("weights.invalid"),
}


@pytest.mark.parametrize("act", REACHES.values(), ids=REACHES)
def test_what_reaches_for_another_machine_is_refused_and_noted(act, watch):
    with watch.on("loaded"), pytest.raises(OSError, match="lets nothing reach the network"):
        act()
    (noted,) = watch.network
    assert noted.endswith("while it is loaded")
    assert "192.0.2.1" in noted or "weights.invalid" in noted


def test_what_stays_on_this_machine_is_let_through(watch, tmp_path):
    with watch.on("loaded"):
        datagram(("127.0.0.1", 9))
        socket.getaddrinfo("localhost", 80)
        socket.getaddrinfo(None, 0)
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talking,
        ):
            talking.connect("nobody.sock")
    assert watch.network == []


def test_libraries_may_cache_where_they_are_told(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = user_caches()
    assert tmp_path / "hub" in found
    assert tmp_path / "home" / ".cache" in found


def test_two_processes_differ_in_what_must_not_matter(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    subject = subject_of("watched_representations:SaysWhereItIs", tmp_path)
    first, later = subject.reports
    said, said_later = (ast.literal_eval(each.fingerprint) for each in (first, later))
    assert 390 < said_later["clock"] - said["clock"] < 410
    assert said["hash"] != said_later["hash"]
    assert said["folder"] != said_later["folder"]
    assert said["cache"] != said_later["cache"]
    assert said["listed"] == said_later["listed"] == []
    assert said["offline"] == "", "what would hide a request to a hub is taken away"
    assert (first.written, first.network, first.printed, first.left) == ((), (), "", "")


def test_dates_move_before_what_is_reported_is_encoded(tmp_path):
    subject = subject_of("watched_representations:SaysWhereItIs", tmp_path)
    first, later = (each.vectors["global:text"] for each in subject.reports)
    years = later - first
    assert (years > 1.5).all(), "a year by datetime, and one by date"


def test_an_exception_is_an_error_of_the_report(tmp_path):
    report = watched(subject_of("watched_representations:Raises", tmp_path))
    assert report.error == "FileNotFoundError: weights/sound.pt"
    assert report.vectors == {}


def test_a_process_that_ends_early_is_told_by_its_last_words(tmp_path):
    report = watched(subject_of("watched_representations:Exits", tmp_path))
    assert report.error == "the process ended early: terminate called"


def test_a_process_that_hangs_is_given_up_and_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_TIMEOUT", 1.5)
    running = start_watched(subject_of("watched_representations:Hangs", tmp_path))
    with pytest.raises(Blocked, match=r"did not encode within 1\.5 s"):
        running.report()
    assert running.process.poll() is not None


def test_options_arrive_as_what_they_were(tmp_path):
    report = watched(subject_of("watched_representations:TakesATuple", tmp_path))
    assert report.error == ""
    assert report.vectors.keys() >= {"global:image", "global:audio+image", "dense:image"}


def test_a_state_that_is_no_plain_data_blocks(tmp_path):
    subject = subject_of("sound_trained:SoundTrained", tmp_path)
    subject.state = State({"model": np.array([{}], dtype=object)})
    with pytest.raises(Blocked, match="see state_is_plain_data"):
        start_watched(subject)


def test_both_processes_are_reported_at_the_first_question(tmp_path):
    subject = subject_of("sound_representation:Sound", tmp_path)
    process = subject.process
    assert "reports" in vars(subject)
    assert subject.later_process is not process
    assert np.array_equal(
        process.vectors["global:text"], subject.later_process.vectors["global:text"]
    )


def test_changes_around_a_plugin_are_named_and_put_back(monkeypatch, tmp_path):
    before = surroundings()
    with np.errstate():  # puts numpy's back if the test fails
        os.environ["KIT_TEST"] = "1"
        folder = Path.cwd()
        os.chdir(tmp_path)
        sys.path.append("/kit")
        np.seterr(all="ignore")
        try:
            found = changes(before, surroundings())
        finally:
            restore(before)
        assert sorted(found) == [
            "numpy.seterr", "os.environ['KIT_TEST']", "sys.path", "the working folder",
        ]  # fmt: skip
        assert changes(before, surroundings()) == []
        assert Path.cwd() == folder


def test_new_random_states_show_a_seed_that_was_set_before():
    np.random.seed(3)  # noqa: NPY002
    outside = random_states()
    with new_random_states() as before:
        assert changes(before, random_states()) == []
        np.random.seed(3)  # noqa: NPY002
        assert changes(before, random_states()) == ["the global state of numpy.random"]
    assert changes(outside, random_states()) == []


DATES = """
import datetime as dt, pickle, time
import numpy as np, pandas
known = dt.datetime.now(), dt.date.today(), np.datetime64
from mmbench.testing.clock import move_clocks, move_dates
from datetime import datetime
move_clocks()
move_dates("__main__")
assert datetime is dt.datetime
assert dt.datetime.now() - known[0] > dt.timedelta(days=399)
assert isinstance(known[0], dt.datetime) and isinstance(known[1], dt.date)
assert not isinstance(known[1], dt.datetime) and issubclass(dt.datetime, dt.date)
day = dt.datetime(2020, 1, 2)
assert pickle.loads(pickle.dumps(day)) == day and type(day) is dt.datetime
assert pandas.Timestamp(day).year == 2020
assert time.strftime("%Y") == str(time.localtime().tm_year) == time.asctime()[-4:]
assert time.ctime()[-4:] == time.asctime()[-4:]
assert time.strftime("%Y", time.gmtime(0)) == time.asctime(time.gmtime(0))[-4:] == "1970"
assert abs(time.clock_gettime(time.CLOCK_REALTIME) - time.time()) < 60
assert abs(time.clock_gettime_ns(time.CLOCK_REALTIME) - time.time_ns()) < 6e10
assert time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic() < 60
real = known[2]
assert np.datetime64 is not real and np.datetime64 == real and hash(np.datetime64) == hash(real)
assert type(np.datetime64("2020")) is real and isinstance(real("2020"), np.datetime64)
for unit in ("D", "s", "ms"):
    now, known = np.datetime64("now", unit), real("now", unit)
    assert now.dtype == known.dtype and now - known > np.timedelta64(399, "D")
assert np.datetime64("today") - real("today") == np.timedelta64(401, "D")
assert np.datetime64("2020-01-02") == real("2020-01-02") and np.isnat(np.datetime64("NaT"))
assert np.dtype(np.datetime64) == np.dtype(real) and np.issubdtype("M8[s]", np.datetime64)
assert {np.datetime64: 1}[np.dtype("M8[s]").type] == 1 and np.zeros(2).astype("M8[s]").ndim == 1
assert np.zeros(2, "M8[s]").astype(np.datetime64).dtype == "M8[s]"
assert pickle.loads(pickle.dumps(np.datetime64("2020"))) == real("2020")
days = pandas.DataFrame({"day": [pandas.Timestamp(day)]})
assert days.select_dtypes(np.datetime64).shape == (1, 1)
assert time.gmtime(0).tm_year == 1970 and time.gmtime().tm_year == dt.date.today().year
"""


def test_moved_dates_are_dates_still():
    done = subprocess.run(
        [sys.executable, "-c", DATES], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
