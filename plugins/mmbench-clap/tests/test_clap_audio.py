"""The audio path: bit for bit that of laion_clap, and chunks that follow seed and clip only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from laion_functions import laion_functions
from tiny_clap import sweep

from mmbench.api import Audio, ItemError, payload_digest
from mmbench_clap.architectures import read_architecture
from mmbench_clap.audio import ClipMaker, mono_at, quantised, repeat_padded

TINY = read_architecture("HTSAT-tiny")
CONFIG = {
    "sample_rate": 48_000, "window_size": 1024, "hop_size": 480, "mel_bins": 64, "fmin": 50,
    "fmax": 14_000,
}  # fmt: skip
#: Seconds: a sample, shorter than a window, short, 10 s, 10 s and a part of a frame, longer by one
#: frame (two of the thirds hold one place or none), longer.
SECONDS = (1e-5, 0.01, 3.0, 7.0, 10.0, 10.005, 10.011, 10.03, 14.0)


@pytest.fixture(scope="module")
def laion():
    return laion_functions()


def maker(fusion, *, chunks="random", antialias=True, seed=0):
    return ClipMaker(TINY, fusion, chunks, antialias, seed)


@pytest.mark.filterwarnings("ignore:Argument 'onesided':UserWarning")  # laion_clap gives it
@pytest.mark.parametrize("fusion", [False, True])
@pytest.mark.parametrize("seconds", SECONDS)
def test_clips_are_those_of_laion_clap(laion, monkeypatch, seconds, fusion):
    audio = sweep(seconds, seed=3)
    clip, longer = maker(fusion, seed=5)(audio)

    draws = np.random.default_rng([5, int.from_bytes(payload_digest(audio), "big")])
    monkeypatch.setattr(np.random, "choice", draws.choice)
    monkeypatch.setattr(np.random, "randint", draws.integers)
    samples = laion.int16_to_float32(laion.float32_to_int16(audio.samples[0]))
    expected = laion.get_audio_features(
        {}, torch.from_numpy(samples).float(), 480_000,
        data_truncating="fusion" if fusion else "rand_trunc", data_filling="repeatpad",
        audio_cfg=CONFIG,
    )  # fmt: skip
    theirs = expected["mel_fusion" if fusion else "waveform"]
    assert clip.dtype == torch.float32
    assert clip.shape == ((4, 1001, 64) if fusion else (480_000,))
    assert torch.equal(clip, theirs)
    assert longer == bool(expected["longer"])


def test_the_round_trip_is_that_of_laion_clap(laion):
    values = np.concatenate([
        np.linspace(-1.2, 1.2, 100_001, dtype=np.float32),
        np.arange(-32768, 32768, dtype=np.float32) / np.float32(32767),
    ])  # fmt: skip
    expected = laion.int16_to_float32(laion.float32_to_int16(values))
    np.testing.assert_array_equal(quantised(values), expected)
    assert quantised(values).dtype == np.float32


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 11_127])
@pytest.mark.parametrize("channels", [1, 2])
def test_resampling_is_that_of_librosa(rate, channels):
    librosa = pytest.importorskip("librosa")
    audio = sweep(0.37, rate=rate, channels=channels)
    expected = librosa.resample(
        librosa.to_mono(audio.samples), orig_sr=rate, target_sr=48_000, res_type="soxr_hq"
    )
    found = mono_at(audio, 48_000)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("rate", [1, 44_100, 400_000])
def test_a_single_sample_of_any_rate(rate):
    clip, longer = maker(fusion=False)(Audio(np.full((1, 1), 0.5, np.float32), rate))
    assert clip.shape == (480_000,)
    assert bool(clip.isfinite().all())
    assert not longer


def test_silence_is_a_hundred_decibels_below_full_scale():
    clip, _ = maker(fusion=True)(Audio(np.zeros((2, 16_000), np.float32), 16_000))
    assert torch.equal(clip, torch.full((4, 1001, 64), -100.0))


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (Audio(np.zeros((1, 0), np.float32), 48_000), "empty"),
        (Audio(np.zeros((0, 9), np.float32), 48_000), "empty"),
        (Audio(np.full((1, 9), np.nan, np.float32), 48_000), "NaN"),
        (Audio(np.full((1, 9), np.inf, np.float32), 48_000), "infinite"),
        (Audio(np.ones((1, 9), np.float32), 0), "0 Hz"),
    ],
)
def test_what_is_no_sound_is_refused(audio, message):
    with pytest.raises(ItemError, match=message):
        maker(fusion=False)(audio)


def test_repeats_fit_whole():
    np.testing.assert_array_equal(
        repeat_padded(np.array([1, 2, 3], np.float32), 8), [1, 2, 3, 1, 2, 3, 0, 0]
    )


@pytest.mark.parametrize("fusion", [False, True])
def test_chunks_follow_the_seed_and_the_clip_only(fusion):
    one, two = sweep(12.0, seed=1), sweep(12.0, seed=2)
    first, _ = maker(fusion)(one)
    np.random.seed(1)  # noqa: NPY002 - the global generator is what must not matter
    torch.manual_seed(1)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = maker(fusion)
    again(two)
    assert torch.equal(again(one)[0], first)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert not torch.equal(maker(fusion, seed=1)(one)[0], first)


@pytest.mark.parametrize("fusion", [False, True])
def test_clips_of_ten_seconds_follow_no_seed(fusion):
    clip = sweep(10.0)
    assert torch.equal(maker(fusion)(clip)[0], maker(fusion, seed=1)(clip)[0])


def test_middle_chunks_follow_no_seed_and_lie_in_the_middle():
    audio = sweep(13.0)
    chosen, _ = maker(fusion=False, chunks="middle", seed=9)(audio)
    middle = quantised(audio.samples[0])[72_000:552_000]
    np.testing.assert_array_equal(chosen, middle)
    fused = [maker(fusion=True, chunks="middle", seed=seed)(audio)[0] for seed in (0, 1)]
    assert torch.equal(*fused)


def test_antialiasing_is_an_option_that_changes_the_whole_clip_only():
    audio = sweep(20.0)
    smooth, _ = maker(fusion=True)(audio)
    plain, _ = maker(fusion=True, antialias=False)(audio)
    assert not torch.equal(smooth[0], plain[0])
    assert torch.equal(smooth[1:], plain[1:])


def test_clips_are_not_changed():
    audio = sweep(0.5, channels=2)
    before = audio.samples.copy()
    maker(fusion=True)(audio)
    np.testing.assert_array_equal(audio.samples, before)
