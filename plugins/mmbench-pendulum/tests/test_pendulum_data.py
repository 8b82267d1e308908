"""What is seen of a pendulum, and the files that it is kept in."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from mmbench.api import DataError, DataMissing, PluginError
from mmbench.api.errors import MmbenchError
from mmbench_pendulum import world as worlds
from mmbench_pendulum.commands import build
from mmbench_pendulum.dataset import Pendulum
from mmbench_pendulum.doppler import SoundRange, heard
from mmbench_pendulum.recording import read, record, write
from mmbench_pendulum.world import WORST, World


def posed(theta):
    """The picture of an angle."""
    world = World()
    world.begin(0)
    world._env.state = np.array([theta, 0.0])
    world._look()
    return world.images[1]


def centre(picture):
    """The middle of what is drawn, from the axle: height and width, in pixels."""
    rows, columns = np.nonzero(picture)
    return 29.5 - rows.mean(), columns.mean() - 29.5


@pytest.mark.parametrize("theta", [0.0, 0.8, np.pi / 2, 2.5, np.pi, -1.9])
def test_the_rod_points_where_it_stands(theta):
    height, width = centre(posed(theta))
    length = np.hypot(height, width)
    assert 9 < length < 14  # half a rod of 22.7 pixels
    # The receiver on the left stands at positive sines: the picture's left.
    assert height / length == pytest.approx(np.cos(theta), abs=0.12)
    assert -width / length == pytest.approx(np.sin(theta), abs=0.12)


def test_pictures_are_of_gymnasiums_drawing():
    """Rod and axle, without the arrow, whatever the torque was."""
    world = World()
    world.begin(1)
    world.act(2.0)
    before = world.images[1].copy()
    world._env.last_u = None
    drawn = world._env.render()[20:80, 20:80]
    assert set(np.unique(before)) == {0, 1}
    assert np.array_equal(before == 1, np.isin(drawn[..., 0], np.arange(230)))
    assert (drawn[29:31, 29:31] == 0).all()  # the axle
    assert before[29:31, 29:31].all()
    assert before[:, [0, -1]].sum() == before[[0, -1]].sum() == 0  # nothing is cut off


def test_two_steps_are_seen_and_heard():
    world, blind = World(), World(pictures=False)
    for each in (world, blind):
        each.begin(5)
    assert np.array_equal(world.images[0], world.images[1])
    first = world.images[1].copy()
    rewards = [each.act(1.5) for each in (world, blind)]
    assert rewards[0] == rewards[1]
    assert WORST <= rewards[0] <= 0
    assert np.array_equal(world.images[0], first)
    assert not np.array_equal(world.images[1], first)
    assert np.array_equal(world.states, blind.states)
    assert np.array_equal(world.sounds[1], heard(*world.states[1]))
    assert not blind.images.any()


def test_it_goes_on_from_what_was_kept():
    world, other = World(), World()
    world.begin(2)
    world.act(1.0)
    other.begin(9)
    other.restore(world.kept())
    assert world.act(-1.0) == other.act(-1.0)
    assert np.array_equal(world.images, other.images)


def test_no_display_is_needed_or_it_is_said(monkeypatch):
    def refused(*_args, **_said):
        import pygame

        raise pygame.error("No available video device")

    World()
    monkeypatch.setattr("pygame.Surface", refused)
    with pytest.raises(PluginError, match="No available video device") as caught:
        World()
    assert "SDL_VIDEODRIVER=dummy" in caught.value.fix


@pytest.mark.parametrize("absent", ["pygame", "gymnasium.envs.classic_control.pendulum"])
def test_what_is_not_installed_is_said(monkeypatch, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(PluginError, match="needs gymnasium and pygame") as caught:
        World()
    assert "pip install" in caught.value.fix


def test_it_draws_without_a_display_and_greets_nobody():
    code = (
        "from mmbench_pendulum.world import World; w = World(); w.begin(0); assert w.images.any()"
    )
    kept = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=kept
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_recordings_repeat_and_differ_by_split_and_seed():
    first, again = record(6, 0, 0), record(6, 0, 0)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.sounds, again.sounds)
    for other in (record(6, 0, 1), record(6, 1, 0)):
        assert not np.array_equal(first.states, other.states)


def test_collections(sample, source_of):
    found = Pendulum().collections(source_of(sample / "pendulum"))
    assert {name: len(each) for name, each in found.items()} == {"train": 30, "test": 10}
    train, test = found["train"], found["test"]
    sounds = np.stack([train.load(row, "sound").values for row in range(30)])
    assert sounds.dtype == np.float32
    for channel in range(2):
        assert (sounds[..., channel].min(), sounds[..., channel].max()) == (0.0, 1.0)
    assert test.columns["sound_range"] == train.columns["sound_range"][:10]
    image = train.load(7, "image").values
    assert image.shape == (2, 60, 60)
    assert set(np.unique(image)) == {0.0, 1.0}
    state = train.columns["angle"][7], train.columns["speed"][7]
    scale = SoundRange.from_list(train.columns["sound_range"][7])
    assert np.array_equal(train.load(7, "sound").values[1], scale(heard(*state)))


def test_the_released_normalisation_has_two_values_for_one_sound(sample, source_of):
    source = source_of(sample / "pendulum")
    right = Pendulum().collections(source)["test"]
    own = Pendulum(normalisation="own").collections(source)["test"]
    sounds = np.stack([own.load(row, "sound").values for row in range(10)])
    assert sounds.min() == 0.0
    assert sounds.max() == 1.0
    assert not np.array_equal(sounds[0], right.load(0, "sound").values)
    assert own.content_keys("sound")[0] != right.content_keys("sound")[0]
    assert own.content_keys("image") == right.content_keys("image")


def test_fewer_frames_are_the_first_ones_normalised_as_all(sample, source_of):
    source = source_of(sample / "pendulum")
    whole, few = (Pendulum(frames=n).collections(source)["train"] for n in (None, 5))
    assert list(few.ids) == list(whole.ids)[:5]
    assert few.content_keys("sound") == whole.content_keys("sound")[:5]
    assert len(Pendulum(frames=99).collections(source)["train"]) == 30
    with pytest.raises(MmbenchError, match="at least 1"):
        Pendulum(frames=0)


def test_what_is_not_there_is_said(tmp_path, source_of):
    with pytest.raises(DataMissing) as caught:
        Pendulum().collections(source_of(tmp_path))
    assert "mmbench data build pendulum" in caught.value.fix
    status = Pendulum().status(source_of(tmp_path))
    assert not status.present
    assert status.missing == (str(tmp_path / "train.npz"),)


def test_broken_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="can't be read"):
        read(path)
    good = record(2, 0, 0)
    np.savez(path, images=good.images, states=good.states[:1], sounds=good.sounds, about="{}")
    with pytest.raises(DataError, match="has the shape"):
        read(path)
    np.savez(path, images=good.images, states=good.states * np.nan, sounds=good.sounds, about="{}")
    with pytest.raises(DataError, match="NaN"):
        read(path)
    evil = np.array([print], dtype=object)
    np.savez(path, images=evil, states=good.states, sounds=good.sounds, about="{}")
    with pytest.raises(DataError, match="allow_pickle"):
        read(path)
    write(path, good)
    assert np.array_equal(read(path).image(1), np.unpackbits(good.images[1]).reshape(2, 60, 60))


def test_build_writes_both_files_and_overwrites_nothing(tmp_path):
    out = tmp_path / "data" / "pendulum"
    order = ["--out", str(out), "--train", "5", "--test", "3", "--seed", "1"]
    done = CliRunner().invoke(build, order)
    assert done.exit_code == 0, done.output
    assert f"wrote 5 + 3 items to {out}" in done.output
    assert (len(read(out / "train.npz")), len(read(out / "test.npz"))) == (5, 3)
    again = CliRunner().invoke(build, order)
    assert isinstance(again.exception, MmbenchError)
    assert "is not empty" in str(again.exception)


def test_a_build_that_was_stopped_can_be_begun_again(tmp_path, monkeypatch):
    order = ["--out", str(tmp_path / "made"), "--train", "5", "--test", "3"]

    def stopped(count, seed, split, progress):
        if split == 1:
            raise KeyboardInterrupt
        return record(count, seed, split, progress)

    with monkeypatch.context() as patched:
        patched.setattr("mmbench_pendulum.recording.record", stopped)
        assert CliRunner().invoke(build, order).exit_code == 1
    assert not list((tmp_path / "made").iterdir())
    assert CliRunner().invoke(build, order).exit_code == 0


def test_the_worst_reward_is_gymnasiums():
    assert pytest.approx(-16.2736044) == WORST
    assert worlds.SIDE == 60
