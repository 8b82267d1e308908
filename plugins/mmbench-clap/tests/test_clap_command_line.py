"""From the command line to a record, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def run(tmp_path):
    """``run(results, *arguments)``: `mmbench run` of clap on dialled numbers."""

    def make(results, *arguments):
        command = [
            sys.executable, "-m", "mmbench", "run", "-r", "clap", "-t", "numbers-zeroshot-audio",
            "--limit", "12", "--resamples", "50", "--results", tmp_path / results,
            "--cache", tmp_path / "cache", "--device", "cpu", "--json", *arguments,
        ]  # fmt: skip
        environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert done.stdout, done.stderr
        return json.loads(done.stdout), done

    return make


def test_a_run_gives_a_record_and_another_encodes_nothing(run, plain, tmp_path):
    options = [f"-o{name}={plain[name]}" for name in ("checkpoint", "amodel", "text_model")]
    options += ["-obackend=transformers", "--offline"]
    first, done = run("one", *options)
    assert done.returncode == 0, done.stderr
    assert first["counters"]["encodes"] > 12
    (cell,) = first["cells"]
    assert cell["status"] == "ok"
    assert 0 <= cell["metrics"][cell["primary"]] <= 1
    assert list((tmp_path / "one").rglob("*.json"))

    again, _ = run("two", *options)  # other results, the same store
    assert again["counters"]["encodes"] == 0
    assert again["cells"][0]["metrics"] == cell["metrics"]


def test_without_weights_the_cell_is_skipped_and_says_what_to_do(run, plain):
    report, done = run("none", f"-otext_model={plain['text_model']}")
    assert done.returncode == 0, done.stderr
    (cell,) = report["cells"]
    assert cell["status"] == "skipped"
    assert "hf download lukewys/laion_clap 630k-audioset-best.pt" in cell["reason"]
