"""From the command line to a record, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def run(tmp_path):
    """``run(results, *arguments)``: `mmbench run` of clip on pictures and texts."""

    def make(results, *arguments):
        command = [
            sys.executable, "-m", "mmbench", "run", "-r", "clip",
            "-t", "numbers-retrieval-image-text", "--limit", "20", "--resamples", "50",
            "--results", tmp_path / results, "--cache", tmp_path / "cache",
            "--device", "cpu", "--json", *arguments,
        ]  # fmt: skip
        environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert done.stdout, done.stderr
        return json.loads(done.stdout), done

    return make


def test_a_run_gives_a_record_and_another_encodes_nothing(run, tiny, tmp_path):
    options = [f"-omodel={tiny['model']}", f"-opretrained={tiny['pretrained']}", "--offline"]
    first, done = run("one", *options)
    assert done.returncode == 0
    assert first["counters"]["encodes"] == 40
    (cell,) = first["cells"]
    assert cell["status"] == "ok"
    assert 0 <= cell["metrics"][cell["primary"]] <= 1
    assert list((tmp_path / "one").rglob("*.json"))

    again, _ = run("two", *options)  # other results, the same store
    assert again["counters"]["encodes"] == 0
    assert again["counters"]["reused"] == 40
    assert again["cells"][0]["metrics"] == cell["metrics"]


@pytest.mark.slow
def test_without_weights_the_cell_is_skipped_and_says_what_to_do(run):
    report, done = run("none", "-opretrained=openai")
    assert done.returncode == 0
    (cell,) = report["cells"]
    assert cell["status"] == "skipped"
    assert "hf download timm/vit_base_patch32_clip_224.openai" in cell["reason"]
