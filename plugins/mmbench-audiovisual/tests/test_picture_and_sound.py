"""Pictures and sounds from files of their own, sound and broken."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmbench.api import ItemError
from mmbench_audiovisual.clips import Clip
from mmbench_audiovisual.picture import load_picture
from mmbench_audiovisual.sound import load_sound


def ramp(samples: int, channels: int = 1) -> np.ndarray:
    """Values that 16 bits keep, another in every place."""
    return (np.arange(samples * channels).reshape(samples, channels) % 20_000) / 32768


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "1"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(path)
    pixels = load_picture(path).pixels
    assert pixels.shape == (4, 5, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert (pixels == 255).all()


def test_orientation_is_left_as_the_papers_leave_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by a quarter
    Image.new("RGB", (5, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert load_picture(tmp_path / "a.jpg").pixels.shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "not there"), (b"", "can't be decoded"), (b"no picture", "can't be decoded")],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ItemError, match=f"a.jpg.*{said}"):
        load_picture(path)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_picture_that_is_cut_off_is_not_shown_grey(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ItemError, match="can't be decoded"):
        load_picture(path)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 1), (48_000, 6)])
def test_sounds_keep_rate_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    values = ramp(rate, channels)
    soundfile.write(tmp_path / "a.wav", values, rate, subtype="PCM_16")
    sound = load_sound(tmp_path / "a.wav")
    assert sound.rate == rate
    assert sound.samples.dtype == np.float32
    assert sound.samples.flags.c_contiguous
    np.testing.assert_array_equal(sound.samples, values.T.astype(np.float32))


@pytest.mark.parametrize("ending", ["flac", "ogg", "mp3"])
def test_other_formats_are_read(tmp_path: Path, ending: str) -> None:
    time = np.arange(16_000) / 16_000
    soundfile.write(tmp_path / f"a.{ending}", np.sin(440 * 2 * np.pi * time) / 2, 16_000)
    sound = load_sound(tmp_path / f"a.{ending}")
    assert (sound.rate, len(sound.samples)) == (16_000, 1)
    spectrum = np.abs(np.fft.rfft(sound.samples[0], 16_000))
    assert spectrum.argmax() == 440


def test_a_part_of_a_long_sound_is_that_part(tmp_path: Path) -> None:
    values = ramp(16_000 * 4)
    soundfile.write(tmp_path / "a.flac", values, 16_000, subtype="PCM_16")
    clip = Clip("first", 1.0, start=2.0, length=1.0)
    samples = load_sound(tmp_path / "a.flac", clip).samples
    np.testing.assert_array_equal(samples[0], values[32_000:48_000, 0].astype(np.float32))


def test_a_wav_that_is_cut_off_is_no_shorter_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, ramp(16_000), 16_000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:16_000])
    with pytest.raises(ItemError, match=r"a\.wav: the sound is cut off: 16000 of 32044 bytes"):
        load_sound(path)


def test_a_wav_from_a_pipe_does_not_know_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, ramp(16_000), 16_000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff" * 4
    path.write_bytes(content)
    assert load_sound(path).samples.shape == (1, 16_000)


def test_a_flac_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    noise = np.random.default_rng(0).uniform(-1, 1, 160_000)
    soundfile.write(path, noise, 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ItemError, match=r"cut off|can't be decoded"):
        load_sound(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "not there"), (b"", "0 bytes"), (b"no sound at all", "can't be decoded")],
)
def test_what_is_no_sound_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ItemError, match=f"a.wav.*{said}"):
        load_sound(path)


@pytest.mark.parametrize("samples", [1, 100])
def test_a_sample_is_no_sound(tmp_path: Path, samples: int) -> None:
    soundfile.write(tmp_path / "a.wav", ramp(samples), 16_000)
    with pytest.raises(ItemError, match=f"too short: {samples} samples at 16000 Hz"):
        load_sound(tmp_path / "a.wav", Clip("first", 3.0, "tile"))


def test_a_rate_that_no_recording_has(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", ramp(16_000), 1)
    with pytest.raises(ItemError, match="rate is said to be 1 Hz"):
        load_sound(tmp_path / "a.wav")


def test_values_are_finite(tmp_path: Path) -> None:
    values = ramp(16_000)
    values[5_000] = np.nan
    soundfile.write(tmp_path / "a.wav", values, 16_000, subtype="FLOAT")
    with pytest.raises(ItemError, match="NaN"):
        load_sound(tmp_path / "a.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names_that_are_no_utf8_are_opened(tmp_path: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    soundfile.write(tmp_path / "a.wav", ramp(16_000), 16_000)
    (tmp_path / "a.wav").rename(name)
    assert load_sound(name).samples.shape == (1, 16_000)
    name.write_bytes(b"")
    with pytest.raises(ItemError, match=r"caf\\xe9\.wav") as caught:
        load_sound(name)
    str(caught.value).encode()
