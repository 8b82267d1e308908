"""The representation: slots, lengths, precision, texts, and a run from the command line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from mmbench.api import Context, Image, PluginError, Text, UsageError
from mmbench_ulip import mmbench_representations
from mmbench_ulip.representation import ULIP

PRESETS = {spec.name: spec.options for spec in mmbench_representations()}


def batches(clouds):
    rng = np.random.default_rng(0)
    pictures = [Image(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)) for _ in range(4)]
    return {
        "pointcloud": clouds[:4],
        "image": pictures,
        "text": [Text("a chair"), Text("a lamp"), Text(""), Text("a point cloud of a sofa.")],
    }


def test_all_slots_give_unit_vectors_of_one_length(loaded, ulip, ulip2, clouds):
    for options in (ulip, ulip2):
        made = loaded(options)
        for slot, payloads in batches(clouds).items():
            found = made.encode({slot: payloads})
            assert found.shape == (4, 24)
            torch.testing.assert_close(found.norm(dim=1), torch.ones(4))
            raw = loaded(options, normalise=False).encode({slot: payloads})
            assert not torch.allclose(raw.norm(dim=1), torch.ones(4), atol=1e-2)
            assert made.encode({slot: []}).shape == (0, 24)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_near(loaded, ulip2, clouds, precision):
    whole, half = loaded(ulip2), loaded(ulip2, precision)
    for slot, payloads in batches(clouds).items():
        found = half.encode({slot: payloads})
        assert found.dtype == torch.float32
        cosine = (found * whole.encode({slot: payloads})).sum(dim=1)
        assert cosine.min() > (0.99 if precision == "bf16" else 0.9999)
        assert not torch.equal(found, whole.encode({slot: payloads}))


def test_what_presets_declare():
    slots = {"pointcloud", "image", "text"}
    lengths = {"ulip": {None}, "ulip2": {1280}, "ulip2-512": {None}}
    for name, options in PRESETS.items():
        info = ULIP(**options).info
        assert {slot.name for slot in info.slots} == slots
        assert {offer.dim for offer in info.offers} == lengths[name]
        assert info.seeded
    assert not ULIP(start="first").info.seeded


def test_clouds_only(loaded, ulip, clouds):
    made = loaded(ulip, towers="none")
    assert [slot.name for slot in made.info.slots] == ["pointcloud"]
    whole = loaded(ulip).encode({"pointcloud": clouds})
    assert torch.equal(made.encode({"pointcloud": clouds}), whole)
    with pytest.raises(UsageError, match="no vector of text") as refused:
        made.encode({"text": [Text("a chair")]})
    assert "-o towers=slip" in str(refused.value)


def test_two_slots_at_once_are_refused(loaded, ulip, clouds):
    with pytest.raises(UsageError, match="no vector of pointcloud and text"):
        loaded(ulip).encode({"pointcloud": clouds[:1], "text": [Text("a chair")]})


def test_encoding_before_loading(ulip):
    with pytest.raises(PluginError, match="before it was loaded"):
        ULIP(**ulip).encode({"text": [Text("a chair")]})


@pytest.mark.parametrize(
    ("context", "message"),
    [(Context(device="cuda:9"), "can't compute on 'cuda:9'"),
     (Context(device="toaster"), "can't compute on 'toaster'"),
     (Context(dtype="fp4"), "there is no precision 'fp4'")],
)  # fmt: skip
def test_devices_and_precisions_that_are_not_there(ulip, context, message):
    with pytest.raises(UsageError, match=message):
        ULIP(**ulip).load(context)


def test_long_texts_are_cut_and_said_once(ulip, caplog):
    made = ULIP(**ulip)
    made.load(Context(log=logging.getLogger("ulip.long")))
    with caplog.at_level("WARNING", "ulip.long"):
        made.encode({"text": [Text("a chair"), Text("chair " * 30)]})
        made.encode({"text": [Text("lamp " * 30)]})
    (record,) = caplog.records
    assert record.getMessage().startswith("texts of more than 16 tokens are cut there: 'chair")


def test_listing_imports_no_torch():
    code = "import sys, mmbench_ulip, mmbench_ulip.representation as r; r.ULIP().info; "
    subprocess.run([sys.executable, "-c", f"{code}assert 'torch' not in sys.modules"], check=True)


@pytest.mark.slow
def test_a_run_gives_a_record(ulip, tmp_path):
    options = ["-ocheckpoint=" + ulip["checkpoint"], "-ogroups=16", "-ogroup_size=8"]
    command = [
        sys.executable, "-m", "mmbench", "run", "-r", "ulip", "-t", "numbers-retrieval-image-text",
        "--limit", "12", "--resamples", "50", "--results", str(tmp_path / "results"), "--cache",
        str(tmp_path / "cache"), "--device", "cpu", "--offline", "--json", *options,
    ]  # fmt: skip
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["status"] == "ok"
    assert 0 <= cell["metrics"][cell["primary"]] <= 1
