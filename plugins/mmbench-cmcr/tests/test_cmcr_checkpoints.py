"""Checkpoints in the published layouts: read, written, and refused with one clear message."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from cmcr_worlds import base, read_json, rn, unit

from mmbench.api import Context, DataError, DataMissing
from mmbench_cmcr.checkpoints import named_state, read_heads
from mmbench_cmcr.connector import CMCR
from mmbench_cmcr.layouts import Layout
from mmbench_cmcr.projectors import build_projector


def state_of(layout, widths=(6, 6), dim=6):
    sizes = dict(zip(("first", "second"), widths, strict=True))
    return named_state(
        {
            space: build_projector(layout.projector, sizes[space], dim, seed=k)
            for k, space in enumerate(layout.spaces, 3)
        },
        layout,
    )


def saved(path, state):
    torch.save(state, path)
    return path


def connector(path, **options):
    return CMCR(first="clip", second="clap", checkpoint=str(path), **options)


def test_the_names_are_the_published_ones():
    ends = ("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
            "1.num_batches_tracked")  # fmt: skip
    wanted = [f"Head_{x}.net{n}.{end}" for x in "AB" for n in (1, 2) for end in ends]
    assert list(state_of(Layout("mlp"))) == wanted
    wanted = [f"Head_{x}.net.{end}" for x in "AB" for end in ends]
    assert list(state_of(Layout("mlp-half"))) == wanted
    assert list(state_of(Layout("ex-mcr", frozen=True)))[:3] == [
        "Head1.weight", "Head1.bias", "Head2.mlp1.net1.0.weight",
    ]  # fmt: skip


@pytest.mark.parametrize("projector", ["mlp", "mlp-half", "ex-mcr"])
def test_a_checkpoint_is_read_and_written_as_it_was(tmp_path, projector):
    frozen = "first" if projector == "ex-mcr" else "none"
    layout = Layout(projector, frozen == "first")
    path = saved(tmp_path / "heads.pt", state_of(layout))
    made = connector(path, projector=projector, frozen=frozen)
    assert made.needs() == []
    made.fit_vectors({}, Context())
    made.write_checkpoint(tmp_path / "again.pt")
    one, other = (torch.load(tmp_path / f"{n}.pt", weights_only=True) for n in ("heads", "again"))
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in one)
    vectors = rn(1, (3, 6)).astype(np.float32)
    head = build_projector(projector, 6, 6, seed=0)
    prefix = layout.prefix("second")
    own = {n.removeprefix(prefix): v for n, v in one.items() if n.startswith(prefix)}
    head.load_state_dict(own)
    with torch.no_grad():
        wanted = head.eval()(torch.from_numpy(unit(vectors))).numpy()
    np.testing.assert_allclose(
        made.project("second", "audio", vectors), unit(wanted), rtol=1e-5, atol=1e-6
    )
    if frozen == "first":
        np.testing.assert_allclose(
            made.project("first", "image", vectors), unit(vectors), rtol=1e-6
        )


def test_head_a_is_clap_in_one_layout_and_clip_in_the_other(tmp_path):
    for projector, head_a in (("mlp", "second"), ("mlp-half", "first")):
        state = state_of(Layout(projector))
        for name in state:
            if name.endswith(("weight", "bias")) and name.startswith("Head_A"):
                state[name] = torch.ones_like(state[name])
        made = connector(saved(tmp_path / "h.pt", state), projector=projector)
        made.fit_vectors({}, Context())
        two = unit(np.abs(rn(1, (2, 6)))).astype(np.float32)
        plain = {s: made.project(s, "text", two) for s in ("first", "second")}
        other = "first" if head_a == "second" else "second"
        # Where all weights are equal all coordinates are.
        assert np.ptp(plain[head_a]) < 1e-6
        assert np.ptp(plain[other]) > 1e-3


def test_the_fingerprint_is_that_of_the_bytes(tmp_path):
    state = state_of(Layout())
    one = connector(saved(tmp_path / "a.pt", state)).fingerprint()
    state["Head_A.net1.0.bias"] += 1e-7
    other = connector(saved(tmp_path / "b.pt", state)).fingerprint()
    assert one != other
    assert CMCR(first="clip", second="clap").fingerprint() == ""


def message(path, *, widths=None, error=DataError, **options):
    made = connector(path, **options)
    if widths:
        first, second = widths
        made.describe({"first": base("clip", {"image": first, "text": first}),
                       "second": base("clap", {"audio": second, "text": second})})  # fmt: skip
    with pytest.raises(error) as caught:
        made.fit_vectors({}, Context())
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_what_lacks_and_what_is_too_much_is_named(tmp_path):
    state = state_of(Layout())
    del state["Head_A.net2.0.bias"]
    said = message(saved(tmp_path / "h.pt", state))
    assert "it lacks Head_A.net2.0.bias" in said
    state = state_of(Layout()) | {"logit_scale": torch.ones(1)}
    said = message(saved(tmp_path / "h.pt", state))
    assert "has logit_scale, for which there is no place" in said
    state = {f"CLIP_{name}": value for name, value in state_of(Layout()).items()}
    said = message(saved(tmp_path / "h.pt", state))
    assert "and 24 more and has CLIP_Head_A.net1.0.weight" in said


def test_another_architecture_is_named(tmp_path):
    half = saved(tmp_path / "h.pt", state_of(Layout("mlp-half")))
    assert "has the heads of ulip_clip.pt (mlp-half), not of mlp" in message(half)
    assert "-o projector=mlp-half" in message(half)
    full = saved(tmp_path / "f.pt", state_of(Layout()))
    assert "has the heads of clap_clip.pt (mlp)" in message(full, projector="mlp-half")
    decoupled = saved(tmp_path / "x.pt", state_of(Layout("ex-mcr", frozen=True)))
    assert "-o projector=ex-mcr" in message(decoupled)
    assert "-o frozen=" in message(decoupled, projector="ex-mcr")


def test_the_other_order_of_heads_is_recognised_by_the_widths(tmp_path):
    path = saved(tmp_path / "h.pt", state_of(Layout(head_a="first"), (6, 9)))
    said = message(path, widths=(6, 9))
    assert "Head_A takes vectors of 6 numbers, and the second space has 9" in said or (
        "Head_B takes vectors of 9 numbers, and the first space has 6" in said
    )
    assert "-o head_a=first" in said
    made = connector(path, head_a="first")
    made.fit_vectors({}, Context())
    assert made.project("second", "audio", np.ones((2, 9), np.float32)).shape == (2, 6)
    said = message(path, widths=(6, 7), head_a="first")
    assert "head_a" not in said


def test_torn_unsafe_and_senseless_files_are_refused(tmp_path):
    state = state_of(Layout())
    assert "there is no such checkpoint" in message(tmp_path / "none.pt", error=DataMissing)
    torn = tmp_path / "torn.pt"
    torn.write_bytes(saved(tmp_path / "h.pt", state).read_bytes()[:4000])
    assert "can't be read" in message(torn)
    unsafe = tmp_path / "unsafe.pt"
    torch.save({**state, "extra": pickle.loads}, unsafe)
    assert "which is more than weights" in message(unsafe)
    wrapped = saved(tmp_path / "w.pt", {"state_dict": state})
    assert "plain state dict" in message(wrapped)
    state["Head_B.net1.0.bias"][2] = torch.nan
    said = message(saved(tmp_path / "n.pt", state))
    assert "Head_B.net1.0.bias has a value that is NaN" in said
    cut = state_of(Layout())
    cut["Head_A.net1.1.bias"] = cut["Head_A.net1.1.bias"][:3]
    assert "has other shapes: Head_A.net1.1.bias is [3], not [12]" in message(
        saved(tmp_path / "c.pt", cut)
    )


def test_the_released_heads_give_what_the_original_gives():
    path = os.environ.get("MMBENCH_ULIP_CLIP")
    if not path:
        pytest.skip("MMBENCH_ULIP_CLIP does not name the published ulip_clip.pt")
    heads = read_heads(Path(path), Layout("mlp-half"), {"first": 512, "second": 512})
    vectors = torch.from_numpy(unit(rn(6200, (8, 512))).astype(np.float32))
    oracle = read_json("cmcr_projector_oracle.json")
    for letter, space in (("A", "first"), ("B", "second")):
        with torch.no_grad():
            found = unit(heads[space](vectors).numpy())[:2, :24]
        wanted = oracle[f"released_ulip_clip_{letter}_norm"]["head"]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
